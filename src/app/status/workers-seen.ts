import { hostname } from "node:os";

import { systemClock } from "../../base/clock.ts";
import type { Config } from "../../config.ts";
import type { SeenBeat } from "../../ports/heartbeats.ts";
import { findWorker } from "../worker-file.ts";
import type { WorkerSeen } from "./status-api.ts";
import { askWorker, readBeat } from "./worker-said.ts";

export function workerOfBeat({ nodeId, host, pid, beatAtMs, fields }: SeenBeat): WorkerSeen {
  const number = (name: string): number | undefined => {
    const value = fields[name];
    return typeof value === "number" ? value : undefined;
  };
  const lastError = fields["last_error"];
  const { state = "unknown", outages, held } = readBeat(fields);
  return {
    nodeId,
    host: host ?? "",
    pid,
    status: toStatus(state),
    ageSeconds: beatAtMs === undefined ? undefined : Math.max(0, Math.round((systemClock.nowMs() - beatAtMs) / 1_000)),
    processed: number("messages_processed"),
    failed: number("messages_failed"),
    uptimeSeconds: number("uptime_seconds"),
    lastError: typeof lastError === "string" ? lastError : "",
    outages,
    held,
  };
}

/** The one that holds the folder, where that is how workers are found: without Redis nothing else is known of it. */
export async function embeddedWorker({
  mode,
  redis,
  embedded,
}: Pick<Config, "mode" | "redis" | "embedded">): Promise<readonly WorkerSeen[]> {
  const found = mode === "embedded" && redis.host === undefined ? await findWorker(embedded.folder) : undefined;
  if (found === undefined) {
    return [];
  }
  const uptimeSeconds = Math.round((systemClock.nowMs() - Date.parse(found.startedAt)) / 1_000);
  const unknown = { ageSeconds: undefined, processed: undefined, failed: undefined, lastError: "" };
  const said = await askWorker(found);
  // Who answers and does not say how it is, as an older one, runs.
  const status = toStatus(said?.state ?? "running");
  const seen = { nodeId: found.nodeId, host: hostname(), pid: found.pid, status, uptimeSeconds };
  return [{ ...seen, ...unknown, outages: said?.outages, held: said?.held }];
}

/** While it stops it finishes what it has in hand; everything else in the worker's own words. */
function toStatus(state: string): string {
  return state === "stopping" ? "draining" : state;
}
