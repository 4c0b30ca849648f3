import assert from "node:assert/strict";
import { test } from "node:test";

import { assert as assertProperty, integer, nat, property } from "fast-check";

import { createRandom, createRandomFrom } from "./random.ts";

test("the sequence is xoshiro128** as published", () => {
  const random = createRandomFrom([1, 2, 3, 4]);
  const drawn = Array.from({ length: 10 }, () => random.uint32());
  assert.deepEqual(
    drawn,
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
  );
});

test("the same seed and stream draw the same numbers, another seed or stream others", () => {
  assert.deepEqual(draw(7, "a"), draw(7, "a"));
  assert.notDeepEqual(draw(7, "a"), draw(8, "a"));
  assert.notDeepEqual(draw(7, "a"), draw(7, "b"));
  assert.notDeepEqual(draw(7, "a"), draw(7 + 2 ** 32, "a"));
});

test("numbers stay in the range asked for and reach both ends", () => {
  assertProperty(
    property(nat(), integer({ min: -20, max: 20 }), integer({ min: 0, max: 6 }), (seed, from, width) => {
      const random = createRandom(seed, "range");
      const drawn = Array.from({ length: 400 }, () => random.between(from, from + width));
      assert.equal(Math.min(...drawn), from);
      assert.equal(Math.max(...drawn), from + width);
    }),
    { numRuns: 50 },
  );
});

test("a seed that is no whole number of 0 or more is refused", () => {
  assert.throws(() => createRandom(-1, ""), RangeError);
  assert.throws(() => createRandom(0.5, ""), RangeError);
});

function draw(seed: number, stream: string): readonly number[] {
  const random = createRandom(seed, stream);
  return Array.from({ length: 4 }, () => random.uint32());
}
