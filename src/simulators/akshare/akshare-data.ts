import type { Day } from "../../domain/day.ts";
import type { FactorEvent } from "../../market/factor-events.ts";
import type { PriceLine } from "../../market/price-line.ts";
import type { ActionTerms } from "../../market/price-rules.ts";

export type AkshareKind = "stock" | "index" | "etf";

/** The parts of the exchanges that the lists tell apart. */
export type AkshareBoard = "sh-main" | "star" | "sz-main" | "chinext" | "bj";

/** A day on which it traded. */
export interface DayLine extends PriceLine {
  readonly day: Day;
}

/** One or several minutes; `endsAt` is Beijing time, `HH:MM`. */
export interface MinuteLine extends PriceLine {
  readonly endsAt: string;
}

/** A print of trades; `time` is Beijing time, `HH:MM:SS`. */
export interface TickLine {
  readonly time: string;
  readonly priceMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
  readonly trades: number;
  readonly side: "buy" | "sell" | "neutral";
}

export interface ExEvent {
  readonly day: Day;
  readonly terms: ActionTerms;
}

/** What rates and valuations are reckoned from; whole numbers. */
export interface Figures {
  readonly floatShares: number;
  /** In cents a share. */
  readonly earningsCents: number;
  readonly bookCents: number;
}

/** Something that the upstreams know, in the market's numbers. */
export interface AkshareListing {
  /** `600000.SH` */
  readonly code: string;
  readonly kind: AkshareKind;
  /** Undefined for what no list of stocks has. */
  readonly board: AkshareBoard | undefined;
  readonly name: string;
  readonly industry: string;
  readonly area: string;
  /** Digits behind the point of its prices. */
  readonly decimals: 2 | 3;
  readonly listedOn: Day;
  readonly delistedOn: Day | undefined;
  readonly figures: Figures;
  /** Sorted; suspended days are left out. */
  days(): readonly DayLine[];
  /** Sorted by day. */
  factors(): readonly FactorEvent[];
  /** Sorted by day. */
  events(): readonly ExEvent[];
  /** The 240 minutes of a day; none on one without trading. */
  minutes(day: Day): readonly MinuteLine[];
  /** In their order; none for an index. */
  ticks(day: Day): readonly TickLine[];
}

/** What the simulator serves. Pages, columns, units and hours are the simulator's part. */
export interface AkshareData {
  /** Days of the market, sorted. */
  readonly days: readonly Day[];
  /** Trading days of the exchanges as far as they are known, sorted. */
  readonly calendar: readonly Day[];
  /** Sorted by code. */
  readonly listings: readonly AkshareListing[];
  listing(code: string): AkshareListing | undefined;
}
