import type { Day, ZoneName } from "../../domain/day.ts";
import type { RecordedAnswer, RecordedKey } from "./recorded-answer.ts";

/** What the simulator serves: generated markets, or recorded answers. Adjusting, intervals and the form are the simulator's part. */
export interface YahooData {
  /** All symbols that it has, sorted. */
  readonly symbols: readonly string[];
  /** The first and the last trading day with rows, of all markets. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
  /** Undefined for a symbol that it does not have. */
  listing(symbol: string): YahooListing | undefined;
  /** An answer that was recorded for the same symbol and parameters; it goes out as it came. */
  recorded?(key: RecordedKey): RecordedAnswer | undefined;
}

/** One symbol as it traded: neither adjusted nor widened. Lists are sorted by day. */
export interface YahooListing {
  readonly symbol: string;
  readonly currency: string;
  readonly exchangeName: string;
  readonly fullExchangeName: string;
  readonly instrumentType: "EQUITY" | "ETF" | "INDEX";
  readonly longName: string;
  readonly shortName: string;
  readonly priceHint: number;
  readonly hours: TradingHours;
  /** Prices of bars and minutes are whole numbers of 10^−`decimals`. */
  readonly decimals: number;
  /** The first day on which it has traded. */
  readonly listedOn: Day;
  /** From this day on the symbol is unknown. */
  readonly delistedOn: Day | undefined;
  readonly bars: readonly RawBar[];
  /** Days without a trade that are served as rows of nulls; other such days have no row at all. */
  readonly nullDays: readonly Day[];
  readonly splits: readonly Split[];
  /** Dividends, and capital gains of funds. */
  readonly payouts: readonly Payout[];
  /** The minutes of a day with a bar. */
  minutesOf(day: Day): readonly RawMinute[];
  /** Members of the answer's `meta` that are known to be otherwise than the rows say. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

export interface RawBar {
  readonly day: Day;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

export interface RawMinute extends Omit<RawBar, "day"> {
  /** Minutes since local midnight at which it begins. */
  readonly startsAt: number;
}

/** `numerator` shares for `denominator` old ones, from the ex-day on. */
export interface Split {
  readonly exDay: Day;
  readonly numerator: number;
  readonly denominator: number;
}

/** Cash for one share as it was before the ex-day, in ten-thousandths of the currency. */
export interface Payout {
  readonly kind: "dividend" | "capital-gain";
  readonly exDay: Day;
  readonly amountE4: number;
}

/** In minutes since local midnight. */
export interface TradingHours {
  readonly zone: ZoneName;
  readonly opensAt: number;
  /** The end of a day's regular session; half days end earlier. */
  closesAt(day: Day): number;
  /** Where trading before and after the regular session is shown. */
  readonly extended: { readonly from: number; readonly to: number } | undefined;
  /** Where the last trade before the lunch break is counted in bars of an hour. */
  readonly noonPrintAt: number | undefined;
  /** Whether the exchange is open; days on which it is not have no session. */
  isOpenOn(day: Day): boolean;
}
