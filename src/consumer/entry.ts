import type { QueuedMessage } from "./consumer-queue.ts";
import type { Tracker } from "./tracker.ts";

/**
 * A message in hand. `waiting`: behind another one in a lane, or ready and not started. `running`: with its handler.
 * `settled`: stored or set aside, so the mark may pass it. `abandoned`: never started, or failed, or of a lost
 * partition; the mark never passes it.
 */
export type EntryPhase = "waiting" | "running" | "settled" | "abandoned";

export interface Entry<M extends QueuedMessage> {
  readonly message: M;
  readonly bytes: number;
  readonly lanes: readonly string[];
  readonly tracker: Tracker<M>;
  phase: EntryPhase;
  /** In how many of its lanes it is not the first. */
  behind: number;
}
