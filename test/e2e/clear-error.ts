import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import type { GdwEnded } from "../support/run-gdw.ts";

const PAGE = readFileSync(path.join(projectFolder, "docs", "troubleshooting.md"), "utf8").replaceAll(/\s+/g, " ");

/** One sentence on standard error with all these parts, the exit code, and no stack; and the page knows it. */
export function isClear(
  { code, out, err }: Pick<GdwEnded, "out" | "err"> & { readonly code: number | null },
  expected: number,
  parts: readonly string[],
): void {
  assert.equal(code, expected, `${out}\n${err}`);
  assert.match(err, /^gdw: [^\n]+\n$/);
  for (const part of parts) {
    assert.ok(err.includes(part), `${JSON.stringify(part)} is not in ${err}`);
  }
  assert.doesNotMatch(out + err, /^\s+at .*:\d+/m);
  standsInPage(parts);
}

/** Addresses, paths and names of a test are placeholders on the page, so the words around them are looked for. */
export function standsInPage(parts: readonly string[]): void {
  for (const part of parts) {
    for (const stable of part.split(/(?:https?:\/\/)?127\.0\.0\.1:\d*|(?<![:/])\/\w\S*|missing[-_]\S+/)) {
      const text = stable.replaceAll(/\s+/g, " ").replaceAll(/^[\s:]+|[\s:]+$/g, "");
      assert.ok(PAGE.includes(text), `docs/troubleshooting.md does not have: ${text}`);
    }
  }
}
