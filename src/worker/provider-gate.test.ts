import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import { GivenBackError } from "../consumer/handling.ts";
import { MessageError } from "../domain/message-error.ts";
import { readOutage } from "../domain/outage.ts";
import { type GateLimits, ProviderGate } from "./provider-gate.ts";

const never = new AbortController().signal;
const RESET = new TransientError("asking: connection reset");
const HOUR_MS = 3_600_000;

test("hundreds of calls that wait for a provider that is out make one call at a time and one line each way", async () => {
  const { gate, clock, said } = openGate();
  await fail(gate, 3);
  let [calls, atOnce, atOnceMost] = [0, 0, 0];
  let isBack = false;
  const call = async (): Promise<void> => {
    for (;;) {
      const pass = await gate.enter(never);
      calls += 1;
      atOnce += 1;
      const wasOut = gate.isOut;
      atOnceMost = Math.max(atOnceMost, wasOut ? atOnce : 0);
      await clock.sleep(10);
      atOnce -= 1;
      gate.ended(pass, isBack ? undefined : RESET);
      if (isBack) {
        return;
      }
    }
  };
  const all = Promise.all(Array.from({ length: 300 }, call));
  await clock.advance(60_000);
  assert.ok(calls > 1 && calls < 200, `${calls} probes in 60 s of pauses of at most 4 s`);
  assert.equal(atOnceMost, 1);
  assert.deepEqual(said, ["warn provider is out, its work waits or goes to the next of the chain"]);
  isBack = true;
  await clock.advance(10_000);
  await all;
  assert.deepEqual(said, [
    "warn provider is out, its work waits or goes to the next of the chain",
    "info provider is back, its work goes on",
  ]);
});

test("where work has a choice it is told when the provider goes, when it may be tried, and when it is back", async () => {
  const { gate, clock } = openGate();
  const words: string[] = [];
  const end = gate.onChange(() => words.push(gate.standing().word));
  assert.equal(gate.standing().word, "there");
  await fail(gate, 3);
  assert.deepEqual(words, ["out"]);
  const standing = gate.standing();
  assert.ok(standing.word === "out" && standing.untilMs > clock.elapsedMs());
  await clock.advance(60_000);
  assert.equal(gate.standing().word, "probe", "one call may find out");
  const failed = await gate.enter(never);
  assert.equal(gate.standing().word, "out", "and while it does, others go by");
  gate.ended(failed, RESET);
  await clock.advance(60_000);
  gate.ended(await gate.enter(never));
  assert.deepEqual(words, ["out", "probe", "out", "probe", "there"]);
  await fail(gate, 3);
  await clock.advance(60_000);
  const withdrawn = await gate.enter(never);
  words.length = 0;
  gate.withdraw(withdrawn);
  assert.deepEqual(words, ["probe"], "a probe that came to nothing leaves it to the next one");
  gate.ended(await gate.enter(never), RESET);
  assert.equal(clock.sleepers, 1);
  end();
  await clock.advance(0);
  assert.equal(clock.sleepers, 0, "nobody is left to be told");
  await clock.advance(60_000);
  assert.deepEqual(words, ["probe", "out"]);
});

test("a budget that has nothing for long is no outage, and no place to wait for whoever has a choice", async () => {
  const { gate, clock, said } = openGate();
  let told = 0;
  gate.onChange(() => (told += 1));
  gate.heldUp(600_000);
  gate.heldUp(599_000);
  assert.equal(told, 1);
  assert.equal(gate.standing().word, "out");
  assert.equal(gate.isOut, false);
  await clock.advance(600_000);
  assert.equal(gate.standing().word, "there");
  assert.equal(told, 2, "whoever waits elsewhere hears of it");
  gate.heldUp(HOUR_MS);
  gate.heldUp(120_000);
  await clock.advance(120_000);
  assert.deepEqual([gate.standing().word, told], ["there", 4], "the budget's last word holds");
  gate.heldUp(HOUR_MS);
  gate.granted();
  assert.deepEqual([gate.standing().word, told], ["there", 6], "a call that was granted is newer than any wait");
  assert.deepEqual(said, []);
});

