import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { GrantLog, type WindowLimit } from "./grant-log.ts";

const limits = fc.record({
  calls: fc.integer({ min: 1, max: 8 }),
  windowMicros: fc.integer({ min: 1, max: 50 }),
});

test("whoever waits exactly as long as told breaks no window and waits no longer than needed", () => {
  const schedule = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(fc.array(limits, { minLength: 1, maxLength: 3 }), schedule, (held, pauses) => {
      const log = new GrantLog();
      const grants: number[] = [];
      let now = 1_000;
      for (const pause of pauses) {
        now = Math.max(now + pause, log.newestMicros + 1);
        const waitMicros = log.waitMicros(now, held);
        if (waitMicros > 0) {
          assert.ok(!isAllowed([...grants, now + waitMicros - 1], held), "one microsecond less is too early");
        }
        now += waitMicros;
        log.prune(now, held);
        log.add({ atMicros: now, weight: 1, member: "" });
        grants.push(now);
        assert.ok(isAllowed(grants, held));
      }
    }),
  );
});

test("a grant put in late stands in its place, and a weight counts as many calls", () => {
  const log = new GrantLog();
  log.add({ atMicros: 30, weight: 1, member: "b" });
  log.add({ atMicros: 10, weight: 3, member: "a" });
  assert.deepEqual(
    log.grants().map(({ member }) => member),
    ["a", "b"],
  );
  const held = [{ calls: 5, windowMicros: 100 }];
  assert.equal(log.callsLeft(40, held), 1);
  assert.equal(log.waitMicros(40, held), 0);
  assert.equal(log.waitMicros(40, held, 2), 10 + 100 + 1 - 40);
  assert.equal(log.waitMicros(40, held, 6), Number.POSITIVE_INFINITY);
  log.prune(111, held);
  assert.deepEqual(
    log.grants().map(({ member }) => member),
    ["b"],
  );
});

/** The definition, straight from the words: no window, both ends included, holds more grants than the limit. */
function isAllowed(grants: readonly number[], held: readonly WindowLimit[]): boolean {
  return held.every(({ calls, windowMicros }) =>
    grants.every((first) => grants.filter((other) => other >= first && other <= first + windowMicros).length <= calls),
  );
}
