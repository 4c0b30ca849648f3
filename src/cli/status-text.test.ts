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
