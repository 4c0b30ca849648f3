import assert from "node:assert/strict";
import { test } from "node:test";

import type { StatusReport, WorkerSeen } from "../app/status/status-api.ts";
import { describeStatus } from "./status-text.ts";

test("what a worker has in hand is said, and what has held up a partition for a minute", () => {
  const blocking = { topic: "t", partition: 3, offset: "118", phase: "running", is_overdue: false, gap: 4_021 };
  const busy = { partitions_held: 24, in_flight: 1, gap: 0, oldest_blocking: null };
  const text = describeStatus(
    reportOf([
      workerOf("idle", { ...busy, in_flight: 0 }),
      workerOf("busy", { ...busy, oldest_blocking: { ...blocking, for_ms: 59_000, stuck_ms: 59_000 } }),
      workerOf("stuck", {
        ...busy,
        in_flight: 120,
        gap: 4_021,
        oldest_blocking: { ...blocking, for_ms: 312_400, stuck_ms: 250_000 },
      }),
      workerOf("old", undefined),
    ]),
  );
  const lines = text.split("\n").filter((line) => / has | held up/.test(line));
  assert.deepEqual(lines, [
    "  busy has 1 message in hand",
    "  stuck has 120 messages in hand, 4,021 settled behind one that is not",
    "    held up: t/3 by offset 118, running for 312 s, without progress for 250 s; 4,021 settled behind it",
  ]);
});

test("what no worker at work says of the providers is unknown, and none only where each says so", () => {
  assert.deepEqual(outagesIn([]), ["unknown: no worker is at work that would know"]);
  const stopped = { ...workerOf("gone", undefined), status: "stopped" };
  assert.deepEqual(outagesIn([stopped]), ["unknown: no worker is at work that would know"]);
  const silent = { ...workerOf("old", undefined), outages: undefined };
  assert.deepEqual(outagesIn([workerOf("well", undefined), silent]), ["unknown for old: it does not say"]);
  assert.deepEqual(outagesIn([workerOf("well", undefined), stopped]), ["none"]);
  const away: StatusReport = { ...reportOf([]), workers: { isKnown: false, why: "connecting to redis: refused" } };
  assert.match(describeStatus(away), /providers that are out\n {2}unknown: connecting to redis: refused\n/);
});

test("a provider whose next try lies in the past is due to be tried again", () => {
  const breaker = { provider: "tushare", api: "daily", since: "2025-12-31T23:00:00Z", why: "reset" };
  const at = (nextProbe?: string): string | undefined => {
    const probe = nextProbe === undefined ? {} : { nextProbe };
    return outagesIn([{ ...workerOf("n1", undefined), outages: [{ ...breaker, state: "open", ...probe }] }])[0];
  };
  const since = "tushare daily since 2025-12-31T23:00:00Z for n1";
  assert.equal(at("2026-01-01T00:00:30.000Z"), `${since}, tried again at 2026-01-01T00:00:30.000Z: reset`);
  assert.equal(at("2025-12-31T23:59:59.999Z"), `${since}, due to be tried again: reset`);
  assert.equal(
    at(),
    `${since}, not asked again before the worker is started anew: reset`,
    "it refused our credentials",
  );
  const trying = [{ ...workerOf("n1", undefined), outages: [{ ...breaker, state: "half-open" as const }] }];
  assert.deepEqual(outagesIn(trying), [`${since}, is being tried: reset`]);
});

/** The lines of the part about providers. */
function outagesIn(workers: readonly WorkerSeen[]): readonly string[] {
  const [, part = ""] = describeStatus(reportOf(workers)).split("providers that are out\n");
  return (part.split("\n\n")[0] ?? "").split("\n").map((line) => line.trim());
}

function workerOf(nodeId: string, held: WorkerSeen["held"]): WorkerSeen {
  return {
    nodeId,
    host: "h",
    pid: 1,
    status: "running",
    ageSeconds: 1,
    processed: 0,
    failed: 0,
    uptimeSeconds: 1,
    lastError: "",
    outages: [],
    held,
  };
}

function reportOf(workers: readonly WorkerSeen[]): StatusReport {
  const unknown = { isKnown: false, why: "not asked" } as const;
  return {
    version: "1",
    at: "2026-01-01T00:00:00Z",
    mode: "servers",
    nodeId: "n",
    connections: { queue: "q", store: "s", budget: "b", reference: "r" },
    providers: ["tushare"],
    queue: unknown,
    deadLetters: unknown,
    store: unknown,
    calls: unknown,
    workers: { isKnown: true, value: workers },
  };
}
