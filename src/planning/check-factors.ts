import { ZERO, scaleOf, toScaled } from "../base/decimal.ts";
import { SHANGHAI } from "../domain/day.ts";
import type { AdjustmentFactor, RejectedRow } from "../domain/rows.ts";
import { createPlacer, separateConflicts, toRejectedRow, type CheckContext, type Rejection } from "./check-rows.ts";

export interface CheckedFactors {
  /** Fit to be stored, in the order of the answer. */
  readonly rows: readonly AdjustmentFactor[];
  readonly rejected: readonly RejectedRow[];
  /** Rows of days that were not asked for; they are left out. */
  readonly outside: number;
  /** Rows left out because an equal one stands before them. */
  readonly repeated: number;
}

/** The column is Decimal(18,8). */
const FACTOR_SCALE = 8;
const FACTOR_LIMIT = 10n ** 18n;

/**
 * The check stage for adjustment factors. Rejected: a code not asked for, a day in the future, a factor that is not
 * above 0 or that its column cannot hold to the digit, all rows of one code and day that differ.
 */
export function checkFactors(
  factors: readonly AdjustmentFactor[],
  context: CheckContext<"adjustment-factors">,
): CheckedFactors {
  const place = createPlacer(context);
  const rejected: RejectedRow[] = [];
  const sound: AdjustmentFactor[] = [];
  let outside = 0;
  for (const row of factors) {
    const placement = place(row, SHANGHAI);
    if (placement === "outside") {
      outside += 1;
      continue;
    }
    const rejection = placement === "inside" ? findFault(row) : placement;
    if (rejection === undefined) {
      sound.push(row);
    } else {
      rejected.push(toRejectedRow("adjustment-factors", row, rejection));
    }
  }
  const { distinct, conflicting, repeated } = separateConflicts(
    sound,
    (row) => `${row.code} ${row.tradingDay} ${row.source}`,
    (left, right) => left.factor === right.factor,
  );
  for (const row of conflicting) {
    const detail = `two factors of ${row.code} on ${row.tradingDay} differ`;
    rejected.push(toRejectedRow("adjustment-factors", row, { reason: "conflicting-rows", detail }));
  }
  return { rows: distinct, rejected, outside, repeated };
}

function findFault({ factor }: AdjustmentFactor): Rejection | undefined {
  if (factor === ZERO || factor.startsWith("-")) {
    return { reason: "out-of-range", detail: `the factor is ${factor}, not above 0` };
  }
  if (scaleOf(factor) > FACTOR_SCALE || toScaled(factor, FACTOR_SCALE) >= FACTOR_LIMIT) {
    return { reason: "out-of-range", detail: `the factor ${factor} does not fit 10 and 8 digits` };
  }
  return undefined;
}
