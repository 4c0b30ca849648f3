import type { Day } from "../../domain/day.ts";
import type { ActionTerms } from "../../market/price-rules.ts";

export type AkshareKind = "stock" | "index" | "etf";

/** The parts of the exchanges that the lists tell apart. */
export type AkshareBoard = "sh-main" | "star" | "sz-main" | "chinext" | "bj";

/** Prices in thousandths of a yuan (of an index: of a point), volume in shares, turnover in cents. */
export interface Line {
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
}

/** A day on which it traded. */
export interface DayLine extends Line {
  readonly day: Day;
}

/** One or several minutes; `endsAt` is Beijing time, `HH:MM`. */
export interface MinuteLine extends Line {
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

/** From `day` on prices times `factorE4` ten-thousandths are comparable with those of the first day. */
export interface FactorEvent {
  readonly day: Day;
  readonly factorE4: number;
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
