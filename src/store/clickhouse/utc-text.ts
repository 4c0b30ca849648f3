import { Temporal } from "temporal-polyfill";

/** Epoch milliseconds as a `DateTime64(3, 'UTC')` reads them: `2024-01-02 03:04:05.678`. */
export function utcText(epochMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.trunc(epochMs))
    .toString({ fractionalSecondDigits: 3 })
    .replace("T", " ")
    .replace("Z", "");
}
