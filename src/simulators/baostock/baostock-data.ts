import type { Day } from "../../domain/day.ts";
import type { MethodName } from "./methods.ts";

/** Cells by column, as the provider writes them; a missing one is `""`. Numbers never become floats. */
export type BaostockRow = Readonly<Record<string, string>>;

/** A query whose parameters were found good; what it does not have is `""`. */
export interface BaostockQuery {
  readonly method: MethodName;
  /** As they came, after page and rows a page: `["sh.600000", "2024-01-01", "2024-01-31"]`. */
  readonly raw: readonly string[];
  /** `sh.600000`, or `""` for all. */
  readonly code: string;
  /** A part of a name, or `""`. */
  readonly codeName: string;
  /** Both inclusive; where the query names one day, that day twice. */
  readonly start: Day;
  readonly end: Day;
  readonly frequency: Frequency;
  readonly adjustFlag: AdjustFlag;
  readonly year: string;
  readonly yearType: YearType;
}

export const FREQUENCIES = ["d", "w", "m", "5", "15", "30", "60"] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/** 1 adjusted backward, 2 forward, 3 as traded. */
export const ADJUST_FLAGS = ["1", "2", "3"] as const;
export type AdjustFlag = (typeof ADJUST_FLAGS)[number];

export const YEAR_TYPES = ["report", "operate"] as const;
export type YearType = (typeof YEAR_TYPES)[number];

export type BaostockKind = "stock" | "index" | "etf";

/** The last days whose rows are out, by the provider's hours. */
export interface Published {
  readonly today: Day;
  readonly daily: Day;
  readonly weekly: Day;
  readonly monthly: Day;
  readonly minutes: Day;
  readonly factors: Day;
}

/** What the simulator serves: a generated market or a recording. Pages, columns, frames and hours are the simulator's part. */
export interface BaostockData {
  /** All codes that have rows, sorted. */
  readonly codes: readonly string[];
  /** The first and the last trading day with rows. */
  readonly firstDay: Day | undefined;
  readonly lastDay: Day | undefined;
  /** Undefined for a code that it does not have. */
  kindOf(code: string): BaostockKind | undefined;
  /** In the provider's order. Rows after `published` may be among them: the simulator leaves them out. */
  rowsOf(query: BaostockQuery, published: Published): Iterable<BaostockRow>;
  /**
   * Compressed forms of answers as they were recorded, by their text. The real server's zlib packs the same text into other
   * bytes than the one of Node does, and a recording is served as it was.
   */
  readonly packed?: ReadonlyMap<string, Buffer>;
}
