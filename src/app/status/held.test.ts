import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFAULT_LIMITS } from "../../consumer/limits.ts";
import { ConsumerMachine } from "../../consumer/machine.ts";
import { describeHeld, readHeld } from "./held.ts";

test("what holds up its partition the longest is told, with what is settled behind it, and survives JSON", () => {
  const machine = new ConsumerMachine(DEFAULT_LIMITS);
  const now = { elapsedMs: 0, workedMs: 0, isFresh: true };
  const at = (partition: number): { topic: string; partition: number } => ({ topic: "t", partition });
  machine.join({ assigned: [at(0), at(1)], isNewMember: true, stream: 1 });
  machine.arrive({ ...at(0), offset: 7n }, 1, 1, []);
  machine.arrive({ ...at(0), offset: 8n }, 1, 1, []);
  const started = machine.takeEffects(now).flatMap((effect) => (effect.kind === "start" ? [effect.entry] : []));
  machine.look(now);
  const later = { elapsedMs: 5_000, workedMs: 4_000, isFresh: true };
  machine.arrive({ ...at(1), offset: 3n }, 1, 1, []);
  machine.look(later);
  const [, second] = started;
  assert.ok(second !== undefined);
  machine.settle(second);
  const held = describeHeld(machine.state(later));
  assert.deepEqual(held, {
    partitions_held: 2,
    in_flight: 2,
    gap: 1,
    oldest_blocking: {
      topic: "t",
      partition: 0,
      offset: "7",
      phase: "running",
      for_ms: 5_000,
      stuck_ms: 4_000,
      is_overdue: false,
      gap: 1,
    },
  });
  assert.deepEqual(readHeld({ ...JSON.parse(JSON.stringify(held)), status: "running" }), held);
  assert.equal(readHeld({ status: "running" }), undefined);
});

test("with nothing in flight nothing blocks", () => {
  const machine = new ConsumerMachine(DEFAULT_LIMITS);
  const held = describeHeld(machine.state({ elapsedMs: 0, workedMs: 0, isFresh: true }));
  assert.deepEqual([held.in_flight, held.oldest_blocking], [0, null]);
});
