import assert from "node:assert/strict";
import test from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { kafkaConnection } from "../../src/app/open-kafka.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import type { Message } from "../../src/ports/queue.ts";
import { headerOf } from "../../src/queue/dead-letter-headers.ts";
import { openKafkaQueue } from "../../src/queue/kafka/kafka-queue.ts";
import { runConsumer } from "../../src/consumer/run-consumer.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { waitFor } from "../support/wait-for.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 11, codes: 3, tradingDays: 20 });

/** Each bad message with the reason and the JSON path that its dead letter names. */
const BAD = [
  { value: "{not json", reason: "not-json", path: "$" },
  { value: "[1,2]", reason: "not-an-object", path: "$" },
  { value: { command: "buy_low", params: {} }, reason: "unknown-command", path: "$.command" },
  { value: { command: "adjustfactor", params: {} }, reason: "missing-parameter", path: "$.params.code" },
  { value: { command: "bar_snapshot", params: { code: "1.XX" } }, reason: "bad-parameter", path: "$.params.code" },
  {
    value: { command: "bar_snapshot", params: { code: "000001.SZ", start_date: "20250110", end_date: "20250101" } },
    reason: "start-after-end",
    path: "$.params.start_date",
  },
  {
    value: { command: "bar_snapshot", params: { code: "000001.SZ", end_date: "29990101" } },
    reason: "future-day",
    path: "$.params.end_date",
  },
  {
    value: { command: "bar_snapshot", params: { code: "999999.SZ", days: 5 } },
    reason: "unknown-code",
    path: "$.params.code",
  },
  { value: { command: "tick", params: { code: "000001.SZ" } }, reason: "not-supported", path: "$.command" },
  {
    value: { command: "bar_snapshot", params: { code: "000001.SH", frequency: "5m" } },
    reason: "not-supported",
    path: "$.params.code",
  },
] as const;

test("every bad message becomes a dead letter that says why, and every good one among them is stored", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  const good = market.securities.map(({ code }) => ({ command: "bar_snapshot", params: { code, ...range } }));
  await rig.publish([
    ...BAD.slice(0, 5).map(({ value }) => ({ key: "000001.SZ", value })),
    ...good.map((value) => ({ key: "000001.SZ", value })),
    { key: "x", value: { command: "update_selector", params: {} } },
    ...BAD.slice(5).map(({ value }) => ({ key: "000001.SZ", value })),
  ]);
  await rig.untilSettled(BAD.length + good.length + 1);
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
  assert.deepEqual(await rig.select("SELECT toString(uniqExact(code)) AS codes FROM @bar"), [
    { codes: String(market.securities.length) },
  ]);

  const letters = await readDeadLetters(rig, BAD.length);
  const found = letters
    .toSorted((left, right) => offsetOf(left) - offsetOf(right))
    .map((letter) => ({
      reason: header(letter, "reason"),
      path: header(letter, "path"),
      value: letter.value?.toString("utf8"),
      key: letter.key?.toString("utf8"),
    }));
  assert.deepEqual(
    found,
    BAD.map(({ reason, path, value }) => ({
      reason,
      path,
      value: typeof value === "string" ? value : JSON.stringify(value),
      key: "000001.SZ",
    })),
  );
  for (const letter of letters) {
    assert.ok(Buffer.byteLength(header(letter, "detail")) <= 200);
    assert.match(header(letter, "at"), /^\d{4}-\d\d-\d\dT/);
    assert.equal(header(letter, "attempts"), "1");
    assert.equal(
      letter.headers.some(([name]) => name === "x-ginkgo-stack"),
      false,
    );
  }
});

async function readDeadLetters(rig: WorkerRig, count: number): Promise<readonly Message[]> {
  const letters: Message[] = [];
  const end = new AbortController();
  await using queue = await openKafkaQueue({
    connection: await kafkaConnection(rig.config),
    groupId: `${rig.config.worker.groupId}-reader`,
    topics: [rig.config.kafka.deadLetterTopic],
    sessionTimeoutMs: 6_000,
    heartbeatMs: 500,
    clock: systemClock,
    log: silentLog,
  });
  const reading = runConsumer<Message>(
    {
      queue,
      lanesOf: () => [],
      bytesOf: () => 1,
      handle: (message) => {
        letters.push(message);
        return Promise.resolve();
      },
      clock: systemClock,
      log: silentLog,
    },
    end.signal,
    new AbortController().signal,
  );
  await waitFor(() => letters.length >= count, { timeoutMs: 20_000, everyMs: 50, what: `${count} dead letters` });
  end.abort();
  await reading;
  return letters;
}

function header(letter: Message, name: string): string {
  return headerOf(letter.headers, `x-ginkgo-${name}`)?.toString("utf8") ?? "";
}

function offsetOf(letter: Message): number {
  return Number.parseInt(header(letter, "origin").split("/").at(-1) ?? "", 10);
}
