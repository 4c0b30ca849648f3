import type { Clock } from "../../base/clock.ts";
import type { ConsumerState, PartitionState } from "../../consumer/consumer-state.ts";
import type { HeldPartition, LagBook } from "../../health/metrics/lag-book.ts";
import type { Progress } from "../../health/metrics/progress.ts";
import type { OpenMetrics } from "../../health/metrics/table.ts";

export interface QueueSampling {
  readonly metrics: OpenMetrics;
  readonly book: LagBook;
  readonly progress: Progress;
  readonly clock: Clock;
}

/** Sets what the consumer's last state says, one series for each partition that is held now. */
export function sampleQueue({ metrics, book, progress, clock }: QueueSampling, state: ConsumerState): void {
  const nowMs = clock.nowMs();
  for (const gauge of [
    metrics.queueLag,
    metrics.queueLagSeconds,
    metrics.queueBlockingOffset,
    metrics.queueBlockingSeconds,
    metrics.queueGap,
  ]) {
    gauge.reset();
  }
  for (const held of state.partitions) {
    const at = { topic: held.topic, partition: held.partition };
    const behind = book.behind(toHeld(held), nowMs);
    if (behind !== undefined) {
      metrics.queueLag.set(at, Number(behind.messages));
      metrics.queueLagSeconds.set(at, behind.seconds);
    }
    if (held.blocking !== undefined) {
      metrics.queueBlockingOffset.set(at, Number(held.blocking.offset));
      metrics.queueBlockingSeconds.set(at, held.blocking.forMs / 1_000);
    }
    metrics.queueGap.set(at, held.gap);
  }
  if (book.learnedAtMs !== undefined) {
    metrics.queueLagAge.set(Math.max(0, nowMs - book.learnedAtMs) / 1_000);
  }
  metrics.queuePartitions.set(state.partitions.length);
  metrics.inFlight.set(state.inHand + state.shelved);
  metrics.running.set(state.running);
  metrics.shelved.set(state.shelved);
  metrics.lanes.set(state.lanes);
  metrics.inFlightBytes.set(state.bytesInHand);
  metrics.lastSettled.set(progress.settledAtMs / 1_000);
  metrics.lastProgress.set(progress.progressAtMs / 1_000);
  const { taken, overdue, commits, commitFailures, joins } = state.counts;
  setTotal(metrics.taken, taken);
  setTotal(metrics.overdue, overdue);
  setTotal(metrics.commits, commits);
  setTotal(metrics.commitFailures, commitFailures);
  setTotal(metrics.joins, joins);
}

export interface IdleFacts {
  readonly state: ConsumerState;
  readonly book: LagBook;
  readonly nowMs: number;
  /** Whether the group counts this worker as one of its own. */
  readonly isMember: boolean;
  /** What was learned of the partitions' ends longer ago than that says nothing of now. */
  readonly knownMsMax: number;
}

/**
 * Whether nothing is in hand and nothing is known to wait. A member that the group gave no partition has nothing to do:
 * others have them all. Whoever is in no group, or waits for it to divide them, has to do what nobody is known to do.
 */
export function isIdle({ state, book, nowMs, isMember, knownMsMax }: IdleFacts): boolean {
  if (state.inHand + state.shelved > 0 || book.ageMs(nowMs) > knownMsMax) {
    return false;
  }
  if (state.partitions.length === 0) {
    return !book.hasWaiting || (isMember && !state.isRebalancing);
  }
  return state.partitions.every((held) => (book.behind(toHeld(held), nowMs)?.messages ?? 0n) === 0n);
}

function toHeld({ topic, partition, mark, next, blocking }: PartitionState): HeldPartition {
  const timestampMs = blocking?.timestampMs;
  // Producers that know no time write 0 or −1.
  const oldestMs = timestampMs !== undefined && timestampMs > 0 ? timestampMs : undefined;
  return { topic, partition, mark, next, oldestMs };
}

/** A count that is kept elsewhere. */
function setTotal(counter: OpenMetrics["taken"], total: number): void {
  counter.reset();
  counter.inc(total);
}
