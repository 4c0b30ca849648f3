import type { DecimalText } from "../../base/decimal.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { codeBytes, marketOf, readCount, u16, type Command } from "./command.ts";
import { GarbledAnswerError } from "./errors.ts";
import { ByteReader, unpackDate, unpackMinuteTime, type WallTime } from "./primitives.ts";

/** Bars one answer brings at most. */
export const K_LINE_ROWS_MAX = 800;

/** The category of each interval. 9 are days with volume in lots; 4, with shares, is not used. */
export const K_LINE_CATEGORIES = {
  "5m": 0,
  "15m": 1,
  "30m": 2,
  "60m": 3,
  week: 5,
  month: 6,
  "1m": 7,
  "1d": 9,
} as const;
export type KLineInterval = keyof typeof K_LINE_CATEGORIES;

const MINUTE_CATEGORIES: ReadonlySet<number> = new Set([0, 1, 2, 3, 7, 8]);
/** A date, four numbers of one byte at least, two floats; of an index two counts besides. */
const ROW_BYTES_MIN = 16;

/** A bar as it came: prices in thousandths of the currency unit, volume in the wire's own unit. */
export interface KLine extends WallTime {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: DecimalText;
  readonly amount: DecimalText;
}

export interface KLineQuestion {
  readonly code: SecurityCode;
  readonly interval: KLineInterval;
  /** Bars to leave out, counted back from the newest one. */
  readonly start: number;
  readonly count: number;
  /** An index has two more fields in every row, which the answer does not say. */
  readonly isIndex: boolean;
}

/** Ascending in time. */
export function kLines({ code, interval, start, count, isIndex }: KLineQuestion): Command<readonly KLine[]> {
  const category = K_LINE_CATEGORIES[interval];
  // The 1 multiplies the interval; with 0 the answer is empty. The ten zeros ask for prices as they were.
  const body = Buffer.concat([u16(marketOf(code)), codeBytes(code), u16(category, 1, start, count), Buffer.alloc(10)]);
  return {
    name: `bars of ${code}`,
    type: 0x052d,
    body,
    read: (answer) => readKLines(answer, { category, isIndex, askedMax: count }),
  };
}

interface Form {
  readonly category: number;
  readonly isIndex: boolean;
  readonly askedMax: number;
}

/** Reads the rows as the code's kind says, and the other way when they do not end where the answer ends. */
export function readKLines(answer: Uint8Array, form: Form): readonly KLine[] {
  try {
    return readAs(answer, form);
  } catch (error) {
    if (!(error instanceof GarbledAnswerError)) {
      throw error;
    }
    try {
      return readAs(answer, { ...form, isIndex: !form.isIndex });
    } catch {
      throw error;
    }
  }
}

function readAs(answer: Uint8Array, { category, isIndex, askedMax }: Form): readonly KLine[] {
  const reader = new ByteReader(answer, "bars");
  const count = readCount(reader, "bars", ROW_BYTES_MIN, askedMax);
  const rows: KLine[] = [];
  let base = 0;
  for (let index = 0; index < count; index += 1) {
    const time = MINUTE_CATEGORIES.has(category)
      ? unpackMinuteTime(reader.u16(), reader.u16())
      : { date: unpackDate(reader.u32()), minutes: 0 };
    const open = base + reader.varint();
    const close = open + reader.varint();
    const high = open + reader.varint();
    const low = open + reader.varint();
    if (![open, close, high, low].every(Number.isSafeInteger)) {
      throw reader.garbled("a price beyond all bounds");
    }
    rows.push({ ...time, open, high, low, close, volume: reader.float32(), amount: reader.float32() });
    base = close;
    if (isIndex) {
      // How many securities rose and fell.
      reader.skip(4);
    }
  }
  reader.expectEnd();
  return rows;
}
