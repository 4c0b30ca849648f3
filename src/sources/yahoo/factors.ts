import { compareDecimal, ZERO, type DecimalText } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import type { MarketName } from "../../domain/market.ts";
import type { AdjustmentFactor, RejectedRow } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { FACTOR, fit, rejectRow, RowError } from "../read-cells.ts";
import type { Chart, Payment } from "./chart.ts";
import { createDayClock, ratiosOf, withoutLiveRow } from "./mapping.ts";
import { add, divide, multiply, ONE, roundTo, subtract, toRatio, type Ratio } from "./ratio.ts";
import { recoverAmount, recoverPrice } from "./recover.ts";
import { currencyOf } from "./symbols.ts";

export interface FactorTarget {
  readonly code: SecurityCode;
  readonly market: MarketName;
  /** The last day wanted; earlier ones are all wanted, since a factor is of everything up to its day. */
  readonly to: Day;
  readonly period2: number;
}

export interface MappedFactors {
  readonly rows: readonly AdjustmentFactor[];
  readonly rejected: readonly RejectedRow[];
}

const FACTOR_SCALE = 8;

/**
 * The cumulative backward factor on every ex-day of an answer that begins with the listing: 1 before the first one, and at
 * each
 *
 *     factor = factor before × split × close ÷ (close − dividend)
 *
 * where `split` is shares after for a share before (1 without one), `close` the last raw close before the ex-day divided by
 * that split, and `dividend` what was paid on a share of the ex-day, all distributions together. So price × factor is
 * what a holder has who buys more of the shares with every dividend at the price without it. Exact up to the eight digits
 * of the result, which is rounded each time from the exact product. An event before which there is no close changes no
 * price. One that cannot be read, or is paid in another currency, makes itself and all later ones unknown: each is
 * rejected.
 */
export function mapFactors(chart: Chart, { code, market, to, period2 }: FactorTarget): MappedFactors {
  const dayOf = createDayClock(market);
  const ratioAfter = ratiosOf(chart.splits, market);
  const closes = readCloses(chart, period2, dayOf);
  const splits = Map.groupBy(chart.splits, ({ stamp }) => dayOf(stamp));
  const payments = Map.groupBy(chart.payments, ({ stamp }) => dayOf(stamp));
  const exDays = [...new Set([...splits.keys(), ...payments.keys()])].filter((day) => day <= to).toSorted();
  const rows: AdjustmentFactor[] = [];
  const rejected: RejectedRow[] = [];
  let factor = ONE;
  for (const day of exDays) {
    const found = closes.findLast((one) => one.day < day);
    if (found === undefined) {
      continue;
    }
    const paid = payments.get(day) ?? [];
    try {
      if (rejected.length > 0) {
        throw new RowError("not-parseable", "a factor builds on those before it, and one of them could not be read");
      }
      const split = (splits.get(day) ?? []).reduce((product, { ratio }) => multiply(product, ratio), ONE);
      const before = toRatio(recoverPrice(found.close, ratioAfter(found.day), "close"));
      factor = multiply(factor, multiply(split, dividendStep(divide(before, split), paid, ratioAfter(day), code)));
      rows.push({ code, tradingDay: day, factor: toFactor(factor), source: SOURCE.YAHOO });
    } catch (error) {
      const raw = JSON.stringify({ close: found.close, splitsAfter: `${ratioAfter(day).numerator}`, paid });
      rejected.push(rejectRow(error, { dataSet: "adjustment-factors", code, date: day, raw }));
    }
  }
  return { rows, rejected };
}

interface Close {
  readonly day: Day;
  readonly close: unknown;
}

function readCloses(chart: Chart, period2: number, dayOf: (stamp: number) => Day): readonly Close[] {
  return withoutLiveRow(chart.slots, period2, dayOf).flatMap(({ stamp, close }) =>
    stamp === undefined || close === null || close === undefined ? [] : [{ day: dayOf(stamp), close }],
  );
}

/** What the price loses on the ex-day, as a ratio above 1; both sides are of a share after the day's split. */
function dividendStep(close: Ratio, paid: readonly Payment[], ratio: Ratio, code: SecurityCode): Ratio {
  const dividend = paid.reduce<Ratio>((sum, payment) => add(sum, toRatio(amountOf(payment, ratio, code))), NOTHING);
  if (dividend.numerator === 0n) {
    return ONE;
  }
  const left = subtract(close, dividend);
  if (left.numerator <= 0n) {
    throw new RowError(
      "out-of-range",
      `amount: a dividend of ${roundTo(dividend, 4)} at a price of ${roundTo(close, 4)}`,
    );
  }
  return divide(close, left);
}

const NOTHING: Ratio = { numerator: 0n, denominator: 1n };

/** Paid on a share of its day. RowError on another currency than the prices', and on what is no amount. */
export function amountOf({ amount, currency }: Payment, ratio: Ratio, code: SecurityCode): DecimalText {
  if (currency !== undefined && currency !== currencyOf(code)) {
    throw new RowError("not-parseable", `currency: expected ${currencyOf(code)}, got ${currency.slice(0, 20)}`);
  }
  const paid = recoverAmount(amount, ratio, "amount");
  if (compareDecimal(paid, ZERO) < 0) {
    throw new RowError("out-of-range", `amount: ${paid} is no dividend`);
  }
  return paid;
}

function toFactor(factor: Ratio): DecimalText {
  const rounded = fit(roundTo(factor, FACTOR_SCALE), "factor", FACTOR);
  if (compareDecimal(rounded, ZERO) <= 0) {
    throw new RowError("out-of-range", `factor: ${rounded} would make every price nothing`);
  }
  return rounded;
}
