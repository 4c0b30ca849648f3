import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";

/**
 * The process that has a lock on the file, by the list that Linux keeps; undefined elsewhere, when it is hidden from us
 * (another user's, outside the container), or gone. The file itself is not opened: closing it would let go of every lock
 * that this process has on it.
 */
export function findHolder(file: string): number | undefined {
  try {
    const inode = String(statSync(file).ino);
    const real = realpathSync(file);
    const pids = new Set<number>();
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      // 5: POSIX  ADVISORY  WRITE 20533 fe:00:9984624 1073741824 1073742335
      const [, kind, , , pid = "", place = ""] = line.trim().split(/\s+/);
      if ((kind === "POSIX" || kind === "FLOCK") && place.endsWith(`:${inode}`) && Number.parseInt(pid, 10) > 0) {
        pids.add(Number.parseInt(pid, 10));
      }
    }
    return [...pids].find((pid) => hasOpen(pid, real));
  } catch {
    return undefined;
  }
}

/** An inode's number is unique to its disk only, so the path is looked for too, where we may look. */
function hasOpen(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === file);
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
