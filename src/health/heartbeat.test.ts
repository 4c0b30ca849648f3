import assert from "node:assert/strict";
import { test } from "node:test";

import { type Clock, systemClock } from "../base/clock.ts";
import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import type { Beat, Heartbeats, SeenBeat } from "../ports/heartbeats.ts";
import { startHeartbeat, type HeartbeatOptions } from "./heartbeat.ts";
import { isAlive } from "./is-alive.ts";
import { Lifecycle } from "./lifecycle.ts";

const never = new AbortController().signal;
const worker = { nodeId: "n", host: "here", pid: process.pid };
const GONE_PID = 2 ** 30;

/** Wakes sleepers when it is moved. */
class HandClock implements Clock {
  elapsed = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  now = (): ReturnType<Clock["now"]> => systemClock.now();
  nowMs = (): number => systemClock.nowMs();
  elapsedMs = (): number => this.elapsed;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#sleepers.push({ atMs: this.elapsed + ms, wake: resolve });
    });
  }

  async move(ms: number): Promise<void> {
    this.elapsed += ms;
    const due = this.#sleepers.filter(({ atMs }) => atMs <= this.elapsed);
    this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.elapsed);
    for (const { wake } of due) {
      wake();
    }
    await new Promise(setImmediate);
  }
}

class Place implements Heartbeats {
  readonly beats: Beat[] = [];
  holder: SeenBeat | undefined;
  isAway = false;

  put(beat: Beat, dead: SeenBeat | undefined): Promise<SeenBeat | undefined> {
    if (this.isAway) {
      return Promise.reject(new TransientError("redis is away"));
    }
    if (this.holder !== undefined && this.holder !== dead) {
      return Promise.resolve(this.holder);
    }
    this.holder = undefined;
    this.beats.push(beat);
    return Promise.resolve(undefined);
  }

  list(): Promise<readonly SeenBeat[]> {
    return Promise.resolve([]);
  }

  words(): readonly unknown[] {
    return this.beats.map(({ fields }) => fields["status"]);
  }
}

function holderOn(host: string, pid: number): SeenBeat {
  return {
    nodeId: "n",
    host,
    pid,
    status: "running",
    beatAtMs: 0,
    leftMs: 12_345,
    isEnded: false,
    fields: {},
    text: "{}",
  };
}

function optionsFor(
  heartbeats: Heartbeats,
  clock: Clock,
  lifecycle: Lifecycle = startingLifecycle(),
  log: Log = silentLog,
): HeartbeatOptions {
  const redact = (text: string): string => text.replaceAll("hunter2", "[secret]");
  return { heartbeats, worker, version: "1.2.3", intervalMs: 10_000, lifecycle, redact, clock, log };
}

function startingLifecycle(): Lifecycle {
  const lifecycle = new Lifecycle();
  lifecycle.enter("STARTING");
  return lifecycle;
}

test("it beats at each change and each interval in the words and numbers of the lifecycle, and the last beat stays", async () => {
  const place = new Place();
  const clock = new HandClock();
  const lifecycle = startingLifecycle();
  {
    await using heartbeat = await startHeartbeat(optionsFor(place, clock, lifecycle), never);
    lifecycle.enter("RUNNING");
    await clock.move(10_000);
    lifecycle.enter("ERROR", "a commit has been under way for 121 s");
    await clock.move(10_000);
    assert.equal(place.beats.at(-1)?.fields["last_error"], "a commit has been under way for 121 s");
    lifecycle.enter("RUNNING");
    await heartbeat.beat();
    assert.equal(place.beats.at(-1)?.fields["last_error"], null);
    lifecycle.enter("STOPPING");
    await clock.move(0);
    lifecycle.enter("STOPPED");
  }
  const last = place.words().length - 1;
  assert.deepEqual(place.words().slice(0, 6), ["starting", "running", "running", "error", "error", "running"]);
  assert.deepEqual(place.words().slice(-2), ["stopping", "stopped"]);
  assert.deepEqual(
    place.beats.map(({ fields }) => fields["is_ended"]),
    place.beats.map((_, index) => index === last),
  );
  const codes = new Map(place.beats.map(({ fields }) => [fields["status"], fields["status_code"]]));
  assert.deepEqual(Object.fromEntries(codes), { starting: 1, running: 2, error: 4, stopping: 3, stopped: 0 });
});

