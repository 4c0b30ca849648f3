import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { tmpdir } from "node:os";

import { systemClock } from "../../base/clock.ts";
import { PermanentError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { openTracer } from "./open-tracer.ts";

const options = { headers: {}, sampleRatio: 1, attributes: {}, version: "0", clock: systemClock, log: silentLog };

test("an exporter that is not installed is a wrong setting that says what to install", async () => {
  await assert.rejects(
    openTracer({ ...options, endpoint: "http://127.0.0.1:1", packagesAt: join(tmpdir(), "nothing-here.js") }),
    (error) =>
      error instanceof PermanentError &&
      error.scope === "settings" &&
      /^traces\.endpoint is set, .*npm install @opentelemetry\/exporter-trace-otlp-http/.test(error.message) &&
      !error.message.includes("\n"),
  );
});
