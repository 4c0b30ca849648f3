import type { DecimalText } from "../base/decimal.ts";
import type { Day, ZoneName } from "./day.ts";
import type { CurrencyNumber, MarketNumber, SourceNumber, TickDirectionNumber } from "./enums.ts";
import type { Frequency } from "./frequency.ts";
import type { SecurityCode } from "./security-code.ts";

/** What a bar may carry without being wrong; a bit set, stored as it is. Bits are never reused. */
export const BAR_FLAGS = {
  /** open or close outside [low, high], or low above high. 000001.SZ on 1992-08-03 is such a bar. */
  ohlcOrder: 1,
  /** close far from the previous close. */
  jump: 2,
  /** turnover ÷ volume outside [low, high]. */
  turnoverRange: 4,
  /** the trading calendar does not have this day. */
  dayNotInCalendar: 8,
  /** the row of the opening auction. */
  auction: 16,
  /** the provider gives no turnover; the column is NULL and the view answers 0. */
  noTurnover: 32,
  /** built by us from shorter bars. */
  built: 64,
} as const;

/** OHLCV over an interval, canonical: prices in currency units, volume in shares, turnover in currency units. */
export interface Bar {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  /** The exchange's own trading day. */
  readonly tradingDay: Day;
  /** Wall clock of `zone`, `YYYY-MM-DD HH:MM:SS`: midnight of the day for 1d, the interval's end for intraday. */
  readonly time: string;
  readonly zone: ZoneName;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly preClose: DecimalText | undefined;
  /** Whole shares. */
  readonly volume: DecimalText;
  /** Currency units; undefined when the provider does not give it, never an estimate. */
  readonly turnover: DecimalText | undefined;
  readonly source: SourceNumber;
  /** BAR_FLAGS, or-ed. */
  readonly flags: number;
}

/** What a tick may be beside an ordinary trade; a bit set, stored as it is. Bits are never reused. */
export const TICK_FLAGS = {
  /** Matched in an opening or closing call auction. */
  auction: 1,
  /** An indicative price of an auction under way: nothing was traded, and the volume is 0. */
  snapshot: 2,
  /** Traded at the fixed price after the close. */
  afterHours: 4,
  /** An order that was taken back, where a provider reports those among the trades. */
  cancel: 8,
  /**
   * A later complete answer of its day does not have it any more: a newer version of a stored tick says so, since nothing
   * is ever deleted. No provider sets it, and no view shows it.
   */
  removed: 16,
} as const;

/** Ticks with one of these flags are no trades: they are stored, and the views of trades leave them out. */
export const NO_TRADE_FLAGS = TICK_FLAGS.snapshot | TICK_FLAGS.cancel;

/** One trade print. */
export interface Tick {
  readonly code: SecurityCode;
  readonly tradingDay: Day;
  /** Wall clock of `zone`, `YYYY-MM-DD HH:MM:SS`; the seconds are 00 where the provider tells minutes only. */
  readonly time: string;
  readonly zone: ZoneName;
  /** Place among the ticks of the same `time`, in the provider's order, from 0: equal trades of one minute stay apart. */
  readonly sequence: number;
  readonly price: DecimalText;
  /** Whole shares. */
  readonly volume: DecimalText;
  /** How many trades the print stands for; undefined when the provider does not say. */
  readonly trades: number | undefined;
  readonly direction: TickDirectionNumber;
  readonly source: SourceNumber;
  /** TICK_FLAGS, or-ed. */
  readonly flags: number;
}

/** The cumulative (backward) factor of a day: price × factor = backward adjusted price. */
export interface AdjustmentFactor {
  readonly code: SecurityCode;
  readonly tradingDay: Day;
  readonly factor: DecimalText;
  readonly source: SourceNumber;
}

/** `gone`: no list of the provider has it any more, as when it got a new number. */
export type ListStatus = "listed" | "delisted" | "paused" | "gone";

/** The listed thing. */
export interface Instrument {
  readonly code: SecurityCode;
  readonly name: string;
  readonly industry: string;
  readonly market: MarketNumber;
  readonly currency: CurrencyNumber;
  readonly status: ListStatus;
  readonly listedOn: Day;
  /** Of a gone one the last day on which a list had it. */
  readonly delistedOn: Day | undefined;
  readonly source: SourceNumber;
  /** No list has it, since the provider's list has nothing of its kind or exchange: `listedOn` is the calendar's first day. */
  readonly isImplied?: true;
}

export interface CalendarDay {
  readonly market: MarketNumber;
  readonly day: Day;
  readonly isOpen: boolean;
  readonly source: SourceNumber;
}

/** A day on which a list says the security did not trade; only whole days are reported. */
export interface Suspension {
  readonly code: SecurityCode;
  readonly day: Day;
}

/** What rows a data set has. */
export interface RowOf {
  readonly bars: Bar;
  readonly ticks: Tick;
  readonly "adjustment-factors": AdjustmentFactor;
  readonly "stock-list": Instrument;
  readonly "trading-calendar": CalendarDay;
  readonly suspensions: Suspension;
}

export type DataSet = keyof RowOf;

export const REJECT_REASONS = [
  "not-parseable",
  "price-not-positive",
  "volume-not-whole",
  "wrong-code",
  "conflicting-rows",
  "future-day",
  "out-of-range",
  "store-refused",
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** A provider's row that cannot be stored. It goes to quarantine; its neighbours go on. */
export interface RejectedRow {
  readonly dataSet: DataSet;
  readonly code: string;
  /** The row's day where it could be read. */
  readonly day: Day | undefined;
  readonly reason: RejectReason;
  /** Says what was wrong, with the value. */
  readonly detail: string;
  /** The row as the provider sent it, as JSON text, at most 2,000 characters. */
  readonly raw: string;
}
