import assert from "node:assert/strict";
import test from "node:test";

import { parseDecimal } from "../base/decimal.ts";
import { parseDay, type Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import type { AdjustmentFactor } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { expandFactors, type ExpandInput } from "./expand-factors.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const code = parseSecurityCode("600000.SH");
const day = (text: string): Day => parseDay(text);
const event = (on: string, factor: string): AdjustmentFactor => ({
  code,
  tradingDay: day(on),
  factor: parseDecimal(factor),
  source: SOURCE.BAOSTOCK,
});

function expand(events: readonly AdjustmentFactor[], more: Partial<ExpandInput> = {}): readonly string[] {
  const rows = expandFactors({
    events,
    rejected: [],
    call: {
      dataSet: "adjustment-factors",
      frequency: "1d",
      selection: { by: "codes", codes: [code], from: day("2023-07-19"), to: day("2023-07-24") },
    },
    calendar: bundledCalendar(),
    source: SOURCE.BAOSTOCK,
    listedOn: () => day("1999-11-10"),
    ...more,
  });
  return rows.map(({ tradingDay, factor }) => `${tradingDay} ${factor}`);
}

test("each trading day has the factor of the newest ex-day up to it, and 1 before the first", () => {
  const events = [event("2023-07-21", "11.949786"), event("2022-07-21", "11.4")];
  assert.deepEqual(expand(events), [
    "2023-07-19 11.4",
    "2023-07-20 11.4",
    "2023-07-21 11.949786",
    "2023-07-24 11.949786",
  ]);
  assert.deepEqual(expand([event("2023-07-21", "1.05")]), [
    "2023-07-19 1",
    "2023-07-20 1",
    "2023-07-21 1.05",
    "2023-07-24 1.05",
  ]);
});

test("before the listing there is no factor", () => {
  assert.deepEqual(expand([], { listedOn: () => day("2023-07-21") }), ["2023-07-21 1", "2023-07-24 1"]);
});

test("from an ex-day that could not be read on nothing is known, up to the next that could", () => {
  const events = [event("2022-07-21", "11.4"), event("2023-07-24", "12")];
  const rejected = [{ code, day: day("2023-07-20") }];
  assert.deepEqual(expand(events, { rejected }), ["2023-07-19 11.4", "2023-07-24 12"]);
  assert.deepEqual(expand(events, { rejected: [{ code, day: undefined }] }), []);
  assert.deepEqual(expand(events, { rejected: [{ code: "", day: undefined }] }), []);
  assert.deepEqual(expand(events, { rejected: [{ code: "sh.6000\ufffd0", day: undefined }] }), []);
  assert.deepEqual(expand(events, { rejected: [{ code: "6OOOOO.SH", day: day("2023-07-20") }] }), [
    "2023-07-19 11.4",
    "2023-07-24 12",
  ]);
  assert.equal(expand(events, { rejected: [{ code: "000001.SZ", day: undefined }] }).length, 4);
});

test("two factors of one ex-day stand both, so that the check finds them", () => {
  const events = [event("2023-07-21", "11.4"), event("2023-07-21", "11.5")];
  assert.equal(expand(events).filter((text) => text.startsWith("2023-07-21")).length, 2);
});
