import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turnOfTheEventLoop } from "node:timers/promises";

import { systemClock, type Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import { GivenBackError, type Handling, OverdueError } from "../consumer/handling.ts";
import type { DeadLetter } from "../domain/dead-letter.ts";
import { parseDay } from "../domain/day.ts";
import { MessageError } from "../domain/message-error.ts";
import { bundledCalendar } from "../planning/trading-calendar.ts";
import type { Message } from "../ports/queue.ts";
import type { OutcomeRecord } from "../ports/store.ts";
import { createMessageHandler, type Perform } from "./message-handler.ts";
import { ParsedMessages } from "./parsed-messages.ts";
import { SettledBefore } from "./settled-before.ts";

test("messages past the calendar's end wait a minute between tries, use up nothing and say so once", async () => {
  const slept: number[] = [];
  let tries = 0;
  const calendar = bundledCalendar();
  const rig = openHandler({
    clock: { ...systemClock, sleep: async (ms) => void slept.push(ms) },
    perform: async () => {
      tries += 1;
      if (tries <= 1_000) {
        calendar.isTradingDay(parseDay("2027-01-06"));
      }
      return DONE;
    },
  });
  await Promise.all(Array.from({ length: 200 }, (_, offset) => rig.handle(messageAt(offset), handling())));
  assert.equal(rig.letters.length, 0);
  assert.equal(rig.recorded.length, 200);
  assert.equal(slept.length, 1_000);
  assert.ok(slept.every((ms) => ms === 60_000));
  assert.deepEqual(
    rig.warned.map(({ why }) => why),
    ["looking up the trading day 2027-01-06: the calendar is known from 0000-01-01 to 2026-12-31 only"],
  );
});

test("messages that were settled before are skipped and counted in the log; another group does them", async () => {
  const first = openHandler({});
  const messages = Array.from({ length: 50 }, (_, offset) => messageAt(offset));
  await Promise.all(messages.map((message) => first.handle(message, handling())));
  assert.equal(first.recorded.length, 50);

  const again = openHandler({ settled: first.recorded });
  await Promise.all(messages.map((message) => again.handle(message, handling())));
  await turnOfTheEventLoop();
  assert.equal(again.recorded.length, 0);
  assert.deepEqual(again.said, ["messages were settled before and are skipped t/0 50"]);

  const other = openHandler({ settled: first.recorded, group: "replay" });
  await Promise.all(messages.map((message) => other.handle(message, handling())));
  assert.equal(other.recorded.length, 50);
});

test("a message is settled only when its rows, its dead letter and its record are durable", async () => {
  const log: string[] = [];
  const gates = { rows: Promise.withResolvers<void>(), record: Promise.withResolvers<void>() };
  const rig = openHandler({
    perform: async () => {
      await gates.rows.promise;
      log.push("rows");
      return DONE;
    },
    onRecord: async () => {
      await gates.record.promise;
      log.push("record");
    },
  });
  const settled = rig.handle(messageAt(0), handling()).then(() => log.push("settled"));
  await turnOfTheEventLoop();
  gates.rows.resolve();
  await turnOfTheEventLoop();
  await turnOfTheEventLoop();
  assert.deepEqual(log, ["rows"], "settled before the record was durable");
  gates.record.resolve();
  await settled;
  assert.deepEqual(log, ["rows", "record", "settled"]);
});

test(
  "an overdue message is set aside with what it waited for, although its work never ends, and recorded",
  {
    timeout: 10_000,
  },
  async () => {
    const own = new AbortController();
    const rig = openHandler({
      perform: async (_command, { pace }) => {
        pace?.doing(() => "tushare daily, market on 2024-03-01");
        return await new Promise(() => undefined);
      },
    });
    const settled = rig.handle(messageAt(3), handling(own.signal));
    await turnOfTheEventLoop();
    own.abort(new OverdueError(1_800_400));
    await settled;
    assert.deepEqual(rig.letters, [
      {
        reason: "deadline",
        path: "$",
        detail: "no progress for 1800 s, waiting for tushare daily, market on 2024-03-01",
        attempts: 1,
      },
    ]);
    assert.deepEqual(
      rig.recorded.map(({ reason, outcome }) => [reason, outcome.word]),
      [["deadline", "dead-letter"]],
    );
  },
);

test("what an overdue message's work brings too late changes nothing, whether it ends well or not", async () => {
  for (const end of ["well", "badly"] as const) {
    const own = new AbortController();
    const late = Promise.withResolvers<typeof DONE>();
    const rig = openHandler({ perform: () => late.promise });
    const settled = rig.handle(messageAt(3), handling(own.signal));
    await turnOfTheEventLoop();
    own.abort(new OverdueError(1_000));
    await settled;
    if (end === "well") {
      late.resolve(DONE);
    } else {
      late.reject(new Error("too late"));
    }
    await turnOfTheEventLoop();
    assert.deepEqual([rig.letters.length, rig.recorded.length], [1, 1], end);
  }
});

test("a message that is overdue between two tries is set aside with why it was to be tried again", async () => {
  const own = new AbortController();
  const rig = openHandler({
    clock: { ...systemClock, sleep: (_ms, signal) => untilAborted(signal) },
    perform: async () => {
      throw new TransientError("reading the page: reset by peer");
    },
  });
  const settled = rig.handle(messageAt(3), handling(own.signal));
  await turnOfTheEventLoop();
  own.abort(new OverdueError(60_000));
  await settled;
  assert.equal(
    rig.letters[0]?.detail,
    "no progress for 60 s, waiting for the next try after: reading the page: reset by peer",
  );
});

test("a lost partition is no deadline: nothing is set aside, and the work is waited for", async () => {
  const lost = new AbortController();
  let hasEnded = false;
  const rig = openHandler({
    perform: async (_command, _context, signal) => {
      await untilAborted(signal).catch(() => undefined);
      await turnOfTheEventLoop();
      hasEnded = true;
      throw signal.reason;
    },
  });
  const settled = rig.handle(messageAt(3), handling(lost.signal, lost.signal));
  await turnOfTheEventLoop();
  lost.abort(new DOMException("the partition was lost", "AbortError"));
  await assert.rejects(settled, /the partition was lost/);
  assert.deepEqual([hasEnded, rig.letters.length, rig.recorded.length], [true, 0, 0]);
});

test("while outcomes are read, and once its work is done, a message's deadline stands still", async () => {
  const rests: string[] = [];
  const work = {
    ...handling(),
    rest: () => {
      rests.push("rest");
      return { [Symbol.dispose]: () => void rests.push("on") };
    },
  };
  const rig = openHandler({
    perform: async () => {
      rests.push("work");
      return DONE;
    },
    onRecord: async () => void rests.push("record"),
  });
  await rig.handle(messageAt(0), work);
  assert.deepEqual(rests, ["rest", "on", "work", "rest", "record", "on"]);
});

const never = new AbortController().signal;

const DONE: Awaited<ReturnType<Perform>> = {
  word: "stored",
  rows: { new: 1, same: 0, revised: 0, rejected: 0 },
  callIds: ["c"],
  provider: "tushare",
  pendingDays: 0,
  unexplainedDays: 0,
};

test("of a lost partition what was under way is recorded within its grace, and not after it", async () => {
  for (const isInGrace of [true, false]) {
    const [lost, grace] = [new AbortController(), new AbortController()];
    const rig = openHandler({
      perform: async (_command, context, signal) => {
        assert.equal(context.finishing, grace.signal);
        lost.abort(new Error("the partition was lost"));
        assert.equal(signal.aborted, true);
        if (!isInGrace) {
          grace.abort(new Error("its grace is over"));
        }
        return DONE;
      },
    });
    const settled = rig.handle(messageAt(0), handling(lost.signal, lost.signal, grace.signal));
    await (isInGrace ? settled : assert.rejects(settled, /grace is over/));
    assert.equal(rig.recorded.length, isInGrace ? 1 : 0);
  }
});

test("of a lost partition a failure is the next owner's: it is no dead letter and no second try", async () => {
  const lost = new AbortController();
  let tries = 0;
  const rig = openHandler({
    perform: () => {
      tries += 1;
      lost.abort(new Error("the partition was lost"));
      return Promise.reject(new Error("a defect"));
    },
  });
  await assert.rejects(rig.handle(messageAt(0), handling(lost.signal, lost.signal, never)), /was lost/);
  assert.deepEqual([tries, rig.letters.length, rig.recorded.length], [1, 0, 0]);
});

test("in a drain a message goes back when what it waits for is out, or fails again after its wait was cut short", async () => {
  const out = openHandler({ perform: () => Promise.reject(new GivenBackError("tushare daily is out")) });
  await assert.rejects(out.handle(messageAt(0), handling()), GivenBackError);

  const drain = new AbortController();
  let tries = 0;
  const rig = openHandler({
    intake: drain.signal,
    clock: {
      ...systemClock,
      sleep: (_ms, signal) => {
        drain.abort();
        return untilAborted(signal);
      },
    },
    perform: () => {
      tries += 1;
      return Promise.reject(new TransientError("no list is stored", { retryAfterMs: 60_000 }));
    },
  });
  await assert.rejects(rig.handle(messageAt(0), handling()), GivenBackError);
  assert.deepEqual([tries, out.letters.length, rig.letters.length, rig.recorded.length], [2, 0, 0, 0]);
});

test("a drain uses up no attempts of a message that waits between two", async () => {
  const drain = new AbortController();
  let tries = 0;
  const rig = openHandler({
    intake: drain.signal,
    clock: {
      ...systemClock,
      sleep: (_ms, signal) => {
        drain.abort();
        return untilAborted(signal);
      },
    },
    perform: () => {
      tries += 1;
      return Promise.reject(new Error("a passing defect"));
    },
  });
  await assert.rejects(rig.handle(messageAt(0), handling()), GivenBackError);
  assert.deepEqual([tries, rig.letters.length, rig.recorded.length], [1, 0, 0]);
});

test("a letter that could not be written is not written anew when its partition was lost", async () => {
  const [lost, grace] = [new AbortController(), new AbortController()];
  let writes = 0;
  const rig = openHandler({
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    perform: () => Promise.reject(new MessageError("unknown-code", "$", "x")),
    onLetter: async () => {
      writes += 1;
      if (writes === 1) {
        lost.abort(new Error("the partition was lost"));
        throw new TransientError("the broker is away");
      }
    },
  });
  await assert.rejects(rig.handle(messageAt(0), handling(lost.signal, lost.signal, grace.signal)), /was lost/);
  assert.deepEqual([writes, rig.letters.length, rig.recorded.length], [1, 0, 0]);
});

test("a letter is not begun when its partition was lost", async () => {
  const [lost, grace] = [new AbortController(), new AbortController()];
  const rig = openHandler({});
  const bad = { ...messageAt(0), value: Buffer.from("{") };
  const settled = rig.handle(bad, handling(lost.signal, lost.signal, grace.signal));
  lost.abort(new Error("the partition was lost"));
  await assert.rejects(settled, /was lost/);
  assert.deepEqual([rig.letters.length, rig.recorded.length], [0, 0]);
});

interface HandlerRig {
  readonly handle: ReturnType<typeof createMessageHandler>;
  readonly letters: readonly DeadLetter[];
  readonly recorded: readonly OutcomeRecord[];
  readonly warned: readonly Readonly<Record<string, unknown>>[];
  readonly said: readonly string[];
}

interface RigOptions {
  readonly onLetter?: () => Promise<void>;
  readonly clock?: Clock;
  readonly perform?: Perform;
  readonly intake?: AbortSignal;
  readonly group?: string;
  /** Waited for before a record is durable. */
  readonly onRecord?: () => Promise<void>;
  /** Records of earlier workers. */
  readonly settled?: readonly OutcomeRecord[];
}

function openHandler({
  clock = systemClock,
  perform = async () => DONE,
  group = "g",
  settled = [],
  intake = never,
  onLetter = () => Promise.resolve(),
  onRecord = () => Promise.resolve(),
}: RigOptions): HandlerRig {
  const letters: DeadLetter[] = [];
  const recorded: OutcomeRecord[] = [];
  const warned: Readonly<Record<string, unknown>>[] = [];
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (_event, fields = {}) => void warned.push(fields),
    info: (event, { at, count } = {}) => void said.push(`${event} ${String(at)} ${String(count)}`),
  };
  const handle = createMessageHandler({
    group,
    parsed: new ParsedMessages(clock, { bytesMax: 10_000, codesMax: 10 }),
    settledBefore: new SettledBefore({
      settledFrom: async () => new Map(settled.map(({ message }) => [message.offset, new Set([message.fingerprint])])),
      record: () => Promise.resolve(),
      byRequest: async () => [],
    }),
    perform,
    deadLetters: {
      write: async (_message, letter) => {
        await onLetter();
        letters.push(letter);
      },
    },
    record: async (record) => {
      await onRecord();
      recorded.push(record);
    },
    clock,
    log,
    attemptsMax: 3,
    intake,
    work: never,
  });
  return { handle, letters, recorded, warned, said };
}

function messageAt(offset: number): Message {
  const value = Buffer.from('{"code":"000001.SZ"}');
  return {
    topic: "t",
    partition: 0,
    offset: BigInt(offset),
    key: undefined,
    value,
    headers: [],
    timestampMs: 1,
  };
}

/** What the consumer gives with a message, driven by hand. */
function handling(signal = never, assignment = new AbortController().signal, finishing = assignment): Handling {
  return {
    signal,
    assignment,
    finishing,
    progress: () => undefined,
    rest: () => ({ [Symbol.dispose]: () => undefined }),
  };
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
    }
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}
