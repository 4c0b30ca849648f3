import type { Clock } from "../base/clock.ts";

/** For what looks several times a second, or each second: in a longer pause nothing of the process ran, as in a suspended machine. */
export const PAUSE_MS_MAX = 10_000;

/**
 * How long something was away, whatever it was and however many at once: no moment counts twice. The process itself may be
 * what was away. Read often, since a change is noticed at the next reading.
 */
export function createOutageTime(isAnyAway: () => boolean, clock: Clock): () => number {
  let totalMs = 0;
  let readAtMs = clock.elapsedMs();
  let wasAway = isAnyAway();
  return () => {
    const nowMs = clock.elapsedMs();
    const isAway = isAnyAway();
    if (wasAway || isAway || nowMs - readAtMs > PAUSE_MS_MAX) {
      totalMs += nowMs - readAtMs;
    }
    readAtMs = nowMs;
    wasAway = isAway;
    return totalMs;
  };
}
