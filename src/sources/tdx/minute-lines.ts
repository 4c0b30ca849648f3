import type { DecimalText } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { codeBytes, dateNumber, marketOf, readCount, u32, u16, type Command } from "./command.ts";
import { ByteReader } from "./primitives.ts";
import { readSnapshot, type Snapshot } from "./quotes.ts";

/** Minutes of a trading day. */
const ROWS_MAX = 240;
const MORNING = 120;
const EMPTY_SIZE = 2;
/** How far behind the code and its activity the levels of a snapshot of today go. */
const TODAY_LEVELS = 3;

/** The last price of a minute in the kind's own unit, and its volume in lots. */
export interface MinutePoint {
  /** Minutes since midnight at the minute's end. */
  readonly minutes: number;
  readonly price: number;
  readonly lots: number;
}

export interface MinuteLine {
  readonly points: readonly MinutePoint[];
  /** Of a past day. */
  readonly preClose: DecimalText | undefined;
  /** Of today. */
  readonly snapshot: Snapshot | undefined;
}

export function minuteLineOfDay(code: SecurityCode, day: Day): Command<MinuteLine> {
  return {
    name: `minute line of ${code} on ${day}`,
    type: 0x0fb4,
    body: Buffer.concat([u32(dateNumber(day)), Buffer.from([marketOf(code)]), codeBytes(code)]),
    read: readPastMinuteLine,
  };
}

export function minuteLineOfToday(code: SecurityCode): Command<MinuteLine> {
  return {
    name: `minute line of ${code} today`,
    type: 0x051d,
    body: Buffer.concat([u16(marketOf(code)), codeBytes(code), u32(0)]),
    read: readTodaysMinuteLine,
  };
}

export function readPastMinuteLine(answer: Uint8Array): MinuteLine {
  const reader = new ByteReader(answer, "a minute line");
  const count = readCount(reader, "a minute line", 3, ROWS_MAX);
  const preClose = answer.length === EMPTY_SIZE ? undefined : reader.float32();
  const points = readPoints(reader, count);
  return { points, preClose, snapshot: undefined };
}

export function readTodaysMinuteLine(answer: Uint8Array): MinuteLine {
  const reader = new ByteReader(answer, "the minute line of today");
  const count = readCount(reader, "the minute line of today", 3, ROWS_MAX);
  if (answer.length === EMPTY_SIZE) {
    return { points: [], preClose: undefined, snapshot: undefined };
  }
  reader.skip(2);
  const snapshot = readSnapshot(reader, TODAY_LEVELS);
  reader.skip(2);
  const points = readPoints(reader, count);
  return { points, preClose: undefined, snapshot };
}

function readPoints(reader: ByteReader, count: number): readonly MinutePoint[] {
  const points: MinutePoint[] = [];
  let price = 0;
  for (let index = 0; index < count; index += 1) {
    price += reader.varint();
    // Nobody knows what it means, and the two commands disagree on it.
    reader.varint();
    const lots = reader.varint();
    if (!Number.isSafeInteger(price)) {
      throw reader.garbled("a price beyond all bounds");
    }
    points.push({ minutes: index < MORNING ? 571 + index : 781 + index - MORNING, price, lots });
  }
  reader.expectEnd();
  return points;
}
