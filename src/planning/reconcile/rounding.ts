import { parseDecimal, shiftDecimal, toScaled, type DecimalText } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import type { ColumnRounding, RoundedColumn, RoundingStep } from "../../ports/provider-facts.ts";

/**
 * What a stored value may have been before it was rounded, both ends included, counted in grains of 10^-8 × 2^-32. A grain
 * is a part of every decimal that is stored and of every float of 32 bits that one can come from, so nothing is lost.
 */
export interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

/** Behind the point; factors have the most digits. */
const SCALE = 8;
const BITS = 32n;
/** A float divided by anything lies within a part of 2^23 of what is made of it again. */
const ADJUSTED_BITS = 23n;

export function toGrains(text: DecimalText): bigint {
  return toScaled(text, SCALE) << BITS;
}

/** What a rounding was taken back from a value, and which steps it went through. */
export interface Unrounded {
  readonly range: Range;
  readonly steps: readonly RoundingStep[];
}

/** Takes the steps back, the last one first. One that the value cannot have gone through is left out. */
export function unround(text: DecimalText, steps: readonly RoundingStep[]): Unrounded {
  const at = toGrains(text);
  let range: Range = { low: at, high: at };
  const taken: RoundingStep[] = [];
  for (const step of steps.toReversed()) {
    const before = takeBack(step, range, text);
    if (before !== undefined) {
      range = before;
      taken.unshift(step);
    }
  }
  return { range, steps: taken };
}

/** What a value of a column may have been on a day: one answer for each way it may have come, at least one. */
export function unroundCell(
  text: DecimalText,
  roundings: readonly ColumnRounding[],
  column: RoundedColumn,
  day: Day,
): readonly Unrounded[] {
  const ways = roundings.filter(
    (rounding) => rounding.column === column && (rounding.before === undefined || day < rounding.before),
  );
  return ways.length === 0 ? [unround(text, [])] : ways.map(({ steps }) => unround(text, steps));
}

/** Whether one value may stand behind both. */
export function meet(left: Range, right: Range): boolean {
  return left.low <= right.high && right.low <= left.high;
}

/** For people, such as `cut to 1000, then float of 32 bits`; empty for none. */
export function describeSteps(steps: readonly RoundingStep[]): string {
  return steps.map((step) => STEP_WORDS[step.how](step)).join(", then ");
}

const STEP_WORDS: { readonly [How in RoundingStep["how"]]: (step: RoundingStep) => string } = {
  cut: (step) => `cut to ${unitOf(step)}`,
  nearest: (step) => `rounded to ${unitOf(step)}`,
  float32: (step) => `float of 32 bits${"places" in step ? ` in units of ${10n ** BigInt(step.places ?? 0)}` : ""}`,
  "adjusted-float32": () => "float of 32 bits, adjusted for splits",
};

function unitOf(step: RoundingStep): string {
  return "to" in step ? step.to : "";
}

/** What went into the step, or undefined where nothing of the range can have come out of it. */
function takeBack(step: RoundingStep, { low, high }: Range, text: DecimalText): Range | undefined {
  switch (step.how) {
    case "cut": {
      const unit = unitGrains(step.to);
      const found = multiplesIn({ low, high }, unit);
      return found === undefined ? undefined : { low: found.low, high: found.high + unit - 1n };
    }
    case "nearest": {
      const unit = unitGrains(step.to);
      const found = multiplesIn({ low, high }, unit);
      return found === undefined ? undefined : { low: found.low - unit / 2n, high: found.high + unit / 2n };
    }
    case "float32": {
      const apart = float32Step(text, step.places ?? 0);
      const found = multiplesIn({ low, high }, apart);
      return found === undefined ? undefined : { low: found.low - apart / 2n, high: found.high + apart / 2n };
    }
    case "adjusted-float32": {
      const slack = max(abs(low), abs(high)) >> ADJUSTED_BITS;
      return { low: low - slack, high: high + slack };
    }
  }
}

/** A handful of units, asked for millions of times. */
const units = new Map<string, bigint>();

function unitGrains(text: string): bigint {
  const known = units.get(text) ?? toGrains(parseDecimal(text));
  units.set(text, known);
  return known;
}

function multiplesIn({ low, high }: Range, unit: bigint): Range | undefined {
  const first = -floorDivide(-low, unit) * unit;
  const last = floorDivide(high, unit) * unit;
  return first > last ? undefined : { low: first, high: last };
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}

/** The mantissa of a float of 32 bits counts whole steps of 2^(exponent − 150). */
const EXPONENT_BIAS = 150;
const bits = new DataView(new ArrayBuffer(4));

/**
 * How far floats of 32 bits are apart around a value counted in 10^`places`; they are whole multiples of it. The only place
 * that computes in floating point, since the rounding that is taken back did.
 */
function float32Step(text: DecimalText, places: number): bigint {
  bits.setFloat32(0, Math.fround(Number.parseFloat(shiftDecimal(text, -places))));
  const exponent = (bits.getUint32(0) >>> 23) & 0xff;
  const power = BITS + BigInt(Math.max(exponent, 1) - EXPONENT_BIAS);
  const apart = shift(10n ** BigInt(SCALE + places), power);
  // What is nearly nothing has floats nearer than a grain.
  return apart > 1n ? apart : 1n;
}

function shift(value: bigint, by: bigint): bigint {
  return by >= 0n ? value << by : value >> -by;
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
