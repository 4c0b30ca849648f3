import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError } from "../base/errors.ts";
import { parseRunTime, showRunTime } from "./run-time.ts";

test("a run's time is read with the days before it, or with its usual days", () => {
  const read = (text: string): string => showRunTime(parseRunTime(text, "trading-days"));
  assert.deepEqual(
    [
      "17:30",
      " daily  00:00 ",
      "Trading-Days 23:59",
      "sun 20:00",
      "Mon-Fri 17:30",
      "thursday,mon 09:05",
      "sat-mon 1:00",
    ].map((text) => {
      try {
        return read(text);
      } catch (error) {
        return error instanceof DataError ? error.message : String(error);
      }
    }),
    [
      "trading-days 17:30",
      "daily 00:00",
      "trading-days 23:59",
      "sun 20:00",
      "mon,tue,wed,thu,fri 17:30",
      "mon,thu 09:05",
      '"1:00" is no time from 00:00 to 23:59 with two digits each',
    ],
  );
  assert.equal(read("sat-mon 01:00"), "mon,sat,sun 01:00");
  assert.equal(read("OFF"), "off");
});

test("what is wrong about a time is said", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["24:00", /"24:00" is no time from 00:00 to 23:59/],
    ["17.30", /"17\.30" is no time/],
    ["", /"" is no time/],
    ["funday 17:30", /"funday" is none of daily, trading-days, mon, tue, wed, thu, fri, sat, sun/],
    ["mon-wed-fri 17:30", /"mon-wed-fri" is no day and no span/],
    ["mon, tue 17:30", /blanks between days/],
    ["constructor 17:30", /"constructor" is none of/],
  ];
  for (const [text, said] of cases) {
    assert.throws(() => parseRunTime(text, "daily"), said, text);
  }
});
