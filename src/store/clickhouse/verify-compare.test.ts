import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { compareDays } from "./verify-compare.ts";

const [monday, tuesday, wednesday, thursday, friday] = ["08", "09", "10", "11", "12"].map((day) =>
  parseDay(`2024-01-${day}`),
);
assert.ok(monday && tuesday && wednesday && thursday && friday);
const tradingDays = [monday, tuesday, wednesday, thursday, friday];

test("a whole run of stored days that the ledger calls present differs in nothing", () => {
  const present = [{ from: parseDay("2024-01-06"), to: parseDay("2024-01-14") }];
  assert.deepEqual(compareDays(present, [[monday, friday]], tradingDays), {
    presentDays: 5,
    presentWithoutRow: [],
    rowWithoutPresent: [],
  });
});

test("days without row and rows without day are told apart", () => {
  const present = [{ from: monday, to: wednesday }];
  const runs = [
    [monday, monday],
    [wednesday, thursday],
  ] as const;
  assert.deepEqual(compareDays(present, runs, tradingDays), {
    presentDays: 3,
    presentWithoutRow: [tuesday],
    rowWithoutPresent: [thursday],
  });
});

test("a row outside of the calendar is reported unless a span lies around it", () => {
  const saturday = parseDay("2024-01-13");
  assert.deepEqual(compareDays([], [[saturday, saturday]], tradingDays).rowWithoutPresent, [saturday]);
  const around = [{ from: friday, to: parseDay("2024-01-15") }];
  assert.deepEqual(
    compareDays(
      around,
      [
        [friday, friday],
        [saturday, saturday],
      ],
      tradingDays,
    ).rowWithoutPresent,
    [],
  );
});
