import assert from "node:assert/strict";
import test from "node:test";

import { silentLog } from "../base/log.ts";
import { Lifecycle } from "./lifecycle.ts";
import { ProgressWatch, type WorkInHand } from "./progress-watch.ts";
import { StillClock } from "../../test/support/still-clock.ts";

const NOTHING: WorkInHand = { overdue: undefined, commitForMs: undefined };

function running(): { readonly clock: StillClock; readonly lifecycle: Lifecycle; readonly watch: ProgressWatch } {
  const clock = new StillClock();
  const lifecycle = new Lifecycle();
  lifecycle.enter("STARTING");
  lifecycle.enter("RUNNING");
  return { clock, lifecycle, watch: new ProgressWatch({ lifecycle, clock, log: silentLog }) };
}

/** Time in which the process runs, and looks each second. */
function pass(clock: StillClock, watch: ProgressWatch, ms: number): void {
  for (const endMs = clock.elapsed + ms; clock.elapsed < endMs; watch.look()) {
    clock.elapsed = Math.min(endMs, clock.elapsed + 1_000);
  }
}

const STUCK: readonly (readonly [what: string, work: WorkInHand, agoMs: number, says: RegExp | undefined])[] = [
  ["a loop that turned a minute ago", NOTHING, 60_000, undefined],
  ["a loop that did not turn for longer", NOTHING, 60_001, /^the consume loop has not turned for 60 s$/],
  ["a handler that has a minute to set its message aside", overdue(60_000), 0, undefined],
  [
    "a handler that does not end",
    overdue(60_001),
    0,
    /^the handler of updates\/3\/17 goes on 60 s after it was told that its deadline is over$/,
  ],
  ["a commit that takes long", { ...NOTHING, commitForMs: 120_000 }, 0, undefined],
  ["a commit that never ends", { ...NOTHING, commitForMs: 120_001 }, 0, /^a commit has been under way for 120 s$/],
];

function overdue(forMs: number): WorkInHand {
  return { ...NOTHING, overdue: { forMs, message: "updates/3/17" } };
}

for (const [what, work, agoMs, says] of STUCK) {
  test(`${what} is ${says === undefined ? "not " : ""}stuck`, async () => {
    const { clock, lifecycle, watch } = running();
    await using _ = watch;
    for (let seconds = 0; seconds < 130; seconds += 1) {
      watch.turned(NOTHING);
      pass(clock, watch, 1_000);
    }
    watch.turned(work);
    pass(clock, watch, agoMs);
    const trouble = watch.look();
    if (says === undefined) {
      assert.deepEqual([trouble, lifecycle.state], [undefined, "RUNNING"]);
    } else {
      assert.match(trouble ?? "", says);
      assert.deepEqual([lifecycle.state, lifecycle.why], ["ERROR", trouble]);
      watch.turned(NOTHING);
      assert.equal(watch.look(), undefined);
      assert.deepEqual([lifecycle.state, lifecycle.why], ["RUNNING", ""]);
    }
  });
}

test("a stuck worker that is told to stop is stopping, and one that has ended in error stays so", async () => {
  const { clock, lifecycle, watch } = running();
  pass(clock, watch, 61_000);
  assert.equal(lifecycle.state, "ERROR");
  lifecycle.enter("STOPPING");
  watch.look();
  assert.equal(lifecycle.state, "STOPPING");
  lifecycle.enter("ERROR", "the disk is full");
  await watch[Symbol.asyncDispose]();
  watch.turned(NOTHING);
  watch.look();
  assert.deepEqual([lifecycle.state, lifecycle.why], ["ERROR", "the disk is full"]);
});

test("a machine that slept is not stuck when it wakes, whatever runs first, and is if it then does not get on", async () => {
  for (const commitForMs of [undefined, 8 * 3_600_000]) {
    const { clock, lifecycle, watch } = running();
    await using _ = watch;
    watch.turned(NOTHING);
    pass(clock, watch, 3_000);
    clock.elapsed += 8 * 3_600_000;
    if (commitForMs !== undefined) {
      watch.turned({ ...NOTHING, commitForMs });
    }
    assert.equal(watch.look(), undefined);
    pass(clock, watch, 59_000);
    assert.equal(lifecycle.state, "RUNNING");
    pass(clock, watch, 2_000);
    assert.match(watch.look() ?? "", /has not turned for 61 s/);
  }
});
