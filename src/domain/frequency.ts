import { DataError } from "../base/errors.ts";
import { FREQUENCY, type FrequencyNumber } from "./enums.ts";

/** Wire spelling to stored number. 1w and 1M are views over daily bars and are never fetched. */
export const FREQUENCY_NUMBERS = {
  "1m": FREQUENCY.MIN1,
  "5m": FREQUENCY.MIN5,
  "15m": FREQUENCY.MIN15,
  "30m": FREQUENCY.MIN30,
  "60m": FREQUENCY.HOUR1,
  "1d": FREQUENCY.DAY,
  "1w": FREQUENCY.WEEK,
  "1M": FREQUENCY.MONTH,
} as const satisfies Readonly<Record<string, FrequencyNumber>>;

export type Frequency = keyof typeof FREQUENCY_NUMBERS;

/** What daily bars are read as: themselves, and the weeks and months that views build from them. */
export const READ_FREQUENCIES = ["1d", "1w", "1M"] as const satisfies readonly Frequency[];
export type ReadFrequency = (typeof READ_FREQUENCIES)[number];

export function isFrequency(input: unknown): input is Frequency {
  return typeof input === "string" && Object.hasOwn(FREQUENCY_NUMBERS, input);
}

export function parseFrequency(input: unknown, path = ""): Frequency {
  if (!isFrequency(input)) {
    const known = Object.keys(FREQUENCY_NUMBERS).join(", ");
    throw new DataError(`expected a frequency (${known}), got ${JSON.stringify(input)?.slice(0, 40)}`, path);
  }
  return input;
}
