import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { DataError } from "../base/errors.ts";
import { parseDay } from "./day.ts";

test("a day is taken exactly when the calendar has it, in both forms", () => {
  let taken = 0;
  for (const year of [0, 1, 4, 1_900, 1_999, 2_000, 2_023, 2_024, 2_100, 2_400, 9_999]) {
    for (let month = 0; month <= 13; month += 1) {
      for (let day = 0; day <= 32; day += 1) {
        const [yyyy, mm, dd] = [
          String(year).padStart(4, "0"),
          String(month).padStart(2, "0"),
          String(day).padStart(2, "0"),
        ];
        const iso = `${yyyy}-${mm}-${dd}`;
        for (const text of [iso, `${yyyy}${mm}${dd}`]) {
          if (isInCalendar(iso)) {
            assert.equal(parseDay(text), iso);
            taken += 1;
          } else {
            assert.throws(() => parseDay(text), DataError, text);
          }
        }
      }
    }
  }
  // Of eleven years those that can be divided by 4 are leap years, but for 1900 and 2100.
  assert.equal(taken, 2 * (11 * 365 + 5));
});

test("what is no day in either form is refused", () => {
  for (const text of [
    "2024-0102",
    "202401-02",
    "2024-1-2",
    "24-01-02",
    " 20240102",
    "20240102 ",
    "",
    20_240_102,
    null,
  ]) {
    assert.throws(() => parseDay(text), DataError, String(text));
  }
});

function isInCalendar(iso: string): boolean {
  try {
    Temporal.PlainDate.from(iso, { overflow: "reject" });
    return true;
  } catch {
    return false;
  }
}
