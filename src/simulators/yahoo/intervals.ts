/** Bars of so many minutes from the session's open on, or of calendar periods. */
export type Interval =
  | { readonly kind: "minutes"; readonly minutes: number }
  | { readonly kind: "day" | "five-days" | "week" | "month" | "quarter" };

const MINUTES = { "1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60, "4h": 240 } as const;
const PERIODS = { "1d": "day", "5d": "five-days", "1wk": "week", "1mo": "month", "3mo": "quarter" } as const;

export type IntervalName = keyof typeof MINUTES | keyof typeof PERIODS;
/** In the order in which the refusal lists them. */
export const INTERVALS: readonly string[] = [...Object.keys(MINUTES), ...Object.keys(PERIODS)];

export function isIntervalName(text: string): text is IntervalName {
  return Object.hasOwn(MINUTES, text) || Object.hasOwn(PERIODS, text);
}

export function intervalOf(name: IntervalName): Interval {
  return isMinutes(name) ? { kind: "minutes", minutes: MINUTES[name] } : { kind: PERIODS[name] };
}

/** As an answer tells it: `60m` is an hour. */
export function granularityOf(name: IntervalName): string {
  return name === "60m" ? "1h" : name;
}

/** How far back an interval goes, in days before now; undefined for the whole listing. */
export function depthDaysOf(name: IntervalName): number | undefined {
  if (!isMinutes(name)) {
    return undefined;
  }
  if (name === "1m") {
    return 30;
  }
  return name === "60m" || name === "1h" || name === "4h" ? 730 : 60;
}

/** How many days one request may span; undefined for any. */
export function spanDaysOf(name: IntervalName): number | undefined {
  return name === "1m" ? 8 : undefined;
}

function isMinutes(name: IntervalName): name is keyof typeof MINUTES {
  return Object.hasOwn(MINUTES, name);
}
