import assert from "node:assert/strict";
import { test } from "node:test";

import { Coverage } from "../../test/support/consumer-model/transitions.ts";
import { type LogShape, type Step, World } from "../../test/support/consumer-model/world.ts";

/**
 * The machine against a world that does to it what brokers, other members, slow handlers, crashes and operators do, in
 * any order. After each step the world checks what must always hold; at the end everything is let finish, in a new
 * process if need be, and must be durable and committed.
 */
const INTERLEAVINGS = 25_000;
const SEED = 20_260_101;
const STEPS_MIN = 10;
const STEPS_MAX = 120;
const MESSAGES_MAX = 12;

interface Interleaving {
  readonly logs: readonly LogShape[];
  readonly steps: readonly Step[];
}

test("whatever happens in whatever order, nothing unsettled is passed, lanes keep their order, all is committed", (t) => {
  const coverage = new Coverage();
  let steps = 0;
  for (let index = 0; index < INTERLEAVINGS; index += 1) {
    const interleaving = generate(SEED + index);
    steps += interleaving.steps.length;
    const failure = run(interleaving, coverage);
    if (failure !== undefined) {
      const short = shrink(interleaving);
      assert.fail(`seed ${SEED + index}: ${String(run(short, new Coverage()))}\n${JSON.stringify(short)}`);
    }
  }
  t.diagnostic(
    `${INTERLEAVINGS} interleavings of ${steps} steps, from seed ${SEED}; how often each transition was met:`,
  );
  for (const line of coverage.table()) {
    t.diagnostic(line);
  }
  assert.deepEqual(coverage.missing, [], "no interleaving got as far as these");
});

function run({ logs, steps }: Interleaving, coverage: Coverage): unknown {
  try {
    const world = new World(logs, coverage);
    for (const step of steps) {
      world.step(step);
    }
    world.settleEverything();
    return undefined;
  } catch (error) {
    return error;
  }
}

function generate(seed: number): Interleaving {
  const random = createRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  return {
    logs: [0, 1, 2].map(() =>
      Array.from({ length: below(MESSAGES_MAX + 1) }, () => [below(3), below(16) & below(16)] as const),
    ),
    steps: Array.from(
      { length: STEPS_MIN + below(STEPS_MAX - STEPS_MIN) },
      () => [below(10_000), below(10_000), below(10_000)] as const,
    ),
  };
}

/** Leaves out one step after the other as long as it still fails. */
function shrink(interleaving: Interleaving): Interleaving {
  let { steps } = interleaving;
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const fewer = steps.toSpliced(index, 1);
    if (run({ ...interleaving, steps: fewer }, new Coverage()) !== undefined) {
      steps = fewer;
    }
  }
  return { ...interleaving, steps };
}

/** Mulberry32: the same numbers from the same seed, on every machine. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
