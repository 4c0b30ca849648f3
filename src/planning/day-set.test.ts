import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay } from "../domain/day.ts";
import { DaySet } from "./day-set.ts";
import { bundledCalendar } from "./trading-calendar.ts";

test("gives back the days that were added, sorted and each once, wherever they lie", () => {
  const calendar = bundledCalendar();
  const from = parseDay("2024-03-01");
  const offsets = fc.array(fc.integer({ min: -20, max: 80 }), { maxLength: 60 });
  fc.assert(
    fc.property(offsets, fc.integer({ min: -1, max: 40 }), (added, length) => {
      const days = added.map((offset) => addDays(from, offset));
      const set = new DaySet(calendar, from, addDays(from, length));
      for (const day of days) {
        set.add(day);
      }
      assert.deepEqual(set.days(), [...new Set(days)].toSorted());
      for (let offset = -20; offset <= 80; offset += 1) {
        assert.equal(set.has(addDays(from, offset)), days.includes(addDays(from, offset)));
      }
    }),
  );
});
