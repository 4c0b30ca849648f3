import assert from "node:assert/strict";
import test from "node:test";

import type { Log } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { openWorkerRig } from "../e2e/worker-rig.ts";
import { freePort } from "../support/services/free-port.ts";
import { waitFor } from "../support/wait-for.ts";
import { type CollectedSpan, startCollector } from "./collector.ts";

const market = generateMarket({ seed: 12, codes: 3, tradingDays: 10 });
const [first = "", second = "", third = ""] = market.securities.map(({ code }) => code);
const range = { start_date: market.days[0], end_date: market.days.at(-1) };
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "b7ad6b7169203331";

test("each message is a span from poll to commit, in its producer's trace, with what it waited for below", async (t) => {
  await using collector = await startCollector();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20planted-secret",
    GINKGO_NODE_ID: "traced",
    GINKGO_WORKER_GATHER_MS: "200",
  };
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const command = (code: string, more: object = {}): object => ({
    command: "bar_snapshot",
    params: { code, ...range },
    ...more,
  });
  await rig.publish([
    { key: first, value: command(first), headers: { traceparent: `00-${TRACE}-${SPAN}-01` } },
    { key: second, value: command(second, { trace_id: OTHER_TRACE, span_id: SPAN, request_id: "r-7" }) },
    { key: third, value: command(third), headers: { traceparent: "00-nonsense-01" } },
    { key: "x", value: "{not json" },
    { key: "y", value: { command: "heartbeat_test", params: {} }, headers: { traceparent: `00-${TRACE}-${SPAN}-00` } },
  ]);
  const worker = rig.start();
  await rig.untilSettled(5);
  await waitFor(async () => (await rig.lag()) === 0n, { timeoutMs: 20_000, everyMs: 50, what: "all is committed" });
  await worker.stop();

  const messages = collector.spans.filter(({ name }) => name === `process ${rig.config.worker.topic}`);
  assert.equal(messages.length, 4, "the producer of the fifth keeps none");
  const inTrace = (traceId: string): CollectedSpan => {
    const [one, another] = messages.filter((span) => span.traceId === traceId);
    assert.ok(one !== undefined && another === undefined);
    return one;
  };
  const byHeader = inTrace(TRACE);
  const byEnvelope = inTrace(OTHER_TRACE);
  assert.deepEqual([byHeader.parentSpanId, byEnvelope.parentSpanId], [SPAN, SPAN]);
  assert.equal(byEnvelope.attributes["ginkgo.request_id"], "r-7");
  const poison = messages.find(({ error }) => error !== undefined);
  assert.equal(poison?.error, "not-json");
  const alone = messages.find((span) => ![byHeader, byEnvelope, poison].includes(span));
  assert.deepEqual([alone?.parentSpanId, alone?.attributes["ginkgo.outcome"]], ["", "stored"]);

  const below = ({ spanId, traceId }: CollectedSpan): readonly CollectedSpan[] =>
    collector.spans
      .filter((span) => span.parentSpanId === spanId && span.traceId === traceId)
      .toSorted((left, right) => left.startMs - right.startMs);
  for (const message of [byHeader, byEnvelope]) {
    const all = below(message);
    const called = all.findIndex(({ name }) => name === "call");
    // Of two messages that come at once, the one that brings the lists up to date stores those while it plans.
    const children = all.filter(({ name }, at) => name !== "store" || at > called);
    assert.deepEqual(
      children.map(({ name }) => name),
      ["wait for its lane", "plan", "call", "store", "record", "commit"],
    );
    for (const [at, child] of children.entries()) {
      const previous = children[at - 1];
      assert.ok(child.startMs >= message.startMs - 1 && child.endMs <= message.endMs + 1, child.name);
      assert.ok(previous === undefined || child.startMs >= previous.endMs - 1, `${child.name} begins too early`);
    }
    assert.equal(children.at(-1)?.endMs, message.endMs, "the span ends with its commit");
  }
  assert.deepEqual(poison === undefined ? [] : below(poison).map(({ name }) => name), [
    "wait for its lane",
    "record",
    "commit",
  ]);

  const calls = collector.spans.filter(({ name }) => name === "call tushare daily");
  assert.equal(calls.length, rig.callsOf("daily"));
  assert.ok(calls.every(({ parentSpanId }) => parentSpanId === ""));
  const shared = byHeader.links.filter(({ spanId }) => byEnvelope.links.some((link) => link.spanId === spanId));
  assert.equal(shared.length, 1, "one call served both");
  assert.ok(calls.some(({ spanId, traceId }) => spanId === shared[0]?.spanId && traceId === shared[0]?.traceId));

  assert.ok(collector.requests.every(({ path }) => path === "/v1/traces"));
  assert.equal(collector.requests[0]?.headers["authorization"], "Bearer planted-secret");
  assert.deepEqual(
    [collector.resources[0]?.["service.name"], collector.resources[0]?.["service.instance.id"]],
    ["ginkgo-data-worker", "traced"],
  );
  assert.ok(!collector.text().includes(rig.simulator.token) && !collector.text().includes("planted-secret"));
  t.diagnostic(
    below(byHeader)
      .map(({ name, startMs, endMs }) => `${name} ${(endMs - startMs).toFixed(1)} ms`)
      .join(", "),
  );
});

test("a collector that is away is said once, and holds up neither the work nor the end", async (t) => {
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => void warned.push(event), child: () => log };
  const env = { GINKGO_TRACES_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
  await using rig = await openWorkerRig(t, { data: marketData(market), env, log });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish([{ key: "k", value: { command: "heartbeat_test", params: {} } }]);
  await rig.untilSettled(1);
  const startedMs = performance.now();
  await worker.stop();
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < 9_000, `stopping took ${tookMs} ms`);
  const said = warned.filter((event) => /spans/.test(event));
  assert.ok(said.length >= 1 && said.length <= 2, said.join("; "));
});
