import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { GivenBackError } from "../../src/consumer/handling.ts";
import type { DeadLetter } from "../../src/domain/dead-letter.ts";
import type { Message } from "../../src/ports/queue.ts";
import type { Source } from "../../src/ports/source.ts";
import type { OutcomeRecord } from "../../src/ports/store.ts";
import { createMessageHandler, type HandlerParts } from "../../src/worker/message-handler.ts";
import { ParsedMessages } from "../../src/worker/parsed-messages.ts";
import { SettledBefore } from "../../src/worker/settled-before.ts";
import { waitFor } from "../support/wait-for.ts";
import { silentLog } from "../../src/base/log.ts";
import { BarSource } from "./bar-source.ts";
import { codesOf, type CoreRig, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const NOW = "2026-03-03T12:00:00Z";
const DAY = "20260302";
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;
const work = {
  signal: never,
  assignment: never,
  finishing: never,
  progress: () => undefined,
  rest: () => ({ [Symbol.dispose]: () => undefined }),
};

test("50 failures of the provider's and then success: nothing is used up, no dead letter, one line when it goes out", async () => {
  await using rig = await openMarket(3, { GINKGO_BREAKER_PAUSE_MS: "200", GINKGO_BREAKER_PAUSE_MS_MAX: "1000" });
  rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 30 });
  rig.simulator.injectFault({ kind: "gateway", status: 502 }, { api: "daily", times: 20 });
  const { handle, letters, records } = openHandler(rig);
  await Promise.all(codesOf(3).map((code, offset) => handle(messageOf(code, offset), work)));
  assert.deepEqual(letters, []);
  assert.deepEqual(
    records.map(({ outcome }) => outcome.word),
    ["stored", "stored", "stored"],
  );
  assert.equal(rig.calls("daily").length >= 51, true, `${rig.calls("daily").length} calls`);
  assert.equal(rig.bars.size, 3);
  assert.equal(linesOf(rig, "warn provider is out").length, 1);
  assert.equal(linesOf(rig, "info provider is back").length, 1);
  // One line for each call that was tried again, whatever waited for it.
  assert.equal(linesOf(rig, "warn call failed, trying again").length, 50);
  assert.equal(linesOf(rig, "warn message failed").length, 0);
});

test("while a provider is out its messages make no call and take no grant, beyond one probe after each pause", async () => {
  await using rig = await openMarket(40, {
    GINKGO_BREAKER_PAUSE_MS: "3600000",
    GINKGO_BREAKER_PAUSE_MS_MAX: "3600000",
  });
  await rig.send({ command: "stockinfo", params: {} });
  rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 5 });
  const { handle, letters, records } = openHandler(rig);
  const all = Promise.all(codesOf(40).map((code, offset) => handle(messageOf(code, offset), work)));
  await untilOut(rig);
  const [seen] = rig.breakers().filter(({ api }) => api === "daily");
  assert.equal(seen?.state, "open");
  assert.match(seen?.why ?? "", /connection/);
  assert.deepEqual(
    rig.breakers().flatMap(({ api, state }) => (state === "closed" ? [] : [api])),
    ["daily"],
    "other apis of the provider go on",
  );
  // Calls that were under way when it opened end; then nothing moves.
  await waitFor(() => linesOf(rig, "warn call failed").length === 5, {
    timeoutMs: 20_000,
    everyMs: 5,
    what: "five failed",
  });
  const [calls, grants] = [rig.calls("daily").length, rig.grants("daily")];
  assert.equal(calls, 5);
  assert.ok(grants <= 6, "a grant that came as it opened is let go, one at most");
  // Messages of another api are served meanwhile.
  await rig.send({ command: "adjustfactor", params: { code: codesOf(1)[0] } });
  assert.deepEqual([rig.calls("daily").length, rig.grants("daily")], [calls, grants]);
  assert.equal(records.length, 0);
  rig.setClock("2026-03-03T14:00:00Z");
  await all;
  assert.deepEqual([letters.length, records.length, rig.bars.size], [0, 40, 40]);
  assert.equal(rig.calls("daily").length, calls + 1, "the probe brought what all waited for");
});

