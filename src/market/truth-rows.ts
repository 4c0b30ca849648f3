import { parseDecimal, type DecimalText } from "../base/decimal.ts";
import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Market } from "./generate-market.ts";

/** A bar as text, named like the columns of the view `bar`: prices and amount in yuan, volume in shares. */
export interface TruthRow {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly pre_close: DecimalText;
  readonly volume: DecimalText;
  readonly amount: DecimalText;
}

export interface TruthFactorRow {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly factor: DecimalText;
}

/** Every bar of the market (or of the codes given), by code and day: what a complete store must have, and nothing else. */
export function* truthRows(market: Market, codes?: Iterable<string>): Generator<TruthRow, undefined, unknown> {
  for (const code of codes ?? market.securities.map((security) => security.code)) {
    for (const bar of market.history(code)?.bars ?? []) {
      yield {
        code: bar.code,
        day: bar.day,
        open: decimalOf(bar.openCents, 2),
        high: decimalOf(bar.highCents, 2),
        low: decimalOf(bar.lowCents, 2),
        close: decimalOf(bar.closeCents, 2),
        pre_close: decimalOf(bar.preCloseCents, 2),
        volume: decimalOf(bar.volume, 0),
        amount: decimalOf(bar.turnoverCents, 2),
      };
    }
  }
}

/** Every factor, by code and day: one for each trading day on which the security is listed. */
export function* truthFactorRows(
  market: Market,
  codes?: Iterable<string>,
): Generator<TruthFactorRow, undefined, unknown> {
  for (const code of codes ?? market.securities.map((security) => security.code)) {
    for (const { code: own, day, factorE4 } of market.history(code)?.factors ?? []) {
      yield { code: own, day, factor: decimalOf(factorE4, 4) };
    }
  }
}

/** The exact text of `scaled` ÷ 10^`scale`, for whole numbers that a float holds exactly. */
export function decimalOf(scaled: number, scale: number): DecimalText {
  if (!Number.isSafeInteger(scaled)) {
    throw new RangeError(`writing ${scaled} as a decimal: not an exact whole number`);
  }
  const sign = scaled < 0 ? "-" : "";
  const digits = String(Math.abs(scaled)).padStart(scale + 1, "0");
  const point = digits.length - scale;
  let end = digits.length;
  while (end > point && digits[end - 1] === "0") {
    end -= 1;
  }
  return parseDecimal(`${sign}${digits.slice(0, point)}${end > point ? `.${digits.slice(point, end)}` : ""}`);
}
