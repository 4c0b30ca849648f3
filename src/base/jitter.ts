/** Full jitter: any wait between 0 and min(30 s, 1 s × 2^attempt), so that many that failed together do not return together. */
export function fullJitterMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(WAIT_MS_MAX, WAIT_MS_BASE * 2 ** Math.min(attempt, 10));
}

const WAIT_MS_BASE = 1_000;
const WAIT_MS_MAX = 30_000;
