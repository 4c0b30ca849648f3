import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { Temporal } from "temporal-polyfill";

import { SHANGHAI, type ZoneName } from "../../../domain/day.ts";
import { createWallClocks } from "./wall-clock.ts";

const NEW_YORK = "America/New_York" as ZoneName;

test("Shanghai's clock was an hour ahead in the summer of 1991 and is not today", () => {
  const clocks = createWallClocks();
  assert.equal(clocks.toSeconds("1991-07-01 00:00:00", SHANGHAI), Date.UTC(1991, 5, 30, 15) / 1000);
  assert.equal(clocks.toSeconds("1991-12-02 00:00:00", SHANGHAI), Date.UTC(1991, 11, 1, 16) / 1000);
  assert.equal(clocks.toSeconds("2024-07-01 15:00:00", SHANGHAI), Date.UTC(2024, 6, 1, 7) / 1000);
});

test("every wall clock is the instant that Temporal gives, also on days when clocks change", () => {
  const clocks = createWallClocks();
  const anyTime = fc.record({
    zone: fc.constantFrom(SHANGHAI, NEW_YORK),
    day: fc.oneof(
      fc.integer({ min: 0, max: 20_000 }).map((days) => Temporal.PlainDate.from("1970-01-01").add({ days }).toString()),
      fc.constantFrom("1991-04-14", "1991-09-15", "2024-03-10", "2024-11-03"),
    ),
    seconds: fc.integer({ min: 0, max: 86_399 }),
  });
  fc.assert(
    fc.property(anyTime, ({ zone, day, seconds }) => {
      const wall = Temporal.PlainDateTime.from(day).add({ seconds });
      const expected = wall.toZonedDateTime(zone).epochMilliseconds / 1000;
      const text = wall.toString({ smallestUnit: "second" }).replace("T", " ");
      assert.equal(clocks.toSeconds(text, zone), expected);
    }),
  );
});

test("what is no time or day is NaN", () => {
  const clocks = createWallClocks();
  for (const text of [
    "",
    "2024-02-30 00:00:00",
    "2024-01-02",
    "2024-01-02 24:00:00",
    "2024-01-02 09:31",
    "20240102 00:00:00",
  ]) {
    assert.ok(Number.isNaN(clocks.toSeconds(text, SHANGHAI)), text);
  }
  assert.equal(clocks.toDays("1970-01-01"), 0);
  assert.equal(clocks.toDays("2024-01-02"), 19_724);
  assert.ok(Number.isNaN(clocks.toDays("2023-02-29")));
});
