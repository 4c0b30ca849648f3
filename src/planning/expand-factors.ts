import { parseDecimal } from "../base/decimal.ts";
import type { Day } from "../domain/day.ts";
import type { SourceNumber } from "../domain/enums.ts";
import type { AdjustmentFactor, RejectedRow } from "../domain/rows.ts";
import { isSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** Before its first ex-day a security's price is its own. */
const FACTOR_AT_LISTING = parseDecimal("1");

export interface ExpandInput {
  /** One row for each ex-day of the code from its beginning to the end of the call, in any order. */
  readonly events: readonly AdjustmentFactor[];
  /** Rows of the same answer that could not be read. */
  readonly rejected: readonly Pick<RejectedRow, "code" | "day">[];
  readonly call: Call<"adjustment-factors">;
  readonly calendar: TradingCalendar;
  readonly source: SourceNumber;
  /** The code's first listed day: before it there is no factor. */
  readonly listedOn: (code: SecurityCode) => Day | undefined;
}

/**
 * From a provider's rows on ex-days to one row for every trading day of the call, as other providers give them: the factor
 * of a day is that of the newest ex-day up to it, and 1 before the first. From an ex-day that could not be read on, up to
 * the next one that could, nothing is known: those days get no row. Two different factors of one ex-day stand both, and
 * are found to conflict.
 */
export function expandFactors(input: ExpandInput): readonly AdjustmentFactor[] {
  const { selection } = input.call;
  if (selection.by !== "codes") {
    throw new RangeError(`factors on ex-days are asked for by code, not by ${selection.by}`);
  }
  return selection.codes.flatMap((code) => expandCode(code, selection.from, selection.to, input));
}

interface Step {
  readonly day: Day;
  /** Undefined where the ex-day's row could not be read. */
  readonly factor: AdjustmentFactor["factor"] | undefined;
}

function expandCode(code: SecurityCode, from: Day, to: Day, input: ExpandInput): readonly AdjustmentFactor[] {
  const { events, rejected, calendar, source, listedOn } = input;
  // A code that cannot be read may be any, too.
  const bad = rejected.filter((row) => row.code === code || !isSecurityCode(row.code));
  if (bad.some(({ day }) => day === undefined)) {
    // Its ex-day may be any.
    return [];
  }
  const steps: Step[] = [
    ...events.filter((row) => row.code === code).map(({ tradingDay, factor }) => ({ day: tradingDay, factor })),
    ...bad.flatMap(({ day }) => (day === undefined ? [] : [{ day, factor: undefined }])),
  ].toSorted((left, right) => (left.day < right.day ? -1 : left.day > right.day ? 1 : 0));
  const listed = listedOn(code);
  const rows: AdjustmentFactor[] = [];
  let at = -1;
  for (const tradingDay of calendar.tradingDaysBetween(from, to)) {
    while ((steps[at + 1]?.day ?? "9") <= tradingDay) {
      at += 1;
    }
    if (listed !== undefined && tradingDay < listed) {
      continue;
    }
    for (const { factor } of sameDay(steps, at)) {
      if (factor !== undefined) {
        rows.push({ code, tradingDay, factor, source });
      }
    }
  }
  return rows;
}

/** The step that holds, and others of the very same ex-day. */
function sameDay(steps: readonly Step[], at: number): readonly Pick<Step, "factor">[] {
  const step = steps[at];
  return step === undefined ? [{ factor: FACTOR_AT_LISTING }] : steps.filter(({ day }) => day === step.day);
}
