import type { DecimalText } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { codeBytes, dateNumber, marketOf, readCount, u16, u32, type Command } from "./command.ts";
import { ByteReader } from "./primitives.ts";

/** Ticks one answer brings at most. */
export const TICK_ROWS_MAX = { today: 1_800, past: 2_000 } as const;

const EMPTY_SIZE = 2;

/** A tick as it came: the price in the kind's own unit, the volume in lots. */
export interface WireTick {
  /** Minutes since midnight; there are no seconds. */
  readonly minutes: number;
  readonly price: number;
  readonly lots: number;
  /** Only ticks of today have it. */
  readonly trades: number | undefined;
  readonly side: number;
}

export interface TickAnswer {
  /** Ascending. */
  readonly ticks: readonly WireTick[];
  /** Only past days have it, as a float. */
  readonly preClose: DecimalText | undefined;
}

export interface TickQuestion {
  readonly code: SecurityCode;
  /** Ticks to leave out, counted back from the day's last one. */
  readonly start: number;
  readonly count: number;
}

export function ticksOfToday({ code, start, count }: TickQuestion): Command<TickAnswer> {
  return {
    name: `ticks of ${code}`,
    type: 0x0fc5,
    body: Buffer.concat([u16(marketOf(code)), codeBytes(code), u16(start, count)]),
    read: (answer) => readTicks(answer, { isToday: true, askedMax: count }),
  };
}

export function ticksOfDay({ code, start, count }: TickQuestion, day: Day): Command<TickAnswer> {
  return {
    name: `ticks of ${code} on ${day}`,
    type: 0x0fb5,
    body: Buffer.concat([u32(dateNumber(day)), u16(marketOf(code)), codeBytes(code), u16(start, count)]),
    read: (answer) => readTicks(answer, { isToday: false, askedMax: count }),
  };
}

interface Form {
  readonly isToday: boolean;
  readonly askedMax: number;
}

export function readTicks(answer: Uint8Array, { isToday, askedMax }: Form): TickAnswer {
  const reader = new ByteReader(answer, "ticks");
  const count = readCount(reader, "ticks", isToday ? 7 : 6, askedMax);
  // An answer without ticks is the count alone, or has zeros where the previous close stands.
  const preClose = isToday || answer.length === EMPTY_SIZE ? undefined : reader.float32();
  const ticks: WireTick[] = [];
  let price = 0;
  for (let index = 0; index < count; index += 1) {
    const minutes = reader.u16();
    price += reader.varint();
    const lots = reader.varint();
    const trades = isToday ? reader.varint() : undefined;
    const side = reader.varint();
    // Always 0.
    reader.varint();
    if (!Number.isSafeInteger(price)) {
      throw reader.garbled("a price beyond all bounds");
    }
    ticks.push({ minutes, price, lots, trades, side });
  }
  reader.expectEnd();
  return { ticks, preClose };
}
