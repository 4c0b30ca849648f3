import assert from "node:assert/strict";
import { test } from "node:test";

import { LimitSet, shareOf, withMargin } from "./limit-set.ts";

test("five of a hundred calls stay unused, and never all", () => {
  const calls = [200, 500, 50, 20, 2, 1].map((named) => withMargin({ calls: named, windowMs: 60_000 }, 0.05).calls);
  assert.deepEqual(calls, [190, 475, 47, 19, 1, 1]);
  assert.equal(withMargin({ calls: 1, windowMs: 60_000 }, 0.05).windowMicros, 63_000_000);
  // The last of a minute's calls may have been half a second on its way, and the first of the next one none.
  assert.equal(withMargin({ calls: 200, windowMs: 60_000 }, 0.05).windowMicros, 61_200_000);
  assert.equal(withMargin({ calls: 200, windowMs: 86_400_000 }, 0.05).windowMicros, 86_401_200_000);
  assert.equal(withMargin({ calls: 20, windowMs: 1_000 }, 0.05).windowMicros, 1_020_000);
  assert.deepEqual(withMargin({ calls: 200, windowMs: 60_000 }, 0), { calls: 200, windowMicros: 60_000_000 });
  assert.throws(() => withMargin({ calls: 0, windowMs: 60_000 }, 0.05), RangeError);
});

test("a share of less than one call becomes a call in a longer window", () => {
  assert.deepEqual(shareOf({ calls: 190, windowMicros: 60 }, 4), { calls: 190, windowMicros: 60 });
  assert.deepEqual(shareOf({ calls: 1, windowMicros: 60 }, 3), { calls: 3, windowMicros: 180 });
  assert.deepEqual(shareOf({ calls: 2, windowMicros: 60 }, 3), { calls: 3, windowMicros: 120 });
});

test("of two limits over one window the smaller holds, over two windows both, and a learned one is forgotten", () => {
  const set = new LimitSet([{ calls: 190, windowMicros: 60 }]);
  assert.equal(set.learn({ calls: 475, windowMicros: 60 }, 0, 1_000), false);
  assert.equal(set.learn({ calls: 47, windowMicros: 60 }, 0, 1_000), true);
  assert.equal(set.learn({ calls: 47, windowMicros: 60 }, 500, 1_000), false);
  assert.equal(set.learn({ calls: 4, windowMicros: 86_400 }, 0, 1_000), true);
  set.borrow([{ calls: 9, windowMicros: 60 }]);
  assert.deepEqual(set.current(900), [
    { calls: 9, windowMicros: 60 },
    { calls: 4, windowMicros: 86_400 },
  ]);
  set.borrow([]);
  assert.deepEqual(set.current(1_200), [{ calls: 47, windowMicros: 60 }]);
  assert.deepEqual(set.current(1_500), [{ calls: 190, windowMicros: 60 }]);
});
