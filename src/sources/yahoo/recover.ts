import { fromScaled, parseDecimal, scaleOf, type DecimalText } from "../../base/decimal.ts";
import { roundScaled, roundTo, toRatio, type Ratio } from "./ratio.ts";

/** Digits behind the point that a price is stored with. */
const PRICE_SCALE = 4;
/** No price has more digits behind the point, whatever it was divided by. */
const SCALE_MAX = 9;
/** What a split made longer is rounded to this many digits: amounts always are, prices in some answers. */
const CUT_SCALE = 6;

/**
 * The price of the exchange from what the provider makes of it. It divides the price by the splits that came later,
 * rounds the result to a float of 32 bits and writes that float out as if it had 64. So what was there before may lie
 * half a step of that float away; multiplied by the splits (`ratio`), the price is the shortest decimal in that range.
 *
 *  - 129.0399932861328, AAPL on 2020-08-31, no later split: the float's neighbours are 0.0000076 away, and 129.04 is the
 *    shortest decimal nearer than half of that.
 *  - 75.0875015258789, AAPL on 2020-01-02, the 4:1 of 2020-08-31 came later: 300.350006 ± 0.000015, so 300.35.
 *  - 13.237000465393066, NVDA on 2021-02-01, 4:1 and 10:1 came later: 529.480019 ± 0.000019, so 529.48.
 *  - 17.857143402099609 of 1/28: 500.000015 ± 0.000027, so 500, which no rounding of 17.857143 alone would find.
 *  - 0.1289059966802597, AAPL on 1980-12-12, 224 for one in all: 28.874943 ± 0.000114, so 28.875. It was 0.128906 before it
 *    became a float: some answers are rounded to six digits in between, which prices below 8 show.
 *
 * A price with more digits than four there is rounded to four. A number that is no such float is taken as the decimal
 * that it is. Nothing but the test whether it is one is done in floating point. DataError on what is no number.
 */
export function recoverPrice(cell: unknown, ratio: Ratio, path = ""): DecimalText {
  const shortest = findShortest(readNumber(parseDecimal(cell, path)), ratio);
  return scaleOf(shortest) <= PRICE_SCALE ? shortest : roundTo(toRatio(shortest), PRICE_SCALE);
}

/**
 * The amount paid on a share of its day. It is written as a decimal, but divided by later splits and then cut to six
 * digits: 0.108929 before 7:1 and 4:1 was 3.05.
 */
export function recoverAmount(cell: unknown, ratio: Ratio, path = ""): DecimalText {
  const text = parseDecimal(cell, path);
  const isCut = !isFloat32(text) && scaleOf(text) >= CUT_SCALE;
  return findShortest(isCut ? readCut(text) : readNumber(text), ratio);
}

/** A number and how far from it what was rounded may lie, both in parts of one denominator. */
interface Reading {
  readonly value: bigint;
  readonly slack: bigint;
  readonly denominator: bigint;
}

function readNumber(text: DecimalText): Reading {
  if (isFloat32(text)) {
    return widenToCut(readFloat32(text), text);
  }
  const { numerator, denominator } = toRatio(text);
  return { value: numerator, slack: 0n, denominator };
}

/** A float of a number of six digits may stand for all that is rounded to those. */
function widenToCut(reading: Reading, text: DecimalText): Reading {
  const { value, slack, denominator } = reading;
  const rounded = roundTo({ numerator: value, denominator }, CUT_SCALE);
  if (Math.fround(Number.parseFloat(rounded)) !== Number.parseFloat(text)) {
    return reading;
  }
  const times = 2n * 10n ** BigInt(CUT_SCALE);
  return { value: value * times, slack: slack * times + denominator, denominator: denominator * times };
}

/** Half of its last digit to either side. */
function readCut(text: DecimalText): Reading {
  const { numerator, denominator } = toRatio(text);
  return { value: 2n * numerator, slack: 1n, denominator: 2n * denominator };
}

function isFloat32(text: DecimalText): boolean {
  const wide = Number.parseFloat(text);
  return Math.fround(wide) === wide;
}

const bits = new DataView(new ArrayBuffer(4));
const HIDDEN_BIT = 0x80_00_00;
/** Of a float of 32 bits: its mantissa counts whole steps of 2^(exponent − 150). */
const EXPONENT_BIAS = 150;

/** The bits of the float in quarters of its step, and half the distance to its neighbour. */
function readFloat32(text: DecimalText): Reading {
  bits.setFloat32(0, Number.parseFloat(text));
  const word = bits.getUint32(0);
  const exponent = (word >>> 23) & 0xff;
  const fraction = word & (HIDDEN_BIT - 1);
  const mantissa = exponent === 0 ? fraction : fraction | HIDDEN_BIT;
  const steps = BigInt(word >>> 31 === 1 ? -mantissa : mantissa);
  // Below a power of two the neighbour is half as far; the smaller distance serves for both sides.
  const slack = mantissa === HIDDEN_BIT ? 1n : 2n;
  const shift = Math.max(exponent, 1) - EXPONENT_BIAS;
  const times = 1n << BigInt(Math.max(shift, 0));
  return { value: steps * 4n * times, slack: slack * times, denominator: 4n << BigInt(Math.max(-shift, 0)) };
}

function findShortest(reading: Reading, ratio: Ratio): DecimalText {
  const value = reading.value * ratio.numerator;
  const slack = reading.slack * ratio.numerator;
  const denominator = reading.denominator * ratio.denominator;
  let tens = 1n;
  for (let scale = 0; scale < SCALE_MAX; scale += 1) {
    const scaled = roundScaled({ numerator: value, denominator }, scale);
    const distance = scaled * denominator - value * tens;
    if ((distance < 0n ? -distance : distance) <= slack * tens) {
      return fromScaled(scaled, scale);
    }
    tens *= 10n;
  }
  return roundTo({ numerator: value, denominator }, SCALE_MAX);
}
