import { parseArgs } from "node:util";

import type { BarOrder } from "./bars.ts";

export interface WriteOptions {
  readonly batches: readonly number[];
  readonly orders: readonly BarOrder[];
  readonly transports: readonly ("embedded" | "http")[];
  readonly runs: number;
  /** Rows of a cell at most; undefined for as many as the peers send. */
  readonly rowsMax: number | undefined;
}

const ROWS_BY_BATCH: ReadonlyMap<number, number> = new Map([
  [1, 500],
  [100, 50_000],
  [1_000, 200_000],
]);
const ROWS_OTHERWISE = 1_000_000;

/** Rows that a cell sends: the peers', unless scaled down; always whole batches. */
export function rowsOf(batch: number, rowsMax: number | undefined): number {
  const rows = Math.min(ROWS_BY_BATCH.get(batch) ?? ROWS_OTHERWISE, rowsMax ?? Number.MAX_SAFE_INTEGER);
  return Math.max(batch, Math.floor(rows / batch) * batch);
}

/** RangeError on a word that is none of those listed. */
export function parseWriteOptions(args: readonly string[]): WriteOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      batches: { type: "string", default: "1,100,1000,10000,100000" },
      orders: { type: "string", default: "day,code" },
      transports: { type: "string", default: "embedded,http" },
      runs: { type: "string", default: "3" },
      rows: { type: "string" },
    },
  });
  return {
    batches: values.batches.split(",").map((text) => parseCount(text, "--batches")),
    orders: values.orders.split(",").map((text) => pick(text, ["day", "code"], "--orders")),
    transports: values.transports.split(",").map((text) => pick(text, ["embedded", "http"], "--transports")),
    runs: parseCount(values.runs, "--runs"),
    rowsMax: values.rows === undefined ? undefined : parseCount(values.rows, "--rows"),
  };
}

function parseCount(text: string, flag: string): number {
  const value = Number.parseInt(text, 10);
  if (!/^\d{1,7}$/.test(text) || value < 1) {
    throw new RangeError(`${flag} takes whole numbers from 1 on, got ${JSON.stringify(text)}`);
  }
  return value;
}

function pick<Word extends string>(text: string, words: readonly Word[], flag: string): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) {
    throw new RangeError(`${flag} takes ${words.join(", ")}, got ${JSON.stringify(text)}`);
  }
  return found;
}
