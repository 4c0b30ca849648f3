import { parseArgs } from "node:util";

import { parseCount } from "../worker/figures.ts";

export interface SourcesBenchOptions {
  /** Of each case; the median is printed. */
  readonly runs: number;
  /** Rows that one run of a case decodes, in whole answers. */
  readonly rows: number;
}

export function parseSourcesOptions(args: readonly string[]): SourcesBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: "string", default: "7" }, rows: { type: "string", default: "200000" } },
  });
  return { runs: parseCount(values.runs, "--runs"), rows: parseCount(values.rows, "--rows") };
}
