import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parseDay } from "./day.ts";
import { tradingDays } from "./cn-trading-days.ts";

const RECORDING = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "calendar", "cn-trading-days.json");

test("the bundled calendar has 8,797 trading days from 1990-12-19 to 2026-12-31, sorted, without repeats", () => {
  const days = tradingDays();
  assert.equal(days.length, 8797);
  assert.equal(days[0], "1990-12-19");
  assert.equal(days.at(-1), "2026-12-31");
  assert.ok(days.every((day, index) => index === 0 || day > (days[index - 1] ?? "")));
});

test("every bundled day is a real day", () => {
  assert.deepEqual(
    tradingDays().map((day) => parseDay(day)),
    tradingDays(),
  );
});

test("single days: a Labour Day week, the extra closure of 1999-12-31, the day before National Day", () => {
  const days = new Set<string>(tradingDays());
  assert.deepEqual(
    ["2024-04-30", "2024-05-01", "2024-05-03", "2024-05-06", "1999-12-30", "1999-12-31", "2026-09-30"].map((day) =>
      days.has(day),
    ),
    [true, false, false, true, true, false, true],
  );
});

test(
  "the bundled calendar equals the recorded one",
  { skip: existsSync(RECORDING) ? false : `no recording at ${RECORDING}` },
  () => {
    const recorded: unknown = JSON.parse(readFileSync(RECORDING, "utf8"));
    assert.ok(Array.isArray(recorded));
    assert.deepEqual(
      tradingDays(),
      recorded.map((day) => parseDay(day)),
    );
  },
);
