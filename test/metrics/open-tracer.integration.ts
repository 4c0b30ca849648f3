import assert from "node:assert/strict";
import test from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openTracer } from "../../src/health/traces/open-tracer.ts";
import { startCollector } from "./collector.ts";

/** An embedding program's own, meant for another collector. */
const PROGRAMS_OWN = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20of-the-program",
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-api-key=of-the-program",
  OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  OTEL_EXPORTER_OTLP_TIMEOUT: "1",
  OTEL_RESOURCE_ATTRIBUTES: "owner=of-the-program",
};

test("only what the settings give goes to the collector, whatever the process has for another one", async (t) => {
  await using collector = await startCollector();
  const before = Object.keys(PROGRAMS_OWN).map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  });
  Object.assign(process.env, PROGRAMS_OWN);
  for (const headers of [{}, { "x-own": "of-the-worker" }]) {
    await using opened = await openTracer({
      endpoint: collector.url,
      headers,
      sampleRatio: 1,
      attributes: { "service.name": "worker" },
      version: "0",
      clock: systemClock,
      log: silentLog,
    });
    opened.tracer.startSpan("work").end();
  }
  assert.deepEqual(
    collector.requests.map(({ path, headers }) => [path, headers["content-type"], headers["x-own"]]),
    [
      ["/v1/traces", "application/json", undefined],
      ["/v1/traces", "application/json", "of-the-worker"],
    ],
  );
  assert.deepEqual(collector.resources, [{ "service.name": "worker" }, { "service.name": "worker" }]);
  assert.doesNotMatch(JSON.stringify(collector.requests) + collector.text(), /of-the-program/);
});
