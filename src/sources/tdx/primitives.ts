import { fromScaled, ZERO, type DecimalText } from "../../base/decimal.ts";
import { GarbledAnswerError } from "./errors.ts";

/** More bytes no number of the protocol has; seven hold 48 bits. */
const VARINT_BYTES_MAX = 7;
const MANTISSA_BITS = 23;
const EXPONENT_BIAS = 127;
/** What comes of it: a value of 0.004 or so loses nothing, and text stays short however small the value is. */
const FRACTION_DIGITS_MAX = 30;

/**
 * Reads the values of an answer in their order, little-endian. A value beyond the end is a GarbledAnswerError, so that
 * no length on the wire is believed.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  i16(): number {
    return this.#bytes.readInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** Sign and magnitude, six bits and then seven a byte. Multiplied, never shifted: volumes pass 2³¹. */
  varint(): number {
    let byte = this.u8();
    const isNegative = (byte & 0x40) !== 0;
    let magnitude = byte & 0x3f;
    let weight = 0x40;
    for (let count = 1; (byte & 0x80) !== 0; count += 1) {
      if (count === VARINT_BYTES_MAX) {
        throw this.garbled(`a number of more than ${VARINT_BYTES_MAX} bytes`);
      }
      byte = this.u8();
      magnitude += (byte & 0x7f) * weight;
      weight *= 0x80;
    }
    // A negative zero occurs.
    return isNegative && magnitude !== 0 ? -magnitude : magnitude;
  }

  /** The exact value of an IEEE float of 32 bits; GarbledAnswerError for what is no number. */
  float32(): DecimalText {
    const text = this.float32OrNone();
    if (text === undefined) {
      throw this.garbled("a number that is none (infinite or not a number)");
    }
    return text;
  }

  /** The same, undefined for what is no number. */
  float32OrNone(): DecimalText | undefined {
    return float32ToDecimal(this.u32());
  }

  /** ASCII up to the first NUL. */
  ascii(size: number): string {
    return untilNul(this.bytes(size)).toString("latin1");
  }

  gbk(size: number): string {
    return decodeGbk(this.bytes(size));
  }

  bytes(size: number): Buffer {
    const from = this.#take(size);
    return this.#bytes.subarray(from, from + size);
  }

  skip(size: number): void {
    this.#take(size);
  }

  expectEnd(): void {
    if (this.left !== 0) {
      throw this.garbled(`${this.left} bytes too many`);
    }
  }

  garbled(happened: string): GarbledAnswerError {
    return new GarbledAnswerError(`reading ${this.#what} of tdx: ${happened} at byte ${this.#at}`);
  }

  #take(size: number): number {
    const from = this.#at;
    if (from + size > this.#bytes.length) {
      throw this.garbled(`the answer ends ${from + size - this.#bytes.length} bytes too early`);
    }
    this.#at = from + size;
    return from;
  }
}

/**
 * The exact decimal text of IEEE float bits, by whole numbers only; undefined for infinities and for what is no number.
 * Digits beyond the thirtieth behind the point, which only values below 10⁻¹² have, are cut off.
 */
export function float32ToDecimal(bits: number): DecimalText | undefined {
  const exponent = (bits >>> MANTISSA_BITS) & 0xff;
  if (exponent === 0xff) {
    return undefined;
  }
  const fraction = bits & 0x7f_ffff;
  const mantissa = BigInt(exponent === 0 ? fraction : fraction | 0x80_0000);
  if (mantissa === 0n) {
    return ZERO;
  }
  const signed = bits >>> 31 === 1 ? -mantissa : mantissa;
  const power = Math.max(exponent, 1) - EXPONENT_BIAS - MANTISSA_BITS;
  if (power >= 0) {
    return fromScaled(signed << BigInt(power), 0);
  }
  // m ÷ 2ᵏ = m × 5ᵏ ÷ 10ᵏ
  const scale = -power;
  const scaled = signed * 5n ** BigInt(scale);
  const cut = scale - FRACTION_DIGITS_MAX;
  return cut > 0 ? fromScaled(scaled / 10n ** BigInt(cut), FRACTION_DIGITS_MAX) : fromScaled(scaled, scale);
}

/**
 * The shortest decimal text that is the nearest float of these bits: 3.56 where the exact value of the bits is
 * 3.5599999427795410156…; for what was a short decimal number before it became a float.
 */
export function float32ToShortest(bits: number): DecimalText | undefined {
  const exact = float32ToDecimal(bits);
  if (exact === undefined || exact === ZERO || !exact.includes(".")) {
    return exact;
  }
  for (let places = 1; places < FRACTION_DIGITS_MAX; places += 1) {
    const rounded = roundDecimal(exact, places);
    if (isNearest(rounded, bits)) {
      return rounded;
    }
  }
  return exact;
}

/** Whether `text` lies nearer to the float of `bits` than to the floats beside it. */
function isNearest(text: DecimalText, bits: number): boolean {
  const scale = FRACTION_DIGITS_MAX + 1;
  const at = (neighbour: number): bigint | undefined => {
    const value = float32ToDecimal(neighbour);
    return value === undefined ? undefined : scaledTo(value, scale);
  };
  const own = at(bits);
  const value = scaledTo(text, scale);
  if (own === undefined) {
    return false;
  }
  const distance = absolute(value - own);
  return [bits - 1, bits + 1].every((neighbour) => {
    const other = at(neighbour);
    return other === undefined || distance < absolute(value - other);
  });
}

/** Half away from zero at `places` digits behind the point. */
export function roundDecimal(text: DecimalText, places: number): DecimalText {
  const point = text.indexOf(".");
  if (point === -1 || text.length - point - 1 <= places) {
    return text;
  }
  const scaled = BigInt(text.slice(0, point + 1 + places).replace(".", ""));
  const next = text.charCodeAt(point + 1 + places) - 48;
  const step = next < 5 ? 0n : text.startsWith("-") ? -1n : 1n;
  return fromScaled(scaled + step, places);
}

/** Market names can end in half a character, which decodes as U+FFFD and is left out. */
export function decodeGbk(bytes: Uint8Array): string {
  return GBK.decode(untilNul(bytes)).replaceAll("\uFFFD", "").trim();
}

const GBK = new TextDecoder("gbk");

export interface WallTime {
  /** ISO text; the day may not exist, which `parseDay` finds out. */
  readonly date: string;
  /** Minutes since midnight. */
  readonly minutes: number;
}

/** Date and minute packed into four bytes, as bars of minutes and record files have them; the years are 2004 to 2035. */
export function unpackMinuteTime(days: number, minutes: number): WallTime {
  const monthAndDay = days % 2_048;
  const year = Math.floor(days / 2_048) + 2_004;
  return { date: isoDate(year, Math.floor(monthAndDay / 100), monthAndDay % 100), minutes };
}

/** `20240102` as a number. */
export function unpackDate(date: number): string {
  return isoDate(Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
}

/** `HH:MM` of minutes since midnight. */
export function clockText(minutes: number): string {
  return `${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
}

function isoDate(year: number, month: number, day: number): string {
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function pad(value: number, size: number): string {
  return value.toString().padStart(size, "0");
}

function untilNul(bytes: Uint8Array): Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(0);
  return end === -1 ? buffer : buffer.subarray(0, end);
}

function scaledTo(text: DecimalText, scale: number): bigint {
  const point = text.indexOf(".");
  const own = point === -1 ? 0 : text.length - point - 1;
  return BigInt(text.replace(".", "")) * 10n ** BigInt(scale - own);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
