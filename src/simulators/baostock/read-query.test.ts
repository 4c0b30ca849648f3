import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import type { BaostockData, BaostockKind } from "./baostock-data.ts";
import { methodOf } from "./methods.ts";
import { readQuery } from "./read-query.ts";

const KINDS: Readonly<Record<string, BaostockKind>> = {
  "sh.600000": "stock",
  "sh.000001": "index",
  "sh.510300": "etf",
};
const data: BaostockData = {
  codes: Object.keys(KINDS),
  firstDay: undefined,
  lastDay: undefined,
  kindOf: (code) => KINDS[code],
  rowsOf: () => [],
};
const DAY = parseDay("2026-06-30");
const PUBLISHED = { today: DAY, daily: DAY, weekly: DAY, monthly: DAY, minutes: DAY, factors: DAY };

function rangeOf(code: string, frequency: string, start: string, end: string): readonly string[] {
  const method = methodOf("95");
  assert.ok(method !== undefined);
  const { query } = readQuery(method, ["1", "9", code, "date", start, end, frequency, "3"], data, PUBLISHED);
  return [query.start, query.end];
}

test("a range is silently shortened to what the provider has at all", () => {
  for (const [code, frequency, first] of [
    ["sh.600000", "d", "1990-12-19"],
    ["sh.600000", "5", "2020-01-03"],
    ["sh.000001", "d", "2006-01-01"],
    ["sh.510300", "d", "2026-01-05"],
    ["sh.510300", "5", "2026-01-05"],
  ] as const) {
    assert.deepEqual(
      rangeOf(code, frequency, "1980-01-01", "2026-06-30"),
      [first, "2026-06-30"],
      `${code} ${frequency}`,
    );
    const [start = "", end = ""] = rangeOf(code, frequency, "1980-01-01", "1985-01-01");
    assert.ok(end < start, "a range before it all has no day");
  }
  assert.deepEqual(rangeOf("sh.600000", "d", "2025-01-01", "2025-02-01"), ["2025-01-01", "2025-02-01"]);
});
