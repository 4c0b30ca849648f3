import type { QueuedMessage } from "./consumer-queue.ts";
import type { Tracker } from "./tracker.ts";

/**
 * A message that was taken. `shelved`: its partition is at its cap, so it is in no lane yet. `waiting`: behind another
 * one in a lane, or ready and not started. `running`: with its handler. `settled`: stored or set aside, so the mark may
 * pass it. `abandoned`: never started, or failed, or of a lost partition; the mark never passes it.
 */
export type EntryPhase = "shelved" | "waiting" | "running" | "settled" | "abandoned";

export interface Entry<M extends QueuedMessage> {
  readonly offset: bigint;
  /** Undefined once it is settled: what waits in a gap to be committed costs no more than its offset. */
  message: M | undefined;
  readonly bytes: number;
  readonly lanes: readonly string[];
  readonly tracker: Tracker<M>;
  phase: EntryPhase;
  /** In how many of its lanes it is not the first. */
  behind: number;
  /** Worked time at which its deadline began: at its start, and again at each progress. */
  sinceMs: number;
  /** While above 0 it waits for its turn, and its deadline stands still from `restedAtMs` on. */
  rests: number;
  restedAtMs: number;
  /** It was told that its deadline is over. */
  isOverdue: boolean;
  /** Whoever runs its handler, to be told of that. */
  running: { tellOverdue(stuckMs: number): void } | undefined;
}

export function createEntry<M extends QueuedMessage>(
  message: M,
  bytes: number,
  lanes: readonly string[],
  tracker: Tracker<M>,
  phase: "shelved" | "waiting",
): Entry<M> {
  return {
    offset: message.offset,
    message,
    bytes,
    lanes: lanes.length > 1 ? [...new Set(lanes)] : lanes,
    tracker,
    phase,
    behind: 0,
    sinceMs: 0,
    rests: 0,
    restedAtMs: 0,
    isOverdue: false,
    running: undefined,
  };
}
