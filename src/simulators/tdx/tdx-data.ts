import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";

/** An entry of a market's list. */
export interface TdxSecurity {
  readonly code: SecurityCode;
  readonly name: string;
  /** Decimal places of its price on the wire: 2 for stocks and indices, 3 for funds. */
  readonly decimals: number;
  readonly lotSize: number;
  readonly isIndex: boolean;
  readonly preCloseMilli: number;
  /** Four bytes of the list that nobody has explained; 0 when absent. */
  readonly listUnknown?: number;
}

/** A bar in thousandths of a yuan (or of a point), shares and cents. */
export interface TdxBar {
  readonly day: Day;
  /** Minutes since midnight at which it ends, by the schedule; 900 for bars of a day and longer. */
  readonly endMinute: number;
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
  /** The close before, where it is known to be another than the row before says (ex-days). */
  readonly preCloseMilli?: number;
  /** Members that rose and fell; of an index only. */
  readonly ups?: number;
  readonly downs?: number;
  /** The middle column of a minute line, which nobody has explained; 0 when absent. */
  readonly lineUnknown?: number;
}

export interface TdxTick {
  /** Minutes since midnight. */
  readonly minute: number;
  readonly priceMilli: number;
  /** Shares. */
  readonly volume: number;
  readonly trades: number;
  /** 0 buy, 1 sell, 2 neutral or auction, 5 after hours, 8 auction snapshot. */
  readonly side: number;
}

/** A corporate action with its sixteen bytes as they go over the wire. */
export interface TdxAction {
  readonly day: Day;
  readonly category: number;
  readonly payload: Uint8Array;
}

/** One line of the list of quotes, in the units of the wire: prices in 10^−decimals yuan, volumes in lots. */
export interface TdxQuote {
  readonly activity: number;
  readonly price: number;
  readonly preClose: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly serverTime: number;
  /** −price on most hosts, and something else on others. */
  readonly minusPrice: number;
  readonly volume: number;
  readonly currentVolume: number;
  readonly turnoverYuan: number;
  readonly inside: number;
  readonly outside: number;
  readonly unknown: number;
  readonly openingTurnover: number;
  /** Five of them, the best first. */
  readonly levels: readonly TdxLevel[];
  /** Behind the levels: two bytes and four numbers that nobody has explained. */
  readonly tail: readonly [number, number, number, number, number];
  readonly speed: number;
}

export interface TdxLevel {
  readonly bid: number;
  readonly ask: number;
  readonly bidVolume: number;
  readonly askVolume: number;
}

export interface TdxFinance {
  /** Tens of thousands. */
  readonly floatShares: number;
  readonly province: number;
  readonly industry: number;
  /** `YYYYMMDD`. */
  readonly updatedOn: number;
  readonly listedOn: number;
  /** Thirty numbers, the total shares first. */
  readonly figures: readonly number[];
}

/** What the simulator serves: a generated market or recorded files. Rows are sorted, oldest first. */
export interface TdxData {
  /** Days on which anything was traded. */
  readonly days: readonly Day[];
  /** The list as it stands on a day, sorted by code. */
  securities(today: Day): readonly TdxSecurity[];
  /** Undefined for a code that no list has on that day; data of a delisted one are gone with it. */
  security(code: string, today: Day): TdxSecurity | undefined;
  dayBars(code: string): readonly TdxBar[];
  /** Days with minute rows and how many each has, so that a page need not make the rows of the days it skips. */
  minuteDays(code: string): readonly { readonly day: Day; readonly rows: number }[];
  minuteBars(code: string, day: Day): readonly TdxBar[];
  ticks(code: string, day: Day): readonly TdxTick[];
  /** Prices of the closing auction under way, which stand among today's ticks and are no trades. */
  snapshots?(code: string, day: Day): readonly TdxTick[];
  /** Those announced by that day. */
  actions(code: string, today: Day): readonly TdxAction[];
  /** A recorded quote; undefined makes the simulator build one from the bars. */
  quote?(code: string): TdxQuote | undefined;
  finance?(code: string): TdxFinance | undefined;
}
