import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";

import type { StartHooks } from "../../src/app/start-worker.ts";
import { METRICS, PROCESS_METRICS } from "../../src/health/metrics/table.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { openWorkerRig } from "../e2e/worker-rig.ts";
import { requirePromtool } from "../support/services.ts";
import { runPromtool } from "../support/services/promtool.ts";
import { waitFor } from "../support/wait-for.ts";
import { readMetrics, type ScrapedMetrics } from "./read-metrics.ts";

const market = generateMarket({ seed: 11, codes: 4, tradingDays: 15 });
const codes = market.securities.map(({ code }) => code);
const range = { start_date: market.days[0], end_date: market.days.at(-1) };
const env = { GINKGO_METRICS_LAG_EVERY_MS: "200", GINKGO_METRICS_COVERAGE_EVERY_MS: "1000" };

/** Bars were asked for, factors were not, and so there is one ratio and it is whole. */
const COVERED = 1;

test("a working worker serves every metric that is declared, with numbers that are true", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const ready = Promise.withResolvers<string>();
  const worker = rig.start({ onReady: ({ url }) => ready.resolve(url) });
  const url = await Promise.race([ready.promise, worker.ended.then(() => assert.fail("the worker ended"))]);
  await rig.publish([
    ...codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
    { key: "x", value: "{not json" },
    { key: "x", value: { command: "heartbeat_test", params: {} } },
  ]);
  const messages = codes.length + 2;
  await rig.untilSettled(messages);
  const scrape = async (): Promise<ScrapedMetrics> => readMetrics(await textOf(url));
  await waitFor(
    async () => {
      const seen = await scrape();
      return seen.sum("ginkgo_coverage_ratio") === COVERED && seen.sum("ginkgo_queue_lag") === 0;
    },
    { timeoutMs: 120_000, everyMs: 100, what: "lag and coverage to be known" },
  );
  const metrics = await scrape();

  const declared = [...Object.values(METRICS), ...Object.values(PROCESS_METRICS)];
  assert.deepEqual(metrics.names().toSorted(), declared.map(({ name }) => name).toSorted());
  assert.deepEqual(
    declared.filter(({ name, kind, help }) => metrics.kind(name) !== kind || metrics.help(name) !== help),
    [],
  );
  // A series for each, but for what is in flight only while something is.
  const silent = declared.map(({ name }) => name).filter((name) => !metrics.has(name));
  assert.deepEqual(silent.toSorted(), ["ginkgo_queue_blocking_offset", "ginkgo_queue_blocking_seconds"]);

  assert.equal(metrics.sum("ginkgo_messages_settled_total"), messages);
  assert.equal(metrics.value("ginkgo_messages_settled_total", { command: "beat", outcome: "ignored" }), 1);
  assert.equal(metrics.value("ginkgo_dead_letters_total", { reason: "not-json" }), 1);
  assert.equal(metrics.sum("ginkgo_dead_letters_total"), 1);
  assert.equal(metrics.sum("ginkgo_provider_calls_total"), rig.callsOf());
  assert.equal(
    metrics.value("ginkgo_provider_calls_total", { provider: "tushare", api: "daily", outcome: "answered" }),
    rig.callsOf("daily"),
  );
  const [{ bars } = { bars: "" }] = await rig.select<{ readonly bars: string }>(
    "SELECT toString(count()) AS bars FROM @bar",
  );
  assert.equal(metrics.value("ginkgo_store_rows_total", { table: "bar", outcome: "new" }), Number(bars));
  assert.equal(metrics.sum("ginkgo_store_batch_rows_sum", { table: "bar" }), Number(bars));
  assert.equal(
    metrics.sum("ginkgo_store_insert_seconds_count", { table: "bar" }),
    metrics.sum("ginkgo_store_batches_total", { table: "bar" }),
  );
  assert.equal(metrics.value("ginkgo_queue_partitions", {}), 24);
  assert.equal(metrics.value("ginkgo_consumer_window_messages", {}), rig.config.worker.windowMessages);
  assert.equal(metrics.value("ginkgo_breaker_state", { provider: "tushare", api: "daily", state: "closed" }), 1);
  assert.ok(metrics.value("ginkgo_budget_calls_left", { provider: "tushare", api: "daily" }) < 190);
  const nowS = Date.now() / 1_000;
  assert.ok(nowS - metrics.value("ginkgo_consumer_last_settled_timestamp_seconds", {}) < 60);
  assert.ok(nowS - metrics.value("ginkgo_consumer_last_progress_timestamp_seconds", {}) < 5);
  assert.ok(metrics.value("ginkgo_coverage_expected", { data_set: "bars", state: "present" }) > 0);
  assert.ok(!(await textOf(url)).includes(rig.simulator.token));

  t.diagnostic(`coverage: ${metrics.sum("ginkgo_coverage_read_seconds", { data_set: "bars" }).toFixed(2)} s to read`);
  await checkByPromtool(t, await textOf(url));
  await timeScrapes(t, url);
  await worker.stop();
});

