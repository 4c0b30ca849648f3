import type { QueuedMessage } from "./consumer-queue.ts";
import type { ConsumerState, PartitionState } from "./consumer-state.ts";
import type { Tracker } from "./tracker.ts";

export function describeState<M extends QueuedMessage>(
  trackers: readonly Tracker<M>[],
  rest: Omit<ConsumerState, "gap" | "partitions">,
): ConsumerState {
  const partitions = trackers.map((tracker) => describePartition(tracker));
  return { ...rest, gap: partitions.reduce((sum, { gap }) => sum + gap, 0), partitions };
}

function describePartition<M extends QueuedMessage>(tracker: Tracker<M>): PartitionState {
  const { topic, partition, inFlight, gap, next, mark, sent } = tracker;
  return { topic, partition, inFlight, gap, oldestBlocking: tracker.oldest?.message.offset, next, mark, sent };
}
