import type { DecimalText } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import { dateNumber, readCount, u16, u32, type Command } from "./command.ts";
import { ByteReader } from "./primitives.ts";

/** Entries one answer brings at most. */
export const LIST_ROWS_MAX = 1_000;

const RECORD_SIZE = 29;
/** The classic commands get no answer for Beijing. */
export type ListedMarket = 0 | 1;

export interface ListedSecurity {
  readonly digits: string;
  readonly name: string;
  readonly lotSize: number;
  /** Digits behind the point of its prices. */
  readonly decimals: number;
  /** May be old, for single stocks. */
  readonly preClose: DecimalText;
}

/** How many entries of all sorts a market has. */
export function securityCount(market: ListedMarket, today: Day): Command<number> {
  return {
    name: "security count",
    type: 0x044e,
    body: Buffer.concat([u16(market), u32(dateNumber(today))]),
    read: (answer) => new ByteReader(answer, "a security count").u16(),
  };
}

export function securityList(market: ListedMarket, start: number): Command<readonly ListedSecurity[]> {
  return { name: "security list", type: 0x0450, body: u16(market, start), read: readSecurityList };
}

export function readSecurityList(answer: Uint8Array): readonly ListedSecurity[] {
  const reader = new ByteReader(answer, "a security list");
  const count = readCount(reader, "a security list", RECORD_SIZE, LIST_ROWS_MAX);
  const rows: ListedSecurity[] = [];
  for (let index = 0; index < count; index += 1) {
    const digits = reader.ascii(6);
    const lotSize = reader.u16();
    const name = reader.gbk(8);
    reader.skip(4);
    const decimals = reader.u8();
    rows.push({ digits, name, lotSize, decimals, preClose: reader.float32() });
    reader.skip(4);
  }
  reader.expectEnd();
  return rows;
}