test("a drain in an outage gives back what is held, with no call and no dead letter, whatever it waits for", async () => {
  for (const api of ["daily", "stock_basic"] as const) {
    await using rig = await openMarket(40, {
      GINKGO_BREAKER_PAUSE_MS: "3600000",
      GINKGO_BREAKER_PAUSE_MS_MAX: "3600000",
    });
    rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api, times: 1_000_000 });
    const { handle, letters, records } = openHandler(rig);
    const held = Promise.allSettled(codesOf(40).map((code, offset) => handle(messageOf(code, offset), work)));
    await untilOut(rig);
    await waitFor(() => linesOf(rig, "warn call failed").length === 5, {
      timeoutMs: 20_000,
      everyMs: 5,
      what: "five failed",
    });
    const calls = rig.calls(api).length;
    rig.letGoInOutages();
    const ended = await held;
    assert.ok(
      ended.every((one) => one.status === "rejected" && one.reason instanceof GivenBackError),
      JSON.stringify(ended[0]),
    );
    assert.deepEqual([letters.length, records.length, rig.bars.size], [0, 0, 0]);
    assert.equal(rig.calls(api).length, calls);
    await assert.rejects(handle(messageOf("601000.SH", 40), work), GivenBackError);
  }
});

test("a wait that the provider states is waited whole, with one call after it", async () => {
  await using rig = await openMarket(2);
  await rig.send({ command: "stockinfo", params: {} });
  rig.simulator.injectFault({ kind: "refused", code: 40204, msg: "您的IP数量超限，最大数量为2个！" }, { api: "daily" });
  const { handle, letters, records } = openHandler(rig);
  const all = Promise.all(codesOf(2).map((code, offset) => handle(messageOf(code, offset), work)));
  await untilOut(rig);
  const seen = rig.breakers().find(({ api }) => api === "daily");
  const statedMs = Date.parse(seen?.nextProbe ?? "") - Date.parse(seen?.since ?? "");
  assert.ok(statedMs > 25 * 60_000 && statedMs <= 30 * 60_000, `${statedMs}`);
  rig.setClock("2026-03-03T12:40:00Z");
  await all;
  assert.deepEqual([letters.length, records.length], [0, 2]);
  assert.ok(rig.calls("daily").length <= 3, rig.calls("daily").join(", "));
});

test("what an outage holds up for the deadline is set aside with its cause; what came later is not", async () => {
  await using rig = await openMarket(2, { GINKGO_WORKER_OUTAGE_DEADLINE_MS: String(6 * HOUR_MS) });
  await rig.send({ command: "stockinfo", params: {} });
  rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1_000_000 });
  const { handle, letters, records } = openHandler(rig);
  const [first = "", second = ""] = codesOf(2);
  const early = handle(messageOf(first, 0), work);
  await untilOut(rig);
  rig.setClock("2026-03-03T15:00:00Z");
  const late = handle(messageOf(second, 1), work);
  await waitFor(() => rig.breakers().length > 0, { timeoutMs: 20_000, everyMs: 5, what: "asked" });
  rig.setClock("2026-03-03T18:30:00Z");
  await early;
  const [letter] = letters;
  assert.deepEqual([letter?.reason, letter?.path, letter?.attempts], ["outage", "$", 1]);
  assert.match(letter?.detail ?? "", /^tushare daily has been out since 2026-03-03T12:\d\d:\d\d\.\d{3}Z: .*connection/);
  rig.simulator.clearFaults();
  await late;
  assert.deepEqual(
    records.map(({ message, outcome, reason }) => [message.offset, outcome.word, reason]),
    [
      [0n, "dead-letter", "outage"],
      [1n, "stored", undefined],
    ],
  );
});

test("a message that goes from one to the other of two that are out has one deadline for all of its way", async () => {
  const second = new BarSource();
  second.isDown = true;
  await using rig = await openMarket(
    1,
    {
      GINKGO_PROVIDERS_CHAIN: "tushare,baostock",
      GINKGO_WORKER_OUTAGE_DEADLINE_MS: String(3 * HOUR_MS),
      GINKGO_BREAKER_PAUSE_MS: String(HOUR_MS),
      GINKGO_BREAKER_PAUSE_MS_MAX: String(HOUR_MS),
    },
    [second],
  );
  await rig.send({ command: "stockinfo", params: {} });
  rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1_000_000 });
  const { handle, letters } = openHandler(rig);
  const held = handle(messageOf(codesOf(1)[0] ?? "", 0), work);
  const outOf = (): number => rig.breakers().filter(({ state }) => state === "open").length;
  const asked = (): number => rig.calls("daily").length + second.calls;
  await waitFor(() => outOf() === 2, { timeoutMs: 20_000, everyMs: 2, what: "both are out" });
  for (const hour of [13, 14]) {
    const before = asked();
    rig.setClock(`2026-03-03T${hour}:10:00Z`);
    await waitFor(() => asked() >= before + 2 && outOf() === 2, {
      timeoutMs: 20_000,
      everyMs: 2,
      what: `both were tried once more at ${hour}:10`,
    });
  }
  assert.equal(letters.length, 0);
  rig.setClock("2026-03-03T15:05:00Z");
  await waitFor(() => letters.length === 1, { timeoutMs: 5_000, everyMs: 2, what: "set aside" });
  await held;
  assert.equal(letters[0]?.reason, "outage");
});

