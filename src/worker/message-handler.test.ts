import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turnOfTheEventLoop } from "node:timers/promises";

import { systemClock, type Clock } from "../base/clock.ts";
import { silentLog, type Log } from "../base/log.ts";
import type { DeadLetter } from "../domain/dead-letter.ts";
import { parseDay } from "../domain/day.ts";
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
  await Promise.all(Array.from({ length: 200 }, (_, offset) => rig.handle(messageAt(offset), never)));
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
  await Promise.all(messages.map((message) => first.handle(message, never)));
  assert.equal(first.recorded.length, 50);

  const again = openHandler({ settled: first.recorded });
  await Promise.all(messages.map((message) => again.handle(message, new AbortController().signal)));
  await turnOfTheEventLoop();
  assert.equal(again.recorded.length, 0);
  assert.deepEqual(again.said, ["messages were settled before and are skipped t/0 50"]);

  const other = openHandler({ settled: first.recorded, group: "replay" });
  await Promise.all(messages.map((message) => other.handle(message, never)));
  assert.equal(other.recorded.length, 50);
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

interface HandlerRig {
  readonly handle: ReturnType<typeof createMessageHandler>;
  readonly letters: readonly DeadLetter[];
  readonly recorded: readonly OutcomeRecord[];
  readonly warned: readonly Readonly<Record<string, unknown>>[];
  readonly said: readonly string[];
}

interface RigOptions {
  readonly clock?: Clock;
  readonly perform?: Perform;
  readonly group?: string;
  /** Records of earlier workers. */
  readonly settled?: readonly OutcomeRecord[];
}

function openHandler({
  clock = systemClock,
  perform = async () => DONE,
  group = "g",
  settled = [],
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
    deadLetters: { write: async (_message, letter) => void letters.push(letter) },
    record: async (record) => void recorded.push(record),
    clock,
    log,
    attemptsMax: 3,
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
