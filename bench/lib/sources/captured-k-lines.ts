import { readFile } from "node:fs/promises";
import path from "node:path";
import { inflateSync } from "node:zlib";

import { tradingDays } from "../../../src/domain/cn-trading-days.ts";
import type { Day } from "../../../src/domain/day.ts";

export const SEPARATOR = "\u0001";
const HEADER_BYTES = 21;
/** Digits of the length, the end of the header. */
const LENGTH_DIGITS = 10;
const DATA_AT = 6;
const FIELDS_AT = 8;

/** A captured answer of BaoStock, unpacked. */
export interface Capture {
  /** Without the length. */
  readonly header: string;
  readonly elements: readonly string[];
  readonly fields: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export async function readCapture(folder: string): Promise<Capture> {
  const captured = await readFile(path.join(folder, "response.bin"));
  const header = captured.toString("latin1", 0, HEADER_BYTES - LENGTH_DIGITS);
  const declared = Number.parseInt(captured.toString("latin1", HEADER_BYTES - LENGTH_DIGITS, HEADER_BYTES), 10);
  const payload = captured.subarray(HEADER_BYTES, HEADER_BYTES + declared);
  const elements = inflateSync(payload).toString("utf8").split(SEPARATOR);
  const fields = (elements[FIELDS_AT] ?? "").split(",").map((name) => name.trim());
  return { header, elements, fields, rows: readRecord(elements[DATA_AT] ?? "") };
}

/**
 * The days of the recording in turn, on a trading day each, the newest first; prices of `digits` digits, four as unadjusted
 * ones of BaoStock have.
 */
export function repeatRows(
  { fields, rows: recorded }: Capture,
  rows: number,
  digits = 4,
): readonly (readonly string[])[] {
  const [date, time, flag] = ["date", "time", "adjustflag"].map((name) => fields.indexOf(name));
  const prices = ["open", "high", "low", "close", "preclose"].map((name) => fields.indexOf(name));
  const recordedDays = [...Map.groupBy(recorded, (row) => row[date ?? 0]).values()];
  const days: readonly Day[] = tradingDays().filter((day) => day < "2025-01-01");
  const all: string[][] = [];
  for (let at = 0; all.length < rows; at += 1) {
    const day = days.at(-1 - at);
    for (const row of recordedDays[at % recordedDays.length] ?? []) {
      all.push(
        row.map((cell, column) => {
          if (column === date) {
            return day ?? "";
          }
          if (column === time) {
            return `${(day ?? "").replaceAll("-", "")}${cell.slice(8)}`;
          }
          return column === flag ? "3" : prices.includes(column) ? cell.slice(0, cell.indexOf(".") + 1 + digits) : cell;
        }),
      );
    }
  }
  return all.slice(0, rows);
}

function readRecord(text: string): readonly (readonly string[])[] {
  const parsed: unknown = JSON.parse(text);
  const record = typeof parsed === "object" && parsed !== null && "record" in parsed ? parsed.record : undefined;
  if (!Array.isArray(record)) {
    throw new TypeError("the captured answer has no records");
  }
  return record.map((row: unknown) => (Array.isArray(row) ? row.map(String) : []));
}
