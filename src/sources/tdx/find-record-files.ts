import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { DataError } from "../../base/errors.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { RecordFrequency } from "./file-records.ts";
import { readRecordName } from "./record-name.ts";

export interface RecordFile {
  readonly path: string;
  readonly name: string;
  readonly code: SecurityCode;
  readonly frequency: RecordFrequency;
  readonly size: number;
  readonly modifiedAtMs: number;
}

/** A file that was to be looked at and whose name says that it cannot be one of ours. */
export interface MisnamedFile {
  readonly path: string;
  readonly is: "no-code" | "other-market" | "other-kind";
  /** It was named itself, and not found in a folder. */
  readonly isNamed: boolean;
}

export interface FoundFiles {
  /** By path. */
  readonly files: readonly RecordFile[];
  /** Record files without a code anywhere, and every file that was named itself and is none of ours. */
  readonly misnamed: readonly MisnamedFile[];
  /** What else lies in the folders, by ending (`#` for record files of other markets). */
  readonly others: ReadonlyMap<string, number>;
}

/** `vipdoc/sz/lday/…` has three; a link that leads back is not followed for ever. */
const DEPTH_MAX = 8;

/** Looks through folders of any form and at files that are named themselves. DataError where there is nothing at a path. */
export async function findRecordFiles(paths: readonly string[], signal: AbortSignal): Promise<FoundFiles> {
  const found = new Map<string, RecordFile>();
  const misnamed = new Map<string, MisnamedFile>();
  const others = new Map<string, number>();

  async function lookAt(path: string, isNamed: boolean): Promise<void> {
    const named = readRecordName(basename(path));
    if (named.is === "records") {
      const { size, mtimeMs } = await stat(path);
      const { code, frequency } = named;
      found.set(path, { path, name: basename(path), code, frequency, size, modifiedAtMs: mtimeMs });
    } else if (isNamed || named.is === "no-code") {
      misnamed.set(path, { path, is: named.is, isNamed });
    } else {
      const kind = named.is === "other-market" ? "#" : named.ending;
      others.set(kind, (others.get(kind) ?? 0) + 1);
    }
  }

  async function lookThrough(folder: string, depth: number): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      signal.throwIfAborted();
      const path = join(folder, entry.name);
      const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
      if (target?.isDirectory() === true && depth < DEPTH_MAX) {
        await lookThrough(path, depth + 1);
      } else if (target?.isFile() === true) {
        await lookAt(path, false);
      }
    }
  }

  for (const path of paths) {
    signal.throwIfAborted();
    const target = await stat(path).catch((error: unknown) => {
      throw new DataError(`importing: there is no file or folder that can be read at ${path}`, "", { cause: error });
    });
    await (target.isDirectory() ? lookThrough(path, 0) : lookAt(path, true));
  }
  return {
    files: [...found.values()].toSorted(byPath),
    misnamed: [...misnamed.values()].toSorted(byPath),
    others,
  };
}

function byPath(left: { readonly path: string }, right: { readonly path: string }): number {
  return left.path < right.path ? -1 : left.path > right.path ? 1 : 0;
}
