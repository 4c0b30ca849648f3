import { Temporal } from "temporal-polyfill";

import { UsageError } from "./usage-error.ts";

const AGO = /^(\d{1,6})([smhd])$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Epoch milliseconds of `30m`, `12h` or `7d` ago, of a day (`2025-01-23`, from its first moment at the exchange), or of
 * an instant with zone (`2025-01-23T15:30:00Z`). UsageError for anything else.
 */
export function readSince(text: string, nowMs: number): number {
  const ago = AGO.exec(text);
  if (ago !== null) {
    const unit = Object.entries(UNIT_MS).find(([letter]) => letter === ago[2])?.[1] ?? 0;
    return nowMs - Number.parseInt(ago[1] ?? "", 10) * unit;
  }
  try {
    return /^\d{4}-\d\d-\d\d$/.test(text)
      ? Temporal.PlainDate.from(text).toZonedDateTime("Asia/Shanghai").epochMilliseconds
      : Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    throw new UsageError(
      `--since: expected 30m, 12h, 7d, a day or an instant such as 2025-01-23T15:30:00Z, got ${text}`,
    );
  }
}
