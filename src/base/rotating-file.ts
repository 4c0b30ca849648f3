import { closeSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A file that takes lines and is put aside as `.1`, `.2`, … when it is full. */
export interface RotatingFile extends Disposable {
  write(line: string): void;
  /** Why the file is larger than it may be; undefined while it could be put aside. */
  readonly trouble: unknown;
}

export interface RotationLimits {
  /** A line that would make the file larger opens a new one. */
  readonly bytesMax: number;
  /** Files kept besides the one being written; 0 empties it instead. */
  readonly backupsMax: number;
}

/** A file that could not be put aside is tried again when it has grown by this share of what it may have. */
const GROWTH_UNTIL_TRIED_AGAIN = 0.1;

/**
 * Makes the folder where needed and appends to what is there. Writes are synchronous: a crash loses no line. A write that
 * cannot be done throws and loses its line; the next one tries again, so a disk that was full is used as soon as it is not.
 * A file that is full and cannot be put aside goes on taking lines, and no backup is given up for it.
 */
export function openRotatingFile(path: string, limits: RotationLimits): RotatingFile {
  mkdirSync(dirname(path), { recursive: true });
  return new OpenRotatingFile(path, limits);
}

class OpenRotatingFile implements RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  /** Undefined once it is closed: a number that was closed may be another file's by now. */
  #descriptor: number | undefined;
  #bytes = 0;
  #trouble: unknown;
  #triedAgainAtBytes = 0;

  constructor(path: string, limits: RotationLimits) {
    this.#path = path;
    this.#limits = limits;
    this.#open();
  }

  get trouble(): unknown {
    return this.#trouble;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    const before = this.#descriptor ?? this.#open();
    const bytesAfter = this.#bytes + bytes.length;
    if (this.#bytes > 0 && bytesAfter > Math.max(this.#limits.bytesMax, this.#triedAgainAtBytes)) {
      this.#rotate(before, bytesAfter);
    }
    const descriptor = this.#descriptor ?? before;
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(descriptor, bytes, at);
      at += written;
      this.#bytes += written;
    }
  }

  [Symbol.dispose](): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }

  #open(): number {
    const descriptor = openSync(this.#path, "a");
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #rotate(full: number, bytesOtherwise: number): void {
    const { bytesMax, backupsMax } = this.#limits;
    try {
      if (backupsMax === 0) {
        ftruncateSync(full);
        this.#bytes = 0;
      } else {
        makeRoom(this.#path, backupsMax);
        this.#open();
        closeSync(full);
      }
      this.#trouble = undefined;
      this.#triedAgainAtBytes = 0;
    } catch (error) {
      this.#trouble = error;
      this.#triedAgainAtBytes = bytesOtherwise + bytesMax * GROWTH_UNTIL_TRIED_AGAIN;
    }
  }
}

/**
 * Moves each file up by one, as far as the first place that is free. Only where none is free, the oldest is replaced, by
 * the rename that takes its place. So a try that ended half way leaves a free place, and the next one gives up nothing.
 */
function makeRoom(path: string, backupsMax: number): void {
  let free = 0;
  while (free < backupsMax && existsSync(backupOf(path, free))) {
    free += 1;
  }
  for (let number = free; number > 0; number -= 1) {
    renameSync(backupOf(path, number - 1), backupOf(path, number));
  }
}

function backupOf(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}
