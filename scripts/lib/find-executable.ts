import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** Debian puts servers here, and an ordinary user's PATH leaves it out. */
const SERVER_FOLDERS = ["/usr/local/sbin", "/usr/sbin"];

/** The full path of the first of `names` found in PATH or among the system's servers. */
export function findExecutable(...names: readonly string[]): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), ...SERVER_FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      const file = path.join(folder, name);
      if (folder !== "" && isExecutable(file)) {
        return file;
      }
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
