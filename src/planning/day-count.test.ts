import assert from "node:assert/strict";
import test from "node:test";

import { parseDay } from "../domain/day.ts";
import { DayCount } from "./day-count.ts";

const day = parseDay("2024-01-15");
const row = (time: string) => ({ tradingDay: day, time: `2024-01-15 ${time}:00` });

test("a day is partial until it has as many different bars as a full day, and a bar that comes twice counts once", () => {
  const count = new DayCount({ dataSet: "bars", rowsPerDay: 4 });
  for (const time of ["10:30", "11:30", "11:30", "14:00"]) {
    count.add(row(time));
  }
  assert.deepEqual([...count.partialDays()], [[day, 3]]);
  count.add(row("15:00"));
  assert.deepEqual([...count.partialDays()], []);
});

test("ticks and daily bars are not counted", () => {
  for (const capability of [
    { dataSet: "ticks", rowsPerDay: 5_000 },
    { dataSet: "bars", rowsPerDay: 1 },
  ] as const) {
    const count = new DayCount(capability);
    count.add(row("10:30"));
    assert.equal(count.partialDays().size, 0);
  }
});
