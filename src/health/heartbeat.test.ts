import assert from "node:assert/strict";
import { test } from "node:test";

import { type Clock, systemClock } from "../base/clock.ts";
import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import type { Beat, Heartbeats, SeenBeat } from "../ports/heartbeats.ts";
import { startHeartbeat, type HeartbeatOptions } from "./heartbeat.ts";
import { isAlive } from "./is-alive.ts";

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

function optionsFor(heartbeats: Heartbeats, clock: Clock, log: Log = silentLog): HeartbeatOptions {
  return { heartbeats, worker, version: "1.2.3", intervalMs: 10_000, clock, log };
}

test("it beats at each change and each interval, and a loop that does not turn is not called running", async () => {
  const place = new Place();
  const clock = new HandClock();
  const stop = new AbortController();
  {
    await using heartbeat = await startHeartbeat(optionsFor(place, clock), stop.signal);
    await heartbeat.during(async () => {
      heartbeat.running();
      await clock.move(10_000);
      heartbeat.turned();
      await clock.move(59_000);
      await clock.move(10_000);
      assert.match(String(place.beats.at(-1)?.fields["last_error"]), /loop is stuck/);
      heartbeat.turned();
      await clock.move(10_000);
      stop.abort();
      await clock.move(0);
    }, stop.signal);
  }
  assert.deepEqual(place.words(), [
    "starting",
    "running",
    "running",
    "running",
    "error",
    "running",
    "stopping",
    "stopped",
  ]);
  assert.deepEqual(
    place.beats.map(({ fields }) => fields["is_ended"]),
    [false, false, false, false, false, false, false, true],
  );
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
  await using heartbeat = await startHeartbeat(optionsFor(place, clock, log), never);
  heartbeat.running();
  await clock.move(10_000);
  place.isAway = false;
  heartbeat.turned();
  await clock.move(10_000);
  assert.deepEqual(said, ["heartbeat is not written, work goes on", "heartbeat is back"]);
  assert.deepEqual(place.words(), ["running"]);
});

test("what ends the worker is the last word, unless it was asked to stop", async () => {
  for (const [isAsked, status] of [
    [false, "error"],
    [true, "stopped"],
  ] as const) {
    const place = new Place();
    const stop = new AbortController();
    const reason = new Error("no such user");
    {
      await using heartbeat = await startHeartbeat(optionsFor(place, new HandClock()), stop.signal);
      const work = (): Promise<never> => {
        if (isAsked) {
          stop.abort(reason);
        }
        return Promise.reject(reason);
      };
      await assert.rejects(heartbeat.during(work, stop.signal), reason);
    }
    assert.deepEqual(
      [place.words().at(-1), place.beats.at(-1)?.fields["last_error"]],
      [status, isAsked ? null : "no such user"],
    );
  }
});

test("a process is told from one that is gone", () => {
  assert.equal(isAlive(process.pid), true);
  assert.equal(isAlive(GONE_PID), false);
});