test("a message that an outage holds up for the deadline is given up; what came later has its own time", async () => {
  const { gate, clock } = openGate({ outageDeadlineMs: 6 * HOUR_MS });
  const gone: string[] = [];
  const errors: MessageError[] = [];
  const watch = (name: string): (() => void) =>
    gate.watch((error) => {
      gone.push(name);
      assert.ok(error instanceof MessageError);
      errors.push(error);
    });
  // Waits for the budget, say, while the provider is well: that is no outage.
  watch("first");
  await clock.advance(5 * HOUR_MS);
  assert.equal(clock.sleepers, 0);
  await fail(gate, 3);
  const endSettled = watch("settled in time");
  await clock.advance(4 * HOUR_MS);
  watch("later");
  endSettled();
  await clock.advance(2 * HOUR_MS - 1);
  assert.deepEqual(gone, []);
  await clock.advance(1);
  assert.deepEqual(gone, ["first"]);
  await clock.advance(4 * HOUR_MS);
  assert.deepEqual(gone, ["first", "later"]);
  const [error] = errors;
  assert.deepEqual([error?.reason, error?.path], ["outage", "$"]);
  assert.equal(error?.detail, "tushare daily has been out since 2026-03-02T05:00:00.000Z: asking: connection reset");
  assert.deepEqual(readOutage(error?.detail ?? ""), { provider: "tushare", api: "daily" });
  assert.equal(clock.sleepers, 0, "no timer is left that would keep the process");
});

test("the end of an outage says whether somebody was given up in it, however short it was", async () => {
  const clock = new ManualClock();
  const { gate } = openGate({ outageDeadlineMs: 6 * HOUR_MS }, clock);
  const ended: (readonly [number, boolean])[] = [];
  gate.listen({ onEnded: (lastedMs, hasGivenUp) => void ended.push([lastedMs, hasGivenUp]) });
  const goes = async (): Promise<void> => gate.ended(await gate.enter(new AbortController().signal));
  await clock.advance(6 * HOUR_MS);
  await fail(gate, 3);
  gate.watch(() => undefined, { sinceMs: 0 });
  await clock.advance(HOUR_MS);
  await goes();
  await fail(gate, 3);
  await clock.advance(HOUR_MS);
  await goes();
  assert.deepEqual(ended, [
    [HOUR_MS, true],
    [HOUR_MS, false],
  ]);
});

test("what goes from one that is out to another one that is out takes along since when it is held up", async () => {
  const clock = new ManualClock();
  const { gate } = openGate({ outageDeadlineMs: 6 * HOUR_MS }, clock);
  const other = openGate({ outageDeadlineMs: 6 * HOUR_MS }, clock).gate;
  const gone: string[] = [];
  const say = (name: string): void => void gone.push(name);
  const heldUp = { sinceMs: Infinity };
  await fail(gate, 3);
  gate.watch(() => say("came first"));
  const leave = gate.watch(() => say("moves"), heldUp);
  await clock.advance(HOUR_MS);
  await fail(other, 3);
  leave();
  assert.equal(heldUp.sinceMs, 0);
  await clock.advance(HOUR_MS);
  other.watch(() => say("waits there"));
  other.watch(() => say("moved"), heldUp);
  await clock.advance(4 * HOUR_MS);
  assert.deepEqual(gone, ["came first", "moved"]);
  const end = other.watch(() => {
    end();
    say("overdue when it comes");
  }, heldUp);
  assert.equal(gone.length, 2, "not before the caller knows how to leave");
  await clock.advance(0);
  assert.deepEqual(gone.slice(2), ["overdue when it comes"]);
  await clock.advance(2 * HOUR_MS);
  assert.deepEqual(gone.slice(3), ["waits there"]);
  assert.equal(clock.sleepers, 0);
});

test("time without an outage, and before one that began while it waited, holds up nothing", async () => {
  const { gate, clock } = openGate({ outageDeadlineMs: 6 * HOUR_MS });
  const heldUp = { sinceMs: 0 };
  await clock.advance(5 * HOUR_MS);
  const leave = gate.watch(() => assert.fail("given up"), heldUp);
  await clock.advance(HOUR_MS);
  await fail(gate, 3);
  leave();
  assert.equal(heldUp.sinceMs, 6 * HOUR_MS);
  const stay = gate.watch(() => assert.fail("given up"), heldUp);
  await clock.advance(HOUR_MS);
  await end(gate);
  stay();
  assert.equal(heldUp.sinceMs, Infinity);
});

