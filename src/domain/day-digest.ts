import { daysBetween, parseDay, type Day } from "./day.ts";

/**
 * A set of days as one number: the sum of its days' mixed numbers modulo 2^64, so that the order does not matter and
 * sets can be added up in two places, here and in SQL. A plain count, or a sum of the days as they are, is equal for
 * many sets that a market really has (one day lost, another one too many); this is not in practice.
 */
export type DayDigest = bigint;

export const NO_DAYS: DayDigest = 0n;

/** Odd numbers with well spread bits; multiplication by them loses nothing modulo 2^64. */
const FIRST = 0x9e3779b97f4a7c15n;
const SECOND = 0xbf58476d1ce4e5b9n;
const SHIFT = 29n;
const EPOCH = parseDay("1970-01-01");

export function digestOfDay(day: Day): DayDigest {
  const spread = BigInt.asUintN(64, BigInt.asUintN(64, BigInt(daysBetween(EPOCH, day))) * FIRST);
  return BigInt.asUintN(64, (spread ^ (spread >> SHIFT)) * SECOND);
}

export function addDigests(left: DayDigest, right: DayDigest): DayDigest {
  return BigInt.asUintN(64, left + right);
}

export function subtractDigests(left: DayDigest, right: DayDigest): DayDigest {
  return BigInt.asUintN(64, left - right);
}

/** The same of a `Date` column in SQL, as UInt64; `sum` adds up as `addDigests` does. */
export function digestSql(column: string): string {
  const spread = `(toUInt64(toUInt16(${column})) * toUInt64(${FIRST}))`;
  return `(bitXor(${spread}, bitShiftRight(${spread}, ${SHIFT})) * toUInt64(${SECOND}))`;
}
