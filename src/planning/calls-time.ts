/** At most `calls` in any window of `windowMs`, of which `used` are gone. */
export interface UsedLimit {
  readonly calls: number;
  readonly windowMs: number;
  readonly used: number;
}

/**
 * How long so many calls take at the least, where nothing but the limits holds them up: a window's calls may be made at
 * once, and the next ones when it is over.
 */
export function callsTimeMs(calls: number, limits: readonly UsedLimit[]): number {
  if (calls === 0) {
    return 0;
  }
  const waits = limits.map(
    (limit) => Math.floor((Math.min(limit.used, limit.calls) + calls - 1) / limit.calls) * limit.windowMs,
  );
  return Math.max(0, ...waits);
}
