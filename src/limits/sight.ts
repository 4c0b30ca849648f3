import type { LoggedGrant, WindowLimit } from "./grant-log.ts";

/** A view of the log is fresh for so long at most, and for a part of the shortest window at most. */
const FRESH_MICROS_MAX = 1_000_000;
const FRESH_OF_WINDOW = 0.05;
/** Of the smallest limit, and for each worker, so that workers which all ask are not held up by one another. */
const UNSEEN_OF_CALLS = 0.05;
const UNSEEN_OF_WORKER = 3;

/**
 * What Redis promises a worker that has just looked at the log: until `freshMicros` later the others are granted no more
 * than `unseenMax` calls that it has not seen.
 */
export interface Sight {
  readonly freshMicros: number;
  readonly unseenMax: number;
}

export function sightOf(limits: readonly WindowLimit[], workers: number): Sight {
  const window = Math.min(...limits.map(({ windowMicros }) => windowMicros));
  const calls = Math.min(...limits.map((limit) => limit.calls));
  return {
    freshMicros: Math.floor(Math.min(FRESH_MICROS_MAX, window * FRESH_OF_WINDOW)),
    unseenMax: Math.max(workers * UNSEEN_OF_WORKER, Math.floor(calls * UNSEEN_OF_CALLS)),
  };
}

/**
 * Stand-ins for the grants that may have been made after `fromMicros` and by `toMicros` beside those that are known: as
 * many as the limits allow, each as late as it can have been, `callsMax` in all.
 */
export function unseenGrants(
  known: readonly LoggedGrant[],
  fromMicros: number,
  toMicros: number,
  limits: readonly WindowLimit[],
  callsMax: number,
): readonly LoggedGrant[] {
  const countIn = (from: number, to: number): number =>
    known.reduce((sum, { atMicros, weight }) => (atMicros >= from && atMicros <= to ? sum + weight : sum), 0);
  const windows = limits.map(({ windowMicros }) => windowMicros);
  const shortest = Math.min(...windows);
  const shortCalls = Math.min(...limits.flatMap((l) => (l.windowMicros === shortest ? [l.calls] : [])));
  const longer = limits.filter(({ windowMicros }) => windowMicros > shortest);
  let left = Math.min(
    callsMax,
    ...longer.map(({ calls, windowMicros }) => calls - countIn(toMicros - windowMicros, toMicros)),
  );
  const oldest = Math.max(fromMicros, toMicros - Math.max(...windows));
  const unseen: LoggedGrant[] = [];
  // One shortest window after the other, the newest first: that fills every window that ends later the most.
  for (let at = toMicros; at > oldest && left > 0; at -= shortest + 1) {
    const weight = Math.min(left, shortCalls - countIn(at - shortest, at));
    if (weight > 0) {
      unseen.push({ atMicros: at, weight, member: "" });
      left -= weight;
    }
  }
  return unseen;
}