test("messages that wait for the stock list of a provider that is out have the same deadline", async () => {
  await using rig = await openMarket(1, { GINKGO_WORKER_OUTAGE_DEADLINE_MS: "3600000" });
  rig.simulator.injectFault({ kind: "gateway", status: 503 }, { api: "stock_basic", times: 1_000_000 });
  const { handle, letters } = openHandler(rig);
  const held = Promise.all([0, 1, 2].map((offset) => handle(messageOf(codesOf(1)[0] ?? "", offset), work)));
  await untilOut(rig);
  rig.setClock("2026-03-03T13:30:00Z");
  await held;
  assert.deepEqual(
    letters.map(({ reason, attempts }) => [reason, attempts]),
    [0, 1, 2].map(() => ["outage", 1]),
  );
  assert.match(letters[0]?.detail ?? "", /^tushare stock_basic has been out since /);
});

test("the message's own failures are tried as often and as far apart as the settings say", async () => {
  for (const [attemptsMax, waits, expected] of [
    [3, { waitMs: 1_000, factor: 2, waitMsMax: 30_000 }, [1_000, 2_000]],
    [5, { waitMs: 10, factor: 10, waitMsMax: 500 }, [10, 100, 500, 500]],
  ] as const) {
    await using rig = await openMarket(1);
    const slept: number[] = [];
    const { handle, letters } = openHandler(rig, {
      attemptsMax,
      retryWaits: waits,
      clock: { ...systemClock, sleep: async (ms) => void slept.push(ms) },
      perform: () => Promise.reject(new Error("a defect")),
    });
    await handle(messageOf("600000.SH", 0), work);
    assert.deepEqual(
      letters.map(({ reason, attempts }) => [reason, attempts]),
      [["defect", attemptsMax]],
    );
    assert.equal(slept.length, expected.length);
    assert.ok(
      slept.every((ms, index) => ms >= 0 && ms <= (expected[index] ?? 0)),
      `${slept.join(", ")} within ${expected.join(", ")}`,
    );
  }
});

/** A market whose codes have one row each. */
function openMarket(
  codes: number,
  env: Readonly<Record<string, string>> = {},
  others: readonly Source[] = [],
): Promise<CoreRig> {
  const all = codesOf(codes);
  const rows = { daily: all.map((code) => dailyRow(code, DAY)), stock_basic: all.map((code) => stockRow(code)) };
  return openCoreRig({ now: NOW, rows, env, others });
}

async function untilOut(rig: CoreRig): Promise<void> {
  const isOut = (): boolean => rig.breakers().some(({ state }) => state !== "closed");
  await waitFor(isOut, { timeoutMs: 20_000, everyMs: 2, what: "a provider is out" });
}

interface HandlerRig {
  readonly handle: ReturnType<typeof createMessageHandler>;
  readonly letters: readonly DeadLetter[];
  readonly records: readonly OutcomeRecord[];
}

function openHandler(rig: CoreRig, more: Partial<HandlerParts> = {}): HandlerRig {
  const letters: DeadLetter[] = [];
  const records: OutcomeRecord[] = [];
  const nothing = { settledFrom: async () => new Map(), record: () => Promise.resolve(), byRequest: async () => [] };
  const handle = createMessageHandler({
    group: "g",
    parsed: new ParsedMessages(rig.clock, { bytesMax: 10_000, codesMax: 10 }),
    settledBefore: new SettledBefore(nothing),
    perform: rig.perform,
    deadLetters: { write: async (_message, letter) => void letters.push(letter) },
    record: async (record) => void records.push(record),
    clock: rig.clock,
    log: silentLog,
    attemptsMax: 3,
    work: never,
    ...more,
  });
  return { handle, letters, records };
}

function messageOf(code: string, offset: number): Message {
  const command = { command: "bar_snapshot", params: { code, start_date: DAY, end_date: DAY } };
  return {
    topic: "t",
    partition: 0,
    offset: BigInt(offset),
    key: Buffer.from(code),
    value: Buffer.from(JSON.stringify(command)),
    headers: [],
    timestampMs: 1,
  };
}

function linesOf({ logged }: CoreRig, start: string): readonly string[] {
  return logged.filter((line) => line.startsWith(start));
}
