import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";

import { formsOf } from "./secret-forms.ts";

export interface SecretSearch {
  readonly files: number;
  readonly bytes: number;
  /** The secret itself is never in here. */
  readonly hits: readonly SecretHit[];
}

export interface SecretHit {
  /** Below the folder. */
  readonly file: string;
  readonly line: number;
  /** How it was written, such as `Base64`. */
  readonly form: string;
}

const PIECE_BYTES = 8 * 1024 * 1024;
const HITS_MAX = 100;

/** Looks for every form of every secret in all files below a folder. */
export function searchSecrets(folder: string, secrets: readonly string[]): SecretSearch {
  const forms = [...new Map(secrets.flatMap((secret) => [...formsOf(secret)]))].map(
    ([text, form]) => [Buffer.from(text), form] as const,
  );
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(path.join(folder, file)).isFile(),
  );
  const hits: SecretHit[] = [];
  let bytes = 0;
  for (const file of files.toSorted()) {
    bytes += searchFile(path.join(folder, file), forms, (line, form) => {
      if (hits.length < HITS_MAX) {
        hits.push({ file, line, form });
      }
    });
  }
  return { files: files.length, bytes, hits };
}

type Forms = readonly (readonly [Buffer, string])[];

/** Reads in pieces that overlap by the longest form, so that none is missed between two. Answers the size. */
function searchFile(file: string, forms: Forms, found: (line: number, form: string) => void): number {
  const overlap = Math.max(0, ...forms.map(([text]) => text.length - 1));
  const buffer = Buffer.alloc(PIECE_BYTES + overlap);
  const descriptor = openSync(file, "r");
  let size = 0;
  let line = 1;
  let kept = 0;
  try {
    for (;;) {
      const read = readSync(descriptor, buffer, { offset: kept, length: PIECE_BYTES });
      if (read === 0) {
        return size;
      }
      size += read;
      const piece = buffer.subarray(0, kept + read);
      for (const [text, form] of forms) {
        for (let at = piece.indexOf(text); at !== -1; at = piece.indexOf(text, at + 1)) {
          // What lies wholly in the part that was kept has been found with the piece before.
          if (at + text.length > kept) {
            found(line + newlinesIn(piece.subarray(0, at)), form);
          }
        }
      }
      const keep = Math.min(overlap, piece.length);
      line += newlinesIn(piece.subarray(0, piece.length - keep));
      piece.copy(buffer, 0, piece.length - keep);
      kept = keep;
    }
  } finally {
    closeSync(descriptor);
  }
}

function newlinesIn(piece: Buffer): number {
  let count = 0;
  for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) {
    count += 1;
  }
  return count;
}
