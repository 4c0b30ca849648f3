import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import type { Lanes } from "./lanes.ts";
import type { Tracker } from "./tracker.ts";

/**
 * The deadline of a message, in *worked* time: the clock that stands still while a dependency is away. It begins when
 * the handler starts and again whenever it says that it got on; while the handler rests, because it waits for its turn,
 * no time passes for it.
 */
export function beginDeadline<M extends QueuedMessage>(entry: Entry<M>, workedMs: number): void {
  // Whole numbers: a fraction would be an object of its own, one for each message.
  entry.sinceMs = Math.round(workedMs);
  if (entry.rests > 0) {
    entry.restedAtMs = entry.sinceMs;
  }
}

export function beginRest<M extends QueuedMessage>(entry: Entry<M>, workedMs: number): void {
  if (entry.rests === 0) {
    entry.restedAtMs = Math.round(workedMs);
  }
  entry.rests += 1;
}

export function endRest<M extends QueuedMessage>(entry: Entry<M>, workedMs: number): void {
  entry.rests -= 1;
  if (entry.rests === 0) {
    entry.sinceMs += Math.round(workedMs) - entry.restedAtMs;
  }
}

/** Worked time since the handler last got on, without its rests. */
export function stuckMs<M extends QueuedMessage>(entry: Entry<M>, workedMs: number): number {
  return (entry.rests > 0 ? entry.restedAtMs : workedMs) - entry.sinceMs;
}

/** The running message that was told the longest ago that its deadline is over, of those that hold up a partition. */
export function findLongestOverdue<M extends QueuedMessage>(
  trackers: readonly Tracker<M>[],
  lanes: Lanes<M>,
  workedMs: number,
): Entry<M> | undefined {
  const [longest] = [...findHolders(trackers, lanes)]
    .filter((entry) => entry.phase === "running" && entry.isOverdue)
    .toSorted((left, right) => stuckMs(right, workedMs) - stuckMs(left, workedMs));
  return longest;
}

/**
 * Running messages that hold up a partition, do not rest and have been stuck for `deadlineMs`. It is the oldest in flight that holds
 * a partition up; where that one waits in a lane it is whoever has the lane, of whatever partition. Each is found once;
 * one whose partition was lost is found as well, since it may have been told before.
 */
export function findOverdue<M extends QueuedMessage>(
  trackers: readonly Tracker<M>[],
  lanes: Lanes<M>,
  workedMs: number,
  deadlineMs: number,
): readonly Entry<M>[] {
  return [...findHolders(trackers, lanes)].filter(
    (entry) =>
      entry.phase === "running" &&
      entry.rests === 0 &&
      !(entry.isOverdue && entry.tracker.isLive) &&
      stuckMs(entry, workedMs) >= deadlineMs,
  );
}

function findHolders<M extends QueuedMessage>(trackers: readonly Tracker<M>[], lanes: Lanes<M>): ReadonlySet<Entry<M>> {
  const holders = new Set<Entry<M>>();
  for (const { oldest } of trackers) {
    if (oldest !== undefined) {
      lanes.addHolders(oldest, holders);
    }
  }
  return holders;
}
