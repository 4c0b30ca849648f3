/** A bar as an upstream wrote it, whatever the form of its answer; mapping makes a row of it or rejects it. */
export interface WireBar {
  /** `YYYY-MM-DD`; whatever stands there otherwise. */
  readonly day: string;
  /** `HH:MM` at which the interval ends; undefined for a day. */
  readonly endsAt: string | undefined;
  readonly open: unknown;
  readonly high: unknown;
  readonly low: unknown;
  readonly close: unknown;
  readonly volume: unknown;
  readonly amount: unknown;
  /** The row as it came. */
  readonly raw: string;
}

const STAMP = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::00(?:\.0+)?)?)?$/;

/** Day and time of a stamp such as `2026-04-23 13:30`; a text of another form stays whole, and is rejected with its row. */
export function splitStamp(stamp: unknown): Pick<WireBar, "day" | "endsAt"> {
  const text = typeof stamp === "string" ? stamp : "";
  const match = STAMP.exec(text);
  return match === null ? { day: text.slice(0, 40), endsAt: undefined } : { day: match[1] ?? "", endsAt: match[2] };
}
