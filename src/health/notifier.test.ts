import assert from "node:assert/strict";
import test from "node:test";

import { systemClock, type Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import { type Log, silentLog } from "../base/log.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type AlertKind, type Notification, toNotification } from "./notification.ts";
import { ALERT_PAUSE_MS, Notifier, type NotifierOptions } from "./notifier.ts";

class HandClock implements Clock {
  elapsed = 0;
  now = (): ReturnType<Clock["now"]> => systemClock.now();
  nowMs = (): number => systemClock.nowMs();
  elapsedMs = (): number => this.elapsed;
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms, signal);
}

const worker = { nodeId: "n1", host: "here", pid: 7 };
const counts = { processed: 12, failed: 2, written: 3_000, errors: 1 };

function compose(kind: AlertKind, why: string): Notification {
  return toNotification(kind, { worker, version: "1.2.3", groupId: "g", counts, why });
}

function parts(): { readonly options: NotifierOptions; readonly sent: Notification[]; readonly clock: HandClock } {
  const sent: Notification[] = [];
  const clock = new HandClock();
  const send = (notification: Notification): Promise<void> => {
    sent.push(notification);
    return Promise.resolve();
  };
  return { options: { compose, send, pace: () => undefined, clock, log: silentLog }, sent, clock };
}

test("a notification has the form that Ginkgo's reader takes: neither content nor fields is ever empty", () => {
  const levels = { STARTED: "INFO", STOPPED: "WARN", ERROR: "ERROR" } as const;
  for (const kind of ["STARTED", "STOPPED", "ERROR"] as const) {
    for (const facts of [
      { counts, why: "no such user" },
      { counts: undefined, why: "" },
    ]) {
      const made = toNotification(kind, { worker, version: "1.2.3", groupId: "g", ...facts });
      assert.deepEqual(Object.keys(made), [
        "message_type",
        "group_name",
        "module",
        "title",
        "content",
        "level",
        "fields",
      ]);
      assert.deepEqual([made.message_type, made.group_name, made.module], ["custom_fields", "System", "DataWorker"]);
      assert.equal(made.level, levels[kind]);
      assert.ok(made.title !== "" && made.content !== "" && made.fields.length > 0);
      for (const { name, value, inline } of made.fields) {
        assert.ok(name !== "" && value !== "" && inline);
      }
    }
  }
  assert.match(compose("ERROR", "no such user").content, /n1: no such user$/);
});

test("start, error and stop are told once each; going on again is not a start", async () => {
  const { options, sent } = parts();
  const lifecycle = new Lifecycle();
  {
    await using notifier = new Notifier(options);
    notifier.follow(lifecycle);
    for (const state of ["STARTING", "RUNNING", "ERROR", "RUNNING", "STOPPING", "STOPPED"] as const) {
      lifecycle.enter(state, state === "ERROR" ? "stuck" : "");
    }
  }
  assert.deepEqual(
    sent.map(({ level }) => level),
    ["INFO", "ERROR", "WARN"],
  );
});

test("of one kind at most one goes in ten minutes, also when another process of the same worker told it", async () => {
  const { options, sent, clock } = parts();
  const told = new Set<string>();
  const pace: AlertPace = {
    take: (kind) => Promise.resolve(!told.has(kind) && told.add(kind) === told),
    giveBack: (kind) => Promise.resolve(void told.delete(kind)),
  };
  const fresh = (): Notifier => new Notifier({ ...options, pace: () => pace });
  {
    await using notifier = fresh();
    notifier.tell("ERROR", "one");
    notifier.tell("ERROR", "two");
    clock.elapsed += ALERT_PAUSE_MS - 1;
    notifier.tell("ERROR", "three");
  }
  {
    await using notifier = fresh();
    notifier.tell("ERROR", "four");
    notifier.tell("STOPPED");
  }
  assert.deepEqual(
    sent.map(({ title, content }) => [title, content.slice(-3)]),
    [
      ["Data worker ERROR", "one"],
      ["Data worker STOPPED", "ped"],
    ],
  );
  told.clear();
  await using notifier = new Notifier(options);
  notifier.tell("ERROR", "five");
  clock.elapsed += ALERT_PAUSE_MS;
  notifier.tell("ERROR", "six");
  await notifier.flush();
  assert.equal(sent.length, 4);
});

test("what cannot be sent neither delays nor fails anything, is said once, and the next of its kind may go", async () => {
  const { options, sent } = parts();
  const said: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => said.push(event) };
  let isBroken = true;
  const given: string[] = [];
  const pace: AlertPace = {
    take: () => Promise.reject(new TransientError("redis is away")),
    giveBack: (kind) => Promise.resolve(void given.push(kind)),
  };
  await using notifier = new Notifier({
    ...options,
    log,
    pace: () => pace,
    send: (notification, signal) =>
      isBroken ? Promise.reject(new TransientError("no broker")) : options.send(notification, signal),
  });
  notifier.tell("ERROR", "one");
  await notifier.flush();
  assert.deepEqual([said, given, sent.length], [["notification could not be sent, work goes on"], ["ERROR"], 0]);
  isBroken = false;
  notifier.tell("ERROR", "two");
  await notifier.flush();
  assert.equal(sent.length, 1);
});

test("a notification that never gets an answer holds up the end of the worker for a bounded time", async () => {
  const { options } = parts();
  let signal: AbortSignal | undefined;
  const notifier = new Notifier({
    ...options,
    lastMsMax: 20,
    send: (_, given) => {
      signal = given;
      return new Promise(() => undefined);
    },
  });
  notifier.tell("STOPPED");
  const startedMs = performance.now();
  await notifier[Symbol.asyncDispose]();
  assert.ok(performance.now() - startedMs < 2_000);
  assert.equal(signal?.aborted, true);
});

test("an alert that nobody got before the end may be told by the next process", async () => {
  const { options } = parts();
  const held = new Set<string>();
  const pace: AlertPace = {
    take: (kind) => Promise.resolve(held.add(kind) === held),
    giveBack: (kind, signal) => {
      signal.throwIfAborted();
      return Promise.resolve(void held.delete(kind));
    },
  };
  const notifier = new Notifier({
    ...options,
    lastMsMax: 20,
    pace: () => pace,
    send: () => new Promise(() => undefined),
  });
  notifier.tell("ERROR", "the broker is away");
  await notifier.end();
  assert.equal(held.size, 0);
});
