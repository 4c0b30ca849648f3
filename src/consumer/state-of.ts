import type { Now } from "./commit-rule.ts";
import type { QueuedMessage } from "./consumer-queue.ts";
import type { Blocking, ConsumerState, Overdue, PartitionState } from "./consumer-state.ts";
import { stuckMs } from "./deadline.ts";
import type { Entry } from "./entry.ts";
import type { Tracker } from "./tracker.ts";

export function describeState<M extends QueuedMessage>(
  trackers: readonly Tracker<M>[],
  rest: Omit<ConsumerState, "gap" | "partitions">,
  now: Now,
): ConsumerState {
  const partitions = trackers.map((tracker) => describePartition(tracker, now));
  return { ...rest, gap: partitions.reduce((sum, { gap }) => sum + gap, 0), partitions };
}

export function describeOverdue<M extends QueuedMessage>(entry: Entry<M> | undefined, now: Now): Overdue | undefined {
  if (entry === undefined) {
    return undefined;
  }
  const { topic, partition } = entry.tracker;
  return { topic, partition, offset: entry.offset, forMs: Math.round(stuckMs(entry, now.workedMs)) };
}

function describePartition<M extends QueuedMessage>(tracker: Tracker<M>, now: Now): PartitionState {
  const { topic, partition, inFlight, shelved, gap, next, mark, sent } = tracker;
  return { topic, partition, inFlight, shelved, gap, blocking: describeBlocking(tracker, now), next, mark, sent };
}

function describeBlocking<M extends QueuedMessage>(tracker: Tracker<M>, now: Now): Blocking | undefined {
  const { oldest } = tracker;
  if (oldest === undefined) {
    return undefined;
  }
  const { offset, phase, isOverdue } = oldest;
  return {
    offset,
    phase,
    forMs: Math.round(tracker.blockedForMs(now.elapsedMs)),
    stuckMs: phase === "running" ? Math.round(stuckMs(oldest, now.workedMs)) : 0,
    isOverdue,
  };
}
