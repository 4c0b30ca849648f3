/**
 * The worker as a process that ends itself by SIGKILL at a named point: `worker-process.ts fetched|stored|recorded|none`.
 * The settings come from the environment, as for `gdw start`.
 */

import { startWorker } from "../../src/app/start-worker.ts";
import { openLog } from "../../src/base/pino-log.ts";
import { listenForShutdown } from "../../src/base/shutdown.ts";
import { loadConfig } from "../../src/config.ts";

const [killAt = "none"] = process.argv.slice(2);
const { config, secrets } = loadConfig({ flags: new Map(), env: process.env, readFile: () => undefined });
using shutdown = listenForShutdown(config.worker.drainMs);
using log = await openLog({ level: "warn", format: "json", file: undefined, secrets, descriptor: 2, fields: {} });
await startWorker(config, log, shutdown, {
  reached: (point) => {
    if (point === killAt) {
      process.kill(process.pid, "SIGKILL");
    }
  },
});