test("an outage that ends in time gives nothing up, and the next one starts at nothing", async () => {
  const { gate, clock } = openGate({ outageDeadlineMs: HOUR_MS });
  const gone: string[] = [];
  gate.watch(() => void gone.push("message"));
  await fail(gate, 3);
  await clock.advance(HOUR_MS - 1);
  await end(gate);
  assert.equal(gate.isOut, false);
  await clock.advance(HOUR_MS);
  await fail(gate, 3);
  await clock.advance(HOUR_MS - 1);
  assert.deepEqual(gone, []);
  await clock.advance(1);
  assert.deepEqual(gone, ["message"]);
});

test("a deadline of 0 waits for ever", async () => {
  const { gate, clock } = openGate({ outageDeadlineMs: 0 });
  gate.watch(() => assert.fail("given up"));
  await fail(gate, 3);
  await clock.advance(1_000 * HOUR_MS);
});

test("in a drain an outage lets go of all that wait, also of what comes later, also when it begins later", async () => {
  for (const outageDeadlineMs of [0, HOUR_MS]) {
    const { gate, clock } = openGate({ outageDeadlineMs });
    const gone: string[] = [];
    const watch = (name: string): (() => void) =>
      gate.watch((error) => {
        assert.ok(error instanceof GivenBackError);
        assert.equal(error.message, "tushare daily is out");
        gone.push(name);
      });
    watch("settled in time")();
    watch("first");
    gate.letGo();
    await clock.advance(0);
    assert.deepEqual(gone, [], "while the provider answers nothing is let go");
    await fail(gate, 3);
    assert.deepEqual(gone, ["first"]);
    watch("second");
    assert.deepEqual(gone, ["first"], "not before the caller knows how to leave");
    await clock.advance(0);
    assert.deepEqual(gone, ["first", "second"]);
    assert.equal(clock.sleepers, 0);
  }
});

test("only what fails for the provider's reasons counts: a refused request is an answer, refused rights are nothing", async () => {
  const { gate } = openGate();
  const errors = [RESET, RESET, new DataError("wrong"), RESET, RESET, new PermanentError("no right", "api"), RESET];
  const states: boolean[] = [];
  for (const error of errors) {
    gate.ended(await gate.enter(never), error);
    states.push(gate.isOut);
  }
  assert.deepEqual(states, [false, false, false, false, false, false, true]);
});

test("whoever waits at the gate leaves when told to, also while a probe is out", async () => {
  const { gate, clock } = openGate();
  await fail(gate, 3);
  const asleep = new AbortController();
  const sleeping = gate.enter(asleep.signal);
  asleep.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
  await clock.advance(10_000);
  const probe = await gate.enter(never);
  const second = new AbortController();
  const waiting = gate.enter(second.signal);
  second.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  const next = gate.enter(never);
  gate.withdraw(probe);
  gate.ended(await next);
  assert.equal(gate.isOut, false);
});

test("what it is like is said with times", async () => {
  const { gate, clock } = openGate({ pauses: { waitMs: 60_000, factor: 1, waitMsMax: 60_000 } });
  assert.deepEqual(gate.describe(), { provider: "tushare", api: "daily", state: "closed" });
  gate.ended(await gate.enter(never), new TransientError("asking: too many calls", { retryAfterMs: 60_000 }));
  await clock.advance(1_000);
  assert.deepEqual(gate.describe(), {
    provider: "tushare",
    api: "daily",
    state: "open",
    since: "2026-03-02T00:00:00.000Z",
    nextProbe: "2026-03-02T00:01:00.000Z",
    why: "asking: too many calls",
  });
  await clock.advance(60_000);
  await gate.enter(never);
  assert.equal(gate.describe().state, "half-open");
  assert.equal(gate.describe().nextProbe, undefined);
});

interface GateRig {
  readonly gate: ProviderGate;
  readonly clock: ManualClock;
  readonly said: readonly string[];
}

function openGate(limits: Partial<GateLimits> = {}, clock = new ManualClock()): GateRig {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (event) => void said.push(`warn ${event}`),
    info: (event) => void said.push(`info ${event}`),
  };
  const pauses = { waitMs: 1_000, factor: 2, waitMsMax: 4_000 };
  const gate = new ProviderGate({
    key: { provider: "tushare", api: "daily" },
    limits: { failuresToOpen: 3, pauses, outageDeadlineMs: 0, ...limits },
    clock,
    log,
  });
  return { gate, clock, said };
}

async function fail(gate: ProviderGate, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    gate.ended(await gate.enter(never), RESET);
  }
  assert.equal(gate.isOut, true);
}

/** The next probe is answered; its pause is over. */
async function end(gate: ProviderGate): Promise<void> {
  gate.ended(await gate.enter(never));
}
