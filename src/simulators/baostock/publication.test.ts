import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { publishedAt } from "./publication.ts";

test("hours: weeks come out on Saturday, months on the 1st", () => {
  const out = (at: string): readonly string[] => {
    const { daily, weekly, monthly, minutes, factors } = publishedAt(Temporal.Instant.from(`${at}+08:00`));
    return [daily, weekly, monthly, minutes, factors].map((day) => day.slice(5));
  };
  assert.deepEqual(out("2026-03-28T17:29:59"), ["03-27", "03-21", "02-28", "03-27", "03-27"]);
  assert.deepEqual(out("2026-03-28T17:30:00"), ["03-28", "03-28", "02-28", "03-27", "03-27"]);
  assert.deepEqual(out("2026-04-01T18:00:00"), ["04-01", "03-28", "03-31", "03-31", "04-01"]);
  assert.deepEqual(out("2026-04-01T00:00:00"), ["03-31", "03-28", "02-28", "03-31", "03-31"]);
});
