import { FREQUENCY, SOURCE } from "../../domain/enums.ts";

/*
 * The units of the original's bars, as SQL: it stored what its provider gave. Lots of 100 shares from Tushare, TongDaXin
 * and AKShare, thousand yuan from Tushare, everything else in shares and yuan; minutes are in shares and yuan but for
 * AKShare's lots. Rows without a provider count as Tushare's, which was the original's default.
 */

const SHARES_PER_UNIT: ReadonlyMap<number, number> = new Map([
  [SOURCE.BAOSTOCK, 1],
  [SOURCE.YAHOO, 1],
]);
const SHARES_PER_UNIT_INTRADAY: ReadonlyMap<number, number> = new Map([[SOURCE.AKSHARE, 100]]);
const YUAN_PER_UNIT: ReadonlyMap<number, number> = new Map([
  [SOURCE.BAOSTOCK, 1],
  [SOURCE.YAHOO, 1],
  [SOURCE.AKSHARE, 1],
  [SOURCE.TDX, 1],
]);

const DAILY_OR_LONGER = [FREQUENCY.DAY, FREQUENCY.WEEK, FREQUENCY.MONTH, FREQUENCY.QUARTER, FREQUENCY.YEAR];

export function isDailyOrLonger(frequency: string): string {
  return `${frequency} IN (${DAILY_OR_LONGER.join(", ")})`;
}

/** How many shares one of the original's volume is; `source` is a column, `isDaily` a condition. */
export function sharesPerUnit(source: string, isDaily: string): string {
  return `if(${isDaily}, ${bySource(source, SHARES_PER_UNIT, 100)}, ${bySource(source, SHARES_PER_UNIT_INTRADAY, 1)})`;
}

/** How many yuan one of the original's amount is. */
export function yuanPerUnit(source: string, isDaily: string): string {
  return `if(${isDaily}, ${bySource(source, YUAN_PER_UNIT, 1000)}, 1)`;
}

function bySource(source: string, factors: ReadonlyMap<number, number>, otherwise: number): string {
  return `transform(${source}, [${[...factors.keys()].join(", ")}], [${[...factors.values()].join(", ")}], ${otherwise})`;
}
