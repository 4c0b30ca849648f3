import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { FleetView } from "./fleet-view.ts";
import type { WindowLimit } from "./grant-log.ts";

const WINDOW = 1_000;

test("workers that saw the same log and then decide alone stay within the limit together", () => {
  const cases = fc.record({
    calls: fc.integer({ min: 1, max: 30 }),
    workers: fc.integer({ min: 1, max: 4 }),
    before: fc.array(fc.integer({ min: 0, max: WINDOW }), { maxLength: 30 }),
    steps: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 400 })), { maxLength: 80 }),
  });
  fc.assert(
    fc.property(cases, ({ calls, workers, before, steps }) => {
      const limits: readonly WindowLimit[] = [{ calls, windowMicros: WINDOW }];
      const past = before.toSorted((left, right) => left - right).slice(0, calls);
      const grants = past.map((at) => at + 1);
      const views = Array.from({ length: workers }, () => {
        const view = new FleetView();
        const news = grants.map((at, index) => `${at}:w${index}`);
        view.learn({ nowMicros: WINDOW + 1, generation: "g", isWhole: true, news });
        view.startAlone(WINDOW + 1, limits, { sinceMicros: WINDOW + 1, workers, areKnown: true });
        return view;
      });
      let now = WINDOW + 2;
      for (const [index, pause] of steps) {
        now += pause;
        const taken = views[index % workers]?.takeAlone(now, limits, "w");
        if (taken !== undefined && "grant" in taken) {
          grants.push(taken.grant.atMicros);
        }
      }
      for (const first of grants) {
        assert.ok(grants.filter((other) => other >= first && other <= first + WINDOW).length <= calls);
      }
    }),
  );
});

test("a worker that had not heard for long takes what was free then as used by the others", () => {
  const limits = [{ calls: 10, windowMicros: 60_000_000 }];
  const view = new FleetView();
  view.learn({ nowMicros: 1_000, generation: "", isWhole: true, news: ["900:a"] });
  view.startAlone(5_000_000, limits, { sinceMicros: 5_000_000, workers: 3, areKnown: true });
  assert.deepEqual(view.takeAlone(5_000_001, limits, "w"), { waitMicros: 60_000_000 });
});

test("a grant made alone is told once, and an answer that was on its way does not forget it", () => {
  const limits = [{ calls: 10, windowMicros: 60_000_000 }];
  const view = new FleetView();
  view.startAlone(1_000, limits, { sinceMicros: 1_000, workers: 2, areKnown: false });
  view.takeAlone(2_000, limits, "w");
  view.learn({ nowMicros: 2_001, generation: "g", isWhole: true, news: ["500:a"] });
  assert.deepEqual(view.members(2_002, limits), ["500:a", "2000:w"]);
  assert.deepEqual(view.untold(), ["2000:w"]);
  view.wereTold(["2000:w"]);
  view.learn({ nowMicros: 2_003, generation: "h", isWhole: true, news: ["500:a", "2000:w"] });
  assert.deepEqual(view.members(2_004, limits), ["500:a", "2000:w"]);
  assert.deepEqual(view.untold(), []);
});
