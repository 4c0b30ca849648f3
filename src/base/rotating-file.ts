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

/** Makes the folder where needed and appends to what is there. Writes are synchronous: a crash loses no line. */
export function openRotatingFile(path: string, { bytesMax, backupsMax }: RotationLimits): RotatingFile {
  mkdirSync(dirname(path), { recursive: true });
  let descriptor = openSync(path, "a");
  let bytes = fstatSync(descriptor).size;

  function rotate(): void {
    closeSync(descriptor);
    rmSync(backupOf(path, backupsMax), { force: true });
    for (let number = backupsMax - 1; number >= 0; number -= 1) {
      if (existsSync(backupOf(path, number))) {
        renameSync(backupOf(path, number), backupOf(path, number + 1));
      }
    }
    descriptor = openSync(path, "a");
    bytes = 0;
  }

  return {
    write: (line) => {
      const size = Buffer.byteLength(line);
      if (bytes > 0 && bytes + size > bytesMax) {
        rotate();
      }
      bytes += size;
      writeSync(descriptor, line);
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function backupOf(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}
