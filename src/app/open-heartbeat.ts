import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { readVersion } from "../base/version.ts";
import type { Config } from "../config.ts";
import { type Heartbeat, startHeartbeat } from "../health/heartbeat.ts";
import type { Lifecycle } from "../health/lifecycle.ts";
import type { Heartbeats, WorkerIdentity } from "../ports/heartbeats.ts";

export interface HeartbeatParts {
  readonly config: Config;
  readonly heartbeats: Heartbeats;
  readonly lifecycle: Lifecycle;
  readonly redact: (text: string) => string;
  readonly log: Log;
}

/** Claims `node.id` for this process; see `startHeartbeat`. */
export async function openHeartbeat(parts: HeartbeatParts, intake: AbortSignal): Promise<Heartbeat> {
  const { config, ...rest } = parts;
  const { intervalMs } = config.heartbeat;
  return await startHeartbeat(
    { ...rest, worker: workerIdentity(config), version: readVersion(), intervalMs, clock: systemClock },
    intake,
  );
}

/** Who this worker is for others. */
export function workerIdentity({ node }: Config): WorkerIdentity {
  return { nodeId: node.id, host: hostname(), pid: process.pid };
}
