import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { FleetView } from "./fleet-view.ts";
import { GrantLog, type WindowLimit } from "./grant-log.ts";
import { sightOf, unseenGrants } from "./sight.ts";

const WINDOW = 1_000;
const SIGHT = { freshMicros: 1_000_000, unseenMax: 6 };

test("workers that see the log when Redis goes away, as far as promised, stay within the limit together", () => {
  const cases = fc.record({
    calls: fc.integer({ min: 1, max: 30 }),
    longCalls: fc.integer({ min: 1, max: 60 }),
    workers: fc.integer({ min: 1, max: 4 }),
    pause: fc.nat(300),
    past: fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat(3)), { maxLength: 60 }),
    heard: fc.array(fc.tuple(fc.nat(3_000), fc.nat(2)), { minLength: 4, maxLength: 4 }),
    sight: fc.record({ freshMicros: fc.nat(400), unseenMax: fc.nat(6) }),
    steps: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 400 })), { maxLength: 80 }),
  });
  fc.assert(
    fc.property(cases, ({ calls, longCalls, workers, pause, past, heard, sight, steps }) => {
      const limits: readonly WindowLimit[] = [
        { calls, windowMicros: WINDOW },
        { calls: longCalls, windowMicros: WINDOW * 3 },
      ];
      const shared = grantWithin(limits, past, workers);
      const since = Math.max(1, ...shared.map(({ at }) => at)) + pause;
      const views = Array.from({ length: workers }, (_, index) => {
        const [before = 0, unanswered = 0] = heard[index] ?? [];
        const unseenMax = sight.unseenMax * (1 + unanswered);
        const others = shared.filter(({ worker }) => worker !== index);
        // Its own grants it knows; of the others', while it is fresh, all but the promised number.
        const ownAt = Math.max(0, ...shared.filter(({ worker }) => worker === index).map(({ at }) => at));
        let at = Math.max(1, since - before, ownAt);
        if (since - at <= sight.freshMicros) {
          at = Math.max(at, ...others.slice(0, Math.max(0, others.length - unseenMax)).map((grant) => grant.at));
        }
        const view = new FleetView();
        const question = view.ask(sight);
        const news = shared.filter((grant) => grant.at <= at).map((grant) => `${grant.at}:w${grant.worker}`);
        view.learn({ question, workersAlive: workers, nowMicros: at, generation: "g", isWhole: true, news });
        for (let count = 0; count < unanswered; count += 1) {
          view.ask(sight);
        }
        view.startAlone(limits, { sinceMicros: since, workers, areKnown: true });
        return view;
      });
      const grants = shared.map(({ at }) => at);
      let now = since;
      for (const [index, step] of steps) {
        now += step;
        const taken = views[index % workers]?.takeAlone(now, limits, "w");
        if (taken !== undefined && "grant" in taken) {
          grants.push(taken.grant.atMicros);
        }
      }
      assertWithin(grants, limits);
    }),
    { numRuns: 1_000 },
  );
});

test("workers that saw less and less of the same log stay within the limit when Redis goes away", () => {
  const limits: readonly WindowLimit[] = [{ calls: 30, windowMicros: 600_000 }];
  const grants = [100, 200, 300, 400, 500, 600];
  // Each worker had its two calls before the next one asked, and nobody looked again until Redis was gone 0.3 s later.
  const all = grants.map((at, index) => `${at}:w${Math.floor(index / 2)}`);
  const views = [2, 4, 6].map((seen) => {
    const view = new FleetView();
    const nowMicros = grants[seen - 1] ?? 0;
    const question = view.ask(sightOf(limits, 3));
    view.learn({ question, workersAlive: 3, nowMicros, generation: "", isWhole: true, news: all.slice(0, seen) });
    view.startAlone(limits, { sinceMicros: 300_600, workers: 3, areKnown: true });
    return view;
  });
  for (let now = 300_601; now < 2_000_000; now += 1_000) {
    for (const view of views) {
      const taken = view.takeAlone(now, limits, "w");
      if ("grant" in taken) {
        grants.push(taken.grant.atMicros);
      }
    }
  }
  assertWithin(grants, limits);
  assert.ok(grants.length > 60, "work goes on");
});

