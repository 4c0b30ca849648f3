import { DataError } from "../../base/errors.ts";
import { digitsOf, exchangeOf, isMainland, type SecurityCode } from "../../domain/security-code.ts";
import { HollowAnswerError } from "./errors.ts";
import type { ByteReader } from "./primitives.ts";

/** One question of the protocol and how its answer is read. */
export interface Command<Answer> {
  /** For messages. */
  readonly name: string;
  readonly type: number;
  readonly body: Uint8Array;
  /** Throws HollowAnswerError and GarbledAnswerError, nothing else. */
  readonly read: (body: Uint8Array) => Answer;
}

/** Places count back from the newest row and have 16 bits. */
export const START_MAX = 65_535;

const MARKETS = { SZ: 0, SH: 1, BJ: 2 } as const;
export type MarketByte = (typeof MARKETS)[keyof typeof MARKETS];

/** RangeError for a code of another market than the mainland's. */
export function marketOf(code: SecurityCode): MarketByte {
  const exchange = exchangeOf(code);
  if (!isMainland(exchange)) {
    throw new RangeError(`TongDaXin was asked for ${code}, which it was never offered for`);
  }
  return MARKETS[exchange];
}

/** `000001.SH` of a market number and six digits; undefined for a market that is none of the three. */
export function toCodeText(market: number, digits: string): string | undefined {
  const found = Object.entries(MARKETS).find(([, number]) => number === market);
  return found === undefined ? undefined : `${digits}.${found[0]}`;
}

export function codeBytes(code: SecurityCode): Buffer {
  return Buffer.from(digitsOf(code), "latin1");
}

/** u16 values one after the other. */
export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) {
    bytes.writeUInt16LE(value, 2 * index);
  }
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) {
    bytes.writeUInt32LE(value, 4 * index);
  }
  return bytes;
}

/** `2024-01-02` as the number 20240102. */
export function dateNumber(day: string): number {
  const value = Number.parseInt(day.replaceAll("-", ""), 10);
  if (!Number.isSafeInteger(value)) {
    throw new DataError(`expected a day, got ${JSON.stringify(day)}`);
  }
  return value;
}

/**
 * The count that an answer begins with. A count without rows behind it is a hollow answer; one that the bytes cannot
 * hold, or that is larger than what was asked for, is no answer at all.
 */
export function readCount(reader: ByteReader, what: string, rowBytesMin: number, askedMax: number): number {
  const count = reader.u16();
  if (count > 0 && reader.left === 0) {
    throw new HollowAnswerError(`reading ${what} of tdx: the answer is hollow, ${count} rows and none behind`);
  }
  if (count > askedMax) {
    throw reader.garbled(`${count} rows where ${askedMax} were asked for`);
  }
  if (count * rowBytesMin > reader.left) {
    throw reader.garbled(`${count} rows in ${reader.left} bytes`);
  }
  return count;
}
