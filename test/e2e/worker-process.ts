/**
 * The worker as a process that ends itself by SIGKILL at a named point: `worker-process.ts fetched|stored|recorded|none`.
 * The settings come from the environment, as for `gdw start`; variables besides them ask for a trace of its handlers, for
 * shorter bounds of health checks, and for handlers that never end.
 */

import { startWorker } from "../../src/app/start-worker.ts";
import { openLog } from "../../src/base/pino-log.ts";
import { listenForShutdown } from "../../src/base/shutdown.ts";
import { loadConfig } from "../../src/config.ts";
import { hooksOf } from "./worker-hooks.ts";
import { openTraceWriter, TRACE_VARIABLE } from "./handler-trace.ts";

const [killAt = "none"] = process.argv.slice(2);
const { config, secrets } = loadConfig({ flags: new Map(), env: process.env, readFile: () => undefined });
using shutdown = listenForShutdown(config.worker.drainMs);
using log = await openLog({ level: "warn", format: "json", file: undefined, secrets, descriptor: 2, fields: {} });
const tracePath = process.env[TRACE_VARIABLE];
const trace = tracePath === undefined ? undefined : openTraceWriter(tracePath);
await startWorker(config, log, shutdown, {
  reached: (point) => {
    if (point === killAt) {
      process.kill(process.pid, "SIGKILL");
    }
  },
  ...hooksOf(process.env),
  ...trace?.hooks,
});
trace?.drained();
