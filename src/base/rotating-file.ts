import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A file that takes lines and is put aside as `.1`, `.2`, … when it is full. */
export interface RotatingFile extends Disposable {
  write(line: string): void;
}

export interface RotationLimits {
  /** A line that would make the file larger opens a new one. */
  readonly bytesMax: number;
  /** Files kept besides the one being written; 0 empties it instead. */
  readonly backupsMax: number;
}

/**
 * Makes the folder where needed and appends to what is there. Writes are synchronous: a crash loses no line. A write that
 * cannot be done throws and loses its line; the next one tries again, so a disk that was full is used as soon as it is not.
 */
export function openRotatingFile(path: string, limits: RotationLimits): RotatingFile {
  mkdirSync(dirname(path), { recursive: true });
  return new OpenRotatingFile(path, limits);
}

class OpenRotatingFile implements RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  /** Undefined after a rotation that went wrong half way: a number that was closed may be another file's by now. */
  #descriptor: number | undefined;
  #bytes = 0;

  constructor(path: string, limits: RotationLimits) {
    this.#path = path;
    this.#limits = limits;
    this.#open();
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.bytesMax) {
      this.#rotate();
    }
    const descriptor = this.#descriptor ?? this.#open();
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(descriptor, bytes, at);
      at += written;
      this.#bytes += written;
    }
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #open(): number {
    const descriptor = openSync(this.#path, "a");
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }

  #rotate(): void {
    const { backupsMax } = this.#limits;
    this.#close();
    rmSync(backupOf(this.#path, backupsMax), { force: true });
    for (let number = backupsMax - 1; number >= 0; number -= 1) {
      if (existsSync(backupOf(this.#path, number))) {
        renameSync(backupOf(this.#path, number), backupOf(this.#path, number + 1));
      }
    }
    this.#open();
  }
}

function backupOf(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}
