import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { Part, StatusReport } from "../../src/app/status/status-api.ts";
import { FREQUENCY_NUMBERS } from "../../src/domain/frequency.ts";
import { silentLog } from "../../src/base/log.ts";
import { describeStatus, unknownParts } from "../../src/cli/status-text.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { openWorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 7, codes: 3, tradingDays: 12 });
const never = new AbortController().signal;

test("status tells the truth before a worker, beside one and after it", async (t) => {
  const nodeId = uniqueName("node");
  const env = {
    GINKGO_NODE_ID: nodeId,
    GINKGO_HEARTBEAT_KEY_PREFIX: uniqueName("beats"),
    GINKGO_HEARTBEAT_INTERVAL: "0.2",
  };
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const ask = (): Promise<StatusReport> => app.status(rig.config, silentLog, never);
  const before = await ask();
  assert.deepEqual(unknownParts(before), []);
  assert.equal(valueOf(before.store).hasTables, false);
  assert.deepEqual(valueOf(before.workers), []);

  const worker = rig.start();
  const codes = market.securities.map(({ code }) => code);
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  await rig.publish([
    ...codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
    { key: "x", value: "{not json" },
  ]);
  await rig.untilSettled(codes.length + 1);
  // Minutes of the same days are no daily bars.
  const ledger = `${rig.config.clickhouse.database}.ledger_row`;
  await rig.clickhouse.command(
    `INSERT INTO ${ledger} SELECT * REPLACE (${FREQUENCY_NUMBERS["5m"]} AS frequency) FROM ${ledger} WHERE data_set = 'bars'`,
    {},
    never,
  );
  await waitFor(async () => (await rig.lag()) === 0n, { timeoutMs: 20_000, everyMs: 50, what: "all is committed" });
  const during = await ask();
  assert.deepEqual(unknownParts(during), [], JSON.stringify(during));
  const queue = valueOf(during.queue);
  assert.equal(queue.group?.state, "stable");
  assert.deepEqual(
    queue.group?.members.map(({ partitions }) => partitions),
    [24],
  );
  assert.deepEqual(queue.topics, [{ topic: rig.config.worker.topic, partitions: 24, lag: 0, worst: [] }]);
  const letters = valueOf(during.deadLetters);
  assert.deepEqual([letters.open, letters.handled, letters.byReason], [1, 0, { "not-json": 1 }]);
  const store = valueOf(during.store);
  assert.equal(
    Object.values(store.lastHour).reduce((sum, one) => sum + one, 0),
    codes.length + 1,
  );
  assert.equal(store.lastHour["dead-letter"], 1);
  const [{ bars } = { bars: "" }] = await rig.select<{ readonly bars: string }>(
    "SELECT toString(count()) AS bars FROM @bar",
  );
  assert.equal(store.rows["bar_row"], Number.parseInt(bars, 10));
  assert.equal(store.ledger.codes, codes.length);
  assert.equal(store.ledger.barDays["present"], Number.parseInt(bars, 10));
  assert.equal(
    Object.values(store.ledger.barDays).reduce((sum, one) => sum + one, 0) >= market.days.length * codes.length,
    true,
  );
  assert.ok(Date.now() - Date.parse(store.lastSettled?.at ?? "") < 60_000);
  const daily = valueOf(during.calls).find(({ api }) => api === "daily");
  assert.equal(daily?.calls, rig.callsOf("daily"));
  const [seen] = valueOf(during.workers);
  assert.deepEqual([seen?.nodeId, seen?.status, seen?.pid], [nodeId, "running", process.pid]);
  assert.ok((seen?.ageSeconds ?? 99) < 10);
  assert.equal(seen?.held?.gap, 0);

  await worker.stop();
  await rig.publish([
    { key: "k", value: "later" },
    { key: "k", value: "later still" },
  ]);
  const after = await ask();
  const [topic] = valueOf(after.queue).topics;
  assert.equal(topic?.lag, 2);
  assert.deepEqual(
    topic?.worst.map(({ lag }) => lag),
    [2],
  );
  assert.deepEqual(valueOf(after.queue).group?.members, []);
  assert.equal(valueOf(after.workers)[0]?.status, "stopped");
  const text = describeStatus(after);
  assert.match(text, /dead letters\n {2}1 open \(not-json 1\), 0 done with: gdw dlq list/);
  assert.match(text, new RegExp(String.raw`${rig.config.worker.topic} +24 +2 +\d+: 2\n`));
});

test("what cannot be reached is said in its part, and the others go on", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const { config } = rig;
  const report = await app.status(
    {
      ...config,
      clickhouse: { ...config.clickhouse, url: "http://127.0.0.1:1" },
      redis: { ...config.redis, port: 1 },
    },
    silentLog,
    never,
  );
  assert.deepEqual(unknownParts(report), ["workers", "deadLetters", "store", "calls"]);
  assert.equal(valueOf(report.queue).topics.length, 1);
  assert.match(describeStatus(report), /store\n {2}unknown: .*127\.0\.0\.1:1/);
});

function valueOf<T>(part: Part<T>): T {
  assert.ok(part.isKnown, part.isKnown ? "" : part.why);
  return part.value;
}
