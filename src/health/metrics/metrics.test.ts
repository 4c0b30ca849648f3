import assert from "node:assert/strict";
import test from "node:test";

import { register } from "prom-client";

import { Metrics } from "./metrics.ts";
import { METRICS, PROCESS_METRICS } from "./table.ts";

test("names begin with ginkgo_, say their unit, and are declared once", () => {
  const names = Object.values(METRICS).map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !/^ginkgo_[a-z][a-z_]*[a-z]$/.test(name)),
    [],
  );
  assert.equal(new Set(names).size, names.length);
  for (const { name, kind } of [...Object.values(METRICS), ...Object.values(PROCESS_METRICS)]) {
    assert.equal(name.endsWith("_total"), kind === "counter", name);
    assert.equal(/_(?:ms|millis|minutes|kb|mb)(?:_|$)/.test(name), false, name);
  }
});

test("no label takes its values from a message", () => {
  const labels = new Set(Object.values(METRICS).flatMap((metric) => [...metric.labels]));
  assert.deepEqual(
    [...labels].toSorted(),
    "api command data_set dependency mode node outcome partition provider reason state table topic version".split(" "),
  );
});

test("two workers of one process count for themselves, and nothing reaches the registry that all share", async () => {
  using one = new Metrics();
  using other = new Metrics();
  one.open.deadLetters.inc({ reason: "defect" }, 2);
  other.open.deadLetters.inc({ reason: "defect" }, 5);
  assert.match(await one.render(), /^ginkgo_dead_letters_total\{reason="defect"\} 2$/m);
  assert.match(await other.render(), /^ginkgo_dead_letters_total\{reason="defect"\} 5$/m);
  assert.equal(await register.metrics(), "\n");
});

test("what is read and not counted is read at each scrape", async () => {
  using metrics = new Metrics();
  let rows = 0;
  metrics.sampling(() => metrics.open.rowsInHand.set((rows += 1)));
  assert.match(await metrics.render(), /^ginkgo_store_rows_in_hand 1$/m);
  const text = await metrics.render();
  assert.match(text, /^ginkgo_store_rows_in_hand 2$/m);
  assert.ok(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]) > 10_000_000);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds \d/m);
});
