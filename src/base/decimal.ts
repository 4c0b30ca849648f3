import { DataError } from "./errors.ts";

/**
 * An exact decimal number as text in canonical form: optional `-`, digits without leading zeros, and a
 * fraction without trailing zeros (`"0"`, `"-12.5"`, `"0.0001"`). Never passes through a float.
 */
export type DecimalText = string & { readonly __decimal: unique symbol };

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
const CANONICAL = /^-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/;
/** Longer numbers are refused: no price, volume or turnover has as many, and a hostile exponent would fill memory. */
export const DIGITS_MAX = 60;

export const ZERO = "0" as DecimalText;

/** Takes the text of a number (`12.50`, `1e3`, `-.5`), throws DataError on anything else, numbers included. */
export function parseDecimal(input: unknown, path = ""): DecimalText {
  if (typeof input !== "string") {
    throw new DataError(`expected the text of a decimal number, got ${JSON.stringify(input)}`, path);
  }
  if (input.length < 40 && CANONICAL.test(input) && input !== "-0") {
    return input as DecimalText;
  }
  const match = PATTERN.exec(input);
  const whole = match?.[2] ?? "";
  const fraction = match?.[3] ?? "";
  if (match === null || whole.length + fraction.length === 0) {
    throw new DataError(`expected a decimal number, got ${JSON.stringify(input.slice(0, 40))}`, path);
  }
  return compose(match[1] === "-", whole + fraction, fraction.length - Number.parseInt(match[4] ?? "0", 10), path);
}

/** `text` × 10^`places`, exactly: lots to shares is 2, thousand yuan to yuan is 3. */
export function shiftDecimal(text: DecimalText, places: number): DecimalText {
  const isNegative = text.startsWith("-");
  const unsigned = isNegative ? text.slice(1) : text;
  const point = unsigned.indexOf(".");
  const scale = point === -1 ? 0 : unsigned.length - point - 1;
  return compose(isNegative, unsigned.replace(".", ""), scale - places, "");
}

/** How many digits stand behind the point. */
export function scaleOf(text: DecimalText): number {
  const point = text.indexOf(".");
  return point === -1 ? 0 : text.length - point - 1;
}

/** The number times 10^`scale` as an integer; RangeError when it has more digits behind the point than that. */
export function toScaled(text: DecimalText, scale: number): bigint {
  const own = scaleOf(text);
  if (own > scale) {
    throw new RangeError(`${text} has more than ${scale} digits behind the point`);
  }
  return BigInt(text.replace(".", "")) * 10n ** BigInt(scale - own);
}

/** The decimal text of `scaled` ÷ 10^`scale`. */
export function fromScaled(scaled: bigint, scale: number): DecimalText {
  const isNegative = scaled < 0n;
  return compose(isNegative, (isNegative ? -scaled : scaled).toString(), scale, "");
}

export function compareDecimal(left: DecimalText, right: DecimalText): -1 | 0 | 1 {
  if (left === right) {
    return 0;
  }
  const scale = Math.max(scaleOf(left), scaleOf(right));
  return toScaled(left, scale) < toScaled(right, scale) ? -1 : 1;
}

function compose(isNegative: boolean, digits: string, scale: number, path: string): DecimalText {
  const significant = digits.replace(/^0+/, "");
  if (significant === "") {
    return ZERO;
  }
  if (Math.abs(scale) > DIGITS_MAX || significant.length > DIGITS_MAX) {
    throw new DataError(`a number of more than ${DIGITS_MAX} digits`, path);
  }
  const padded = scale > 0 ? significant.padStart(scale + 1, "0") : significant + "0".repeat(-scale);
  const whole = scale > 0 ? padded.slice(0, -scale) : padded;
  const fraction = scale > 0 ? padded.slice(-scale).replace(/0+$/, "") : "";
  return `${isNegative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}` as DecimalText;
}