test("a worker that had not heard for long takes what was free then as used by the others", () => {
  const limits = [{ calls: 10, windowMicros: 60_000_000 }];
  const view = new FleetView();
  learn(view, 1_000, ["900:a"]);
  view.startAlone(limits, { sinceMicros: 5_000_000, workers: 3, areKnown: true });
  assert.deepEqual(view.takeAlone(5_000_001, limits, "w"), { waitMicros: 60_000_000 });
});

test("a worker that has just heard goes on at once with what it was not promised to others", () => {
  const limits = [{ calls: 30, windowMicros: 60_000_000 }];
  const since = { sinceMicros: 1_500_000, workers: 3, areKnown: true };
  const callsOf = (questions: number): number => {
    const view = new FleetView();
    learn(view, 1_000_000, ["900000:a"]);
    for (let count = 0; count < questions; count += 1) {
      view.ask(SIGHT);
    }
    view.startAlone(limits, since);
    return view.callsLeft(1_500_001, limits);
  };
  // One is known and six were promised; each question that may have been heard promised six more.
  assert.deepEqual([0, 1, 2, 9].map(callsOf), [7, 5, 3, 0]);
});

test("a second outage before all are back counts what was granted between the two", () => {
  const limits = [{ calls: 10, windowMicros: 60_000_000 }];
  const view = new FleetView();
  learn(view, 1_000_000, []);
  view.startAlone(limits, { sinceMicros: 1_000_000, workers: 2, areKnown: true });
  learn(view, 2_000_000, ["1900000:a"]);
  view.startAlone(limits, { sinceMicros: 20_000_000, workers: 2, areKnown: true });
  assert.equal(view.callsLeft(20_000_001, limits), 0);
});

test("what may have been granted unseen fills a short window after the other, up to the longer limit", () => {
  const limits = [
    { calls: 10, windowMicros: 100 },
    { calls: 25, windowMicros: 10_000 },
  ];
  const known = [{ atMicros: 950, weight: 2, member: "950:a" }];
  const unseen = (from: number, most: number): readonly (readonly [number, number])[] =>
    unseenGrants(known, from, 1_000, limits, most).map(({ atMicros, weight }) => [atMicros, weight]);
  assert.deepEqual(unseen(960, Number.POSITIVE_INFINITY), [[1_000, 8]]);
  assert.deepEqual(unseen(0, Number.POSITIVE_INFINITY), [
    [1_000, 8],
    [899, 10],
    [798, 5],
  ]);
  assert.deepEqual(unseen(0, 9), [
    [1_000, 8],
    [899, 1],
  ]);
});

test("a grant made alone is told once, and an answer that was on its way does not forget it", () => {
  const limits = [{ calls: 10, windowMicros: 60_000_000 }];
  const view = new FleetView();
  view.startAlone(limits, { sinceMicros: 1_000, workers: 2, areKnown: false });
  view.takeAlone(2_000, limits, "w");
  learn(view, 2_001, ["500:a"]);
  assert.deepEqual(view.members(2_002, limits), ["500:a", "2000:w"]);
  assert.deepEqual(view.untold(), ["2000:w"]);
  view.wereTold(["2000:w"]);
  learn(view, 2_003, ["500:a", "2000:w"]);
  assert.deepEqual(view.members(2_004, limits), ["500:a", "2000:w"]);
  assert.deepEqual(view.untold(), []);
});

function learn(view: FleetView, nowMicros: number, news: readonly string[]): void {
  const question = view.ask(SIGHT);
  view.learn({ question, workersAlive: 2, nowMicros, generation: `${nowMicros}`, isWhole: true, news });
}

/** As Redis does: each grant at the first instant after the pause that breaks no limit. */
function grantWithin(
  limits: readonly WindowLimit[],
  past: readonly (readonly [pause: number, worker: number])[],
  workers: number,
): readonly { readonly at: number; readonly worker: number }[] {
  const log = new GrantLog();
  let now = 1;
  return past.map(([pause, worker]) => {
    now += pause;
    now += log.waitMicros(now, limits);
    log.add({ atMicros: now, weight: 1, member: `${now}` });
    return { at: now, worker: worker % workers };
  });
}

function assertWithin(grants: readonly number[], limits: readonly WindowLimit[]): void {
  for (const { calls, windowMicros } of limits) {
    for (const first of grants) {
      const count = grants.filter((other) => other >= first && other <= first + windowMicros).length;
      assert.ok(count <= calls, `${count} grants within ${windowMicros} µs, ${calls} are allowed`);
    }
  }
}
