import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { readVersion } from "../base/version.ts";
import type { Config } from "../config.ts";
import { type Heartbeat, startHeartbeat } from "../health/heartbeat.ts";
import type { Heartbeats } from "../ports/heartbeats.ts";

/** Claims `node.id` for this process; see `startHeartbeat`. */
export async function openHeartbeat(
  { node, heartbeat }: Config,
  heartbeats: Heartbeats,
  log: Log,
  intake: AbortSignal,
): Promise<Heartbeat> {
  const worker = { nodeId: node.id, host: hostname(), pid: process.pid };
  const { intervalMs } = heartbeat;
  return await startHeartbeat(
    { heartbeats, worker, version: readVersion(), intervalMs, clock: systemClock, log },
    intake,
  );
}
