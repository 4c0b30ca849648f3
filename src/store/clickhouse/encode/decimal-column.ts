import { toScaled, type DecimalText } from "../../../base/decimal.ts";
import { bufferOf, type BadValue, type ColumnEncoder } from "./column.ts";

type GetDecimal<Row> = (row: Row) => DecimalText | undefined;

/** How a column stores an exact number: `value × 10^scale` as a little-endian integer. */
interface DecimalShape {
  readonly type: string;
  readonly words: 2 | 4;
  readonly scale: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly isNullable: boolean;
}

/** `Decimal(precision, scale)`: 64 bits up to 18 digits, 128 bits up to 38. */
export function decimalColumn<Row>(
  name: string,
  precision: number,
  scale: number,
  get: (row: Row) => DecimalText,
): ColumnEncoder<Row> {
  return createColumn(name, { ...decimalShape(precision, scale), isNullable: false }, get);
}

/** `Nullable(Decimal(precision, scale))`; undefined is NULL. */
export function nullableDecimalColumn<Row>(
  name: string,
  precision: number,
  scale: number,
  get: GetDecimal<Row>,
): ColumnEncoder<Row> {
  const shape = decimalShape(precision, scale);
  return createColumn(name, { ...shape, type: `Nullable(${shape.type})`, isNullable: true }, get);
}

/** `Int64` from the text of a whole number. */
export function wholeColumn<Row>(name: string, get: (row: Row) => DecimalText): ColumnEncoder<Row> {
  const shape = {
    type: "Int64",
    words: 2,
    scale: 0,
    min: -(2n ** 63n),
    max: 2n ** 63n - 1n,
    isNullable: false,
  } as const;
  return createColumn(name, shape, get);
}

function decimalShape(precision: number, scale: number) {
  const max = 10n ** BigInt(precision) - 1n;
  const words = precision <= 18 ? 2 : 4;
  return { type: `Decimal(${precision}, ${scale})`, words, scale, min: -max, max } as const;
}

function createColumn<Row>(name: string, shape: DecimalShape, get: GetDecimal<Row>): ColumnEncoder<Row> {
  return {
    name,
    type: shape.type,
    encode(rows, _context, bad) {
      const values = new Int32Array(rows.length * shape.words);
      const nulls = shape.isNullable ? new Uint8Array(rows.length) : undefined;
      writeAll(rows, get, name, shape, values, nulls, bad);
      return nulls === undefined ? [bufferOf(values)] : [bufferOf(nulls), bufferOf(values)];
    },
  };
}

const ZERO = 48;
const NINE = 57;
const MINUS = 45;
const POINT = 46;
const WORD = 4_294_967_296;
/** Whole numbers of up to 15 digits are exact in a double; beyond that the digits go through BigInt. */
const FAST_DIGITS_MAX = 15;
const POWERS = Array.from({ length: FAST_DIGITS_MAX + 1 }, (_, index) => 10 ** index);

/**
 * Digits straight into integers. A text of at most 15 digits after scaling is summed as a whole number below 10^15, which a
 * double holds exactly and divides into 32-bit words exactly; no value is ever a fraction. Anything longer, and anything
 * that is not canonical, takes the exact way round.
 */
function writeAll<Row>(
  rows: readonly Row[],
  get: GetDecimal<Row>,
  name: string,
  shape: DecimalShape,
  values: Int32Array<ArrayBuffer>,
  nulls: Uint8Array | undefined,
  bad: BadValue[],
): void {
  const { scale, words } = shape;
  let at = 0;
  let index = 0;
  for (const row of rows) {
    const text = get(row);
    if (text === undefined && nulls !== undefined) {
      nulls[index] = 1;
    } else {
      const whole = text === undefined ? NaN : wholeOf(text, scale);
      if (whole === whole) {
        const high = Math.floor(whole / WORD);
        values[at] = whole - high * WORD;
        values[at + 1] = high;
        if (words === 4 && whole < 0) {
          values[at + 2] = -1;
          values[at + 3] = -1;
        }
      } else {
        writeExactly(text, name, shape, values, at, index, bad);
      }
    }
    at += words;
    index += 1;
  }
}

/** `text × 10^scale` where that is a whole number of at most 15 digits and the text is canonical; NaN otherwise. */
function wholeOf(text: string, scale: number): number {
  const length = text.length;
  const isNegative = length > 0 && text.charCodeAt(0) === MINUS;
  const start = isNegative ? 1 : 0;
  // A sign, a point and 15 digits.
  if (length === start || length - start > FAST_DIGITS_MAX + 1) {
    return NaN;
  }
  let sum = 0;
  let point = -1;
  for (let index = start; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= NINE) {
      sum = sum * 10 + (code - ZERO);
    } else if (code === POINT && point === -1 && index > start) {
      point = index;
    } else {
      return NaN;
    }
  }
  const fraction = point === -1 ? 0 : length - point - 1;
  const missing = scale - fraction;
  const digits = length - start - (point === -1 ? 0 : 1) + missing;
  if (missing < 0 || digits > FAST_DIGITS_MAX || point === length - 1) {
    return NaN;
  }
  const scaled = sum * (POWERS[missing] ?? NaN);
  return isNegative ? -scaled : scaled;
}

const CANONICAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

function writeExactly(
  text: DecimalText | undefined,
  name: string,
  shape: DecimalShape,
  values: Int32Array<ArrayBuffer>,
  at: number,
  index: number,
  bad: BadValue[],
): void {
  const scaled = exactly(text, shape);
  if (typeof scaled === "string") {
    bad.push({ index, column: name, detail: `${name} ${JSON.stringify(text)?.slice(0, 80)} ${scaled}` });
    return;
  }
  const view = new BigInt64Array(values.buffer, at * 4, shape.words / 2);
  view[0] = BigInt.asIntN(64, scaled);
  if (shape.words === 4) {
    view[1] = scaled >> 64n;
  }
}

/** The scaled integer, or what is wrong with the text. */
function exactly(text: DecimalText | undefined, shape: DecimalShape): bigint | string {
  if (typeof text !== "string" || !CANONICAL.test(text)) {
    return "is not a decimal number";
  }
  try {
    const scaled = toScaled(text, shape.scale);
    return scaled < shape.min || scaled > shape.max ? `does not fit ${shape.type}` : scaled;
  } catch (error) {
    if (error instanceof RangeError) {
      return `has more than ${shape.scale} digits behind the point`;
    }
    throw error;
  }
}