test("a message that is held up is seen by its offset, its age and the time since work got on", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const ready = Promise.withResolvers<string>();
  const release = Promise.withResolvers<void>();
  const around: NonNullable<NonNullable<StartHooks["watch"]>["around"]> = (handle) => async (message, work) => {
    await release.promise;
    await handle(message, work);
  };
  const worker = rig.start({ onReady: ({ url }) => ready.resolve(url), watch: { around } });
  const url = await ready.promise;
  const publishedS = Date.now() / 1_000;
  const beats = Array.from({ length: 3 }, () => ({ key: "k", value: { command: "heartbeat_test", params: {} } }));
  await rig.publish(beats);
  const read = async (): Promise<ScrapedMetrics> => readMetrics(await textOf(url));
  await waitFor(async () => (await read()).sum("ginkgo_queue_lag_seconds") >= 1.5, {
    timeoutMs: 20_000,
    everyMs: 100,
    what: "the message to be 1.5 s old",
  });
  const held = await read();
  assert.equal(held.sum("ginkgo_consumer_in_flight"), 3);
  assert.equal(held.sum("ginkgo_queue_lag"), 3);
  assert.equal(held.series("ginkgo_queue_blocking_offset").length, 1);
  assert.equal(held.sum("ginkgo_queue_blocking_offset"), 0);
  const ageS = Date.now() / 1_000 - publishedS;
  assert.ok(held.sum("ginkgo_queue_lag_seconds") <= ageS + 1, "no older than it is");
  assert.ok(Date.now() / 1_000 - held.sum("ginkgo_consumer_last_progress_timestamp_seconds") > 0.5);
  assert.equal(held.sum("ginkgo_consumer_last_settled_timestamp_seconds"), 0);
  t.diagnostic(
    `held: lag ${held.sum("ginkgo_queue_lag")}, ${held.sum("ginkgo_queue_lag_seconds").toFixed(2)} s, blocking offset ${held.sum("ginkgo_queue_blocking_offset")}`,
  );
  release.resolve();
  await rig.untilSettled(beats.length);
  await waitFor(async () => (await read()).sum("ginkgo_queue_lag") === 0, {
    timeoutMs: 20_000,
    everyMs: 100,
    what: "the lag to be gone",
  });
  const free = await read();
  assert.equal(free.sum("ginkgo_queue_lag_seconds"), 0);
  assert.equal(free.series("ginkgo_queue_blocking_offset").length, 0);
  await worker.stop();
});

async function textOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return await answer.text();
}

async function checkByPromtool(t: TestContext, text: string): Promise<void> {
  if (!requirePromtool(t)) {
    return;
  }
  const { code, output } = await runPromtool(["check", "metrics"], text);
  assert.equal(`${code} ${output}`.trim(), "0");
  t.diagnostic(`promtool check metrics: exit code ${code}, nothing to say of ${text.split("\n").length} lines`);
}

async function timeScrapes(t: TestContext, url: string): Promise<void> {
  const took: number[] = [];
  let bytes = 0;
  for (let at = 0; at < 20; at += 1) {
    const startedMs = performance.now();
    bytes = (await textOf(url)).length;
    took.push(performance.now() - startedMs);
  }
  const [median = 0] = took.toSorted((left, right) => left - right).slice(10);
  t.diagnostic(`a scrape: median ${median.toFixed(1)} ms with the request, ${bytes} bytes`);
}
