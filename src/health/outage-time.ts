import type { Clock } from "../base/clock.ts";

/**
 * How long something was away, whatever it was and however many at once: no moment counts twice. Read often, since a
 * change is noticed at the next reading.
 */
export function createOutageTime(isAnyAway: () => boolean, clock: Clock): () => number {
  let totalMs = 0;
  let readAtMs = clock.elapsedMs();
  let wasAway = isAnyAway();
  return () => {
    const nowMs = clock.elapsedMs();
    const isAway = isAnyAway();
    if (wasAway || isAway) {
      totalMs += nowMs - readAtMs;
    }
    readAtMs = nowMs;
    wasAway = isAway;
    return totalMs;
  };
}
