import type { Day } from "../domain/day.ts";
import { parseDay } from "../domain/day.ts";

/** A part of an exchange with rules of its own. Today's rules hold for every generated day, whatever year it lies in. */
export interface Board {
  readonly exchange: "SSE" | "SZSE" | "BSE";
  readonly suffix: "SH" | "SZ" | "BJ";
  /** As Tushare's stock list names it. */
  readonly name: "主板" | "科创板" | "创业板" | "北交所";
  /** First three digits of its codes, each with the first number in use. */
  readonly ranges: readonly { readonly prefix: string; readonly first: number }[];
  /** How far a price may move from the previous close, in percent. */
  readonly limitPercent: number;
  /** The same for securities under special treatment (ST). */
  readonly limitPercentSpecial: number;
  /** The first trading days after listing have no price limit. */
  readonly daysWithoutLimit: number;
  /** Securities per hundred of the market. */
  readonly share: number;
  readonly openedOn: Day;
  /** True where orders need not be whole lots, so that nearly every volume is odd. */
  readonly hasSingleShares: boolean;
}

export const BOARDS = [
  {
    exchange: "SSE",
    suffix: "SH",
    name: "主板",
    ranges: [
      { prefix: "600", first: 0 },
      { prefix: "601", first: 6 },
      { prefix: "603", first: 0 },
    ],
    limitPercent: 10,
    limitPercentSpecial: 5,
    daysWithoutLimit: 5,
    share: 31,
    openedOn: parseDay("1990-12-19"),
    hasSingleShares: false,
  },
  {
    exchange: "SZSE",
    suffix: "SZ",
    name: "主板",
    ranges: [
      { prefix: "000", first: 1 },
      { prefix: "002", first: 1 },
    ],
    limitPercent: 10,
    limitPercentSpecial: 5,
    daysWithoutLimit: 5,
    share: 28,
    openedOn: parseDay("1991-07-03"),
    hasSingleShares: false,
  },
  {
    exchange: "SZSE",
    suffix: "SZ",
    name: "创业板",
    ranges: [
      { prefix: "300", first: 1 },
      { prefix: "301", first: 1 },
    ],
    limitPercent: 20,
    limitPercentSpecial: 20,
    daysWithoutLimit: 5,
    share: 25,
    openedOn: parseDay("2009-10-30"),
    hasSingleShares: false,
  },
  {
    exchange: "SSE",
    suffix: "SH",
    name: "科创板",
    ranges: [{ prefix: "688", first: 1 }],
    limitPercent: 20,
    limitPercentSpecial: 20,
    daysWithoutLimit: 5,
    share: 11,
    openedOn: parseDay("2019-07-22"),
    hasSingleShares: true,
  },
  {
    exchange: "BSE",
    suffix: "BJ",
    name: "北交所",
    ranges: [{ prefix: "920", first: 2 }],
    limitPercent: 30,
    limitPercentSpecial: 30,
    daysWithoutLimit: 1,
    share: 5,
    openedOn: parseDay("2021-11-15"),
    hasSingleShares: true,
  },
] as const satisfies readonly Board[];