test("a beat looks first and speaks then, so that a stuck worker is never called running", async () => {
  const place = new Place();
  const lifecycle = startingLifecycle();
  await using heartbeat = await startHeartbeat(optionsFor(place, new HandClock(), lifecycle), never);
  lifecycle.enter("RUNNING");
  heartbeat.alsoSaying(() => {
    lifecycle.enter("ERROR", "the consume loop has not turned for 61 s");
    return { in_flight: 3 };
  });
  await heartbeat.beat();
  const [status, held] = [place.beats.at(-1)?.fields["status"], place.beats.at(-1)?.fields["in_flight"]];
  assert.deepEqual([status, held], ["error", 3]);
});

test("the age of what is written grows while beats fail, and while another worker has the id", async () => {
  const place = new Place();
  const clock = new HandClock();
  const lifecycle = startingLifecycle();
  await using heartbeat = await startHeartbeat(optionsFor(place, clock, lifecycle), never);
  await clock.move(10_000);
  assert.deepEqual([heartbeat.writtenAgoMs, heartbeat.isAway, heartbeat.isContested], [0, false, false]);
  place.isAway = true;
  await clock.move(10_000);
  assert.deepEqual([heartbeat.writtenAgoMs, heartbeat.isAway], [10_000, true]);
  place.isAway = false;
  place.holder = holderOn("there", GONE_PID);
  await clock.move(10_000);
  assert.deepEqual([heartbeat.writtenAgoMs, heartbeat.isAway, heartbeat.isContested], [20_000, false, true]);
  place.holder = undefined;
  await clock.move(10_000);
  assert.deepEqual([heartbeat.writtenAgoMs, heartbeat.isContested], [0, false]);
});

test("a worker elsewhere, or here and alive, keeps its id; one that is gone from here loses it", async () => {
  const place = new Place();
  for (const holder of [holderOn("there", GONE_PID), holderOn("here", process.ppid)]) {
    place.holder = holder;
    await assert.rejects(startHeartbeat(optionsFor(place, new HandClock()), never), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.equal(error.scope, "settings");
      assert.match(
        error.message,
        new RegExp(`node n: .* lives on ${holder.host}, process ${holder.pid}.*13 s of silence`),
      );
      return true;
    });
  }
  assert.deepEqual(place.beats, []);
  place.holder = holderOn("here", GONE_PID);
  await using heartbeat = await startHeartbeat(optionsFor(place, new HandClock()), never);
  assert.ok(heartbeat instanceof Object);
  assert.deepEqual(place.words(), ["starting"]);
});

test("work goes on while the place of heartbeats is away, which is said once, and the beats come back", async () => {
  const place = new Place();
  const clock = new HandClock();
  const said: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => said.push(event), info: (event) => said.push(event) };
  place.isAway = true;
  const lifecycle = startingLifecycle();
  await using heartbeat = await startHeartbeat(optionsFor(place, clock, lifecycle, log), never);
  lifecycle.enter("RUNNING");
  await clock.move(10_000);
  place.isAway = false;
  await clock.move(10_000);
  assert.equal(heartbeat.isAway, false);
  assert.deepEqual(said, ["heartbeat is not written, work goes on", "heartbeat is back"]);
  assert.deepEqual(place.words(), ["running"]);
});

test("what ended the worker is the last word, without secrets", async () => {
  const place = new Place();
  const lifecycle = startingLifecycle();
  {
    await using heartbeat = await startHeartbeat(optionsFor(place, new HandClock(), lifecycle), never);
    assert.equal(heartbeat.counts.processed, 0);
    lifecycle.enter("ERROR", "no such user as hunter2");
  }
  const { status, last_error: lastError, is_ended: isEnded } = place.beats.at(-1)?.fields ?? {};
  assert.deepEqual([status, lastError, isEnded], ["error", "no such user as [secret]", true]);
});

test("a process is told from one that is gone", () => {
  assert.equal(isAlive(process.pid), true);
  assert.equal(isAlive(GONE_PID), false);
});
