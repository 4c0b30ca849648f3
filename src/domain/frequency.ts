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

/** What bars are read as: minutes and days as they are stored, and the weeks and months that views build from days. */
export const READ_FREQUENCIES = [
  "1m",
  "5m",
  "15m",
  "30m",
  "60m",
  "1d",
  "1w",
  "1M",
] as const satisfies readonly Frequency[];
export type ReadFrequency = (typeof READ_FREQUENCIES)[number];

/** Weeks and months, which are built from daily bars when they are read. */
export function isPeriod(frequency: Frequency): frequency is "1w" | "1M" {
  return frequency === "1w" || frequency === "1M";
}

/** Of minutes: several bars a day. */
export function isIntraday(frequency: Frequency): boolean {
  return frequency !== "1d" && !isPeriod(frequency);
}

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
