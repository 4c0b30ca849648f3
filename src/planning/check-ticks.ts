import { ZERO, scaleOf, toScaled } from "../base/decimal.ts";
import type { RejectedRow, Tick } from "../domain/rows.ts";
import { createPlacer, separateConflicts, toRejectedRow, type CheckContext, type Rejection } from "./check-rows.ts";

export interface CheckedTicks {
  /** Fit to be stored, in the order of the answer. */
  readonly rows: readonly Tick[];
  readonly rejected: readonly RejectedRow[];
  /** Rows of days that were not asked for; they are left out. */
  readonly outside: number;
  /** Rows left out because an equal one stands before them. */
  readonly repeated: number;
}

/** The column is Decimal(18,4). */
const PRICE_SCALE = 4;
const PRICE_LIMIT = 10n ** 18n;
/** Int64. */
const VOLUME_MAX = 2n ** 63n - 1n;
/** UInt32. */
const COUNT_MAX = 2 ** 32 - 1;

/**
 * The check stage for ticks. Rejected: a code not asked for, a day in the future, a price that is not above 0, a volume
 * that is negative or no whole number, a number that its column cannot hold to the digit, all rows of one place (time and
 * sequence) that differ. Equal trades of one minute have places of their own and stay apart.
 */
export function checkTicks(ticks: readonly Tick[], context: CheckContext<"ticks">): CheckedTicks {
  const place = createPlacer(context);
  const rejected: RejectedRow[] = [];
  const sound: Tick[] = [];
  let outside = 0;
  for (const tick of ticks) {
    const placement = place(tick, tick.zone);
    if (placement === "outside") {
      outside += 1;
      continue;
    }
    const rejection = placement === "inside" ? findFault(tick) : placement;
    if (rejection === undefined) {
      sound.push(tick);
    } else {
      rejected.push(toRejectedRow("ticks", tick, rejection));
    }
  }
  const { distinct, conflicting, repeated } = separateConflicts(sound, keyOf, isEqualTick);
  for (const tick of conflicting) {
    const detail = `two ticks of ${tick.code} at ${tick.time} have the place ${tick.sequence} and differ`;
    rejected.push(toRejectedRow("ticks", tick, { reason: "conflicting-rows", detail }));
  }
  return { rows: distinct, rejected, outside, repeated };
}

function findFault({ time, tradingDay, price, volume, trades, sequence }: Tick): Rejection | undefined {
  if (!time.startsWith(tradingDay)) {
    return { reason: "not-parseable", detail: `the time ${time} is not on the trading day ${tradingDay}` };
  }
  if (price === ZERO || price.startsWith("-")) {
    return { reason: "price-not-positive", detail: `price is ${price}` };
  }
  if (scaleOf(price) > PRICE_SCALE || toScaled(price, PRICE_SCALE) >= PRICE_LIMIT) {
    return { reason: "out-of-range", detail: `price ${price} does not fit a price of 14 and 4 digits` };
  }
  if (scaleOf(volume) > 0) {
    return { reason: "volume-not-whole", detail: `volume ${volume} is no whole number of shares` };
  }
  if (volume.startsWith("-") || BigInt(volume) > VOLUME_MAX) {
    return { reason: "out-of-range", detail: `volume ${volume} is not from 0 to ${VOLUME_MAX}` };
  }
  if (sequence < 0 || sequence > COUNT_MAX || (trades !== undefined && (trades < 0 || trades > COUNT_MAX))) {
    return { reason: "out-of-range", detail: `place ${sequence} or ${trades} trades is not from 0 to ${COUNT_MAX}` };
  }
  return undefined;
}

function keyOf({ code, time, sequence, source }: Tick): string {
  return `${code} ${time} ${sequence} ${source}`;
}

function isEqualTick(left: Tick, right: Tick): boolean {
  return (
    left.price === right.price &&
    left.volume === right.volume &&
    left.trades === right.trades &&
    left.direction === right.direction &&
    left.flags === right.flags
  );
}
