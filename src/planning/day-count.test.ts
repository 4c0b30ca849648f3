import assert from "node:assert/strict";
import test from "node:test";

import { parseDay } from "../domain/day.ts";
import { BAR_FLAGS } from "../domain/rows.ts";
import { DayCount } from "./day-count.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const day = parseDay("2024-01-15");
const row = (time: string) => ({ tradingDay: day, time: `2024-01-15 ${time}:00` });

test("a day is partial until it has as many different bars as a full day, and a bar that comes twice counts once", () => {
  const count = new DayCount({ dataSet: "bars", rowsPerDay: 4 }, calendar, day, day);
  for (const time of ["10:30", "11:30", "11:30", "14:00"]) {
    count.add(row(time));
  }
  assert.deepEqual([...count.partialDays()], [[day, 3]]);
  count.add(row("15:00"));
  assert.deepEqual([...count.partialDays()], []);
});

test("where intervals without a trade have no bar, a day with few bars is not short", () => {
  const count = new DayCount({ dataSet: "bars", rowsPerDay: 4, skipsIdleBars: true }, calendar, day, day);
  count.add(row("10:30"));
  assert.deepEqual([...count.partialDays()], []);
});

test("the opening auction's row makes no short day whole and no whole one short, and alone it is no day", () => {
  const count = new DayCount({ dataSet: "bars", rowsPerDay: 4 }, calendar, day, day);
  count.add({ ...row("09:30"), flags: BAR_FLAGS.auction | BAR_FLAGS.noTurnover });
  assert.deepEqual([...count.partialDays()], [[day, 0]]);
  for (const time of ["10:30", "11:30", "14:00"]) {
    count.add({ ...row(time), flags: 0 });
  }
  assert.deepEqual([...count.partialDays()], [[day, 3]]);
  count.add({ ...row("15:00"), flags: BAR_FLAGS.noTurnover });
  assert.deepEqual([...count.partialDays()], []);
});

test("of complete days no times are kept, and a bar that comes again leaves them complete", () => {
  const days = calendar.tradingDaysBetween(parseDay("2020-01-02"), day);
  const count = new DayCount(
    { dataSet: "bars", rowsPerDay: 4 },
    calendar,
    parseDay("2020-01-02"),
    parseDay("2023-12-29"),
  );
  for (const tradingDay of days) {
    for (const time of ["10:30", "11:30", "14:00", "15:00", "15:00"]) {
      count.add({ tradingDay, time: `${tradingDay} ${time}:00` });
    }
  }
  assert.equal(count.timesHeld, 0);
  assert.equal(count.partialDays().size, 0);
});

test("ticks and daily bars are not counted", () => {
  for (const capability of [
    { dataSet: "ticks", rowsPerDay: 5_000 },
    { dataSet: "bars", rowsPerDay: 1 },
  ] as const) {
    const count = new DayCount(capability, calendar, day, day);
    count.add(row("10:30"));
    assert.equal(count.partialDays().size, 0);
  }
});
