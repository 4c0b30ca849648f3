import type { DecimalText } from "../../base/decimal.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { codeBytes, marketOf, readCount, u16, type Command } from "./command.ts";
import { HollowAnswerError } from "./errors.ts";
import { ByteReader } from "./primitives.ts";

/** Codes one request names at most. */
export const QUOTE_CODES_MAX = 80;

const LEVELS = 5;
/** Nine bytes of code and activity, and what follows takes a byte a number at least. */
const ROW_BYTES_MIN = 9 + 10 + 4 + 3 + 4 * LEVELS;

export interface Level {
  readonly bid: number;
  readonly ask: number;
  readonly bidLots: number;
  readonly askLots: number;
}

/** Prices in the kind's own unit, volumes in lots. */
export interface Snapshot {
  readonly market: number;
  readonly digits: string;
  readonly activity: number;
  readonly price: number;
  readonly preClose: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  /** Read in several ways by several clients; not to be relied on. */
  readonly serverTime: number;
  readonly lots: number;
  /** Of the last trade. */
  readonly lastLots: number;
  readonly amount: DecimalText;
  readonly sellLots: number;
  readonly buyLots: number;
  readonly openAmount: number;
  readonly levels: readonly Level[];
}

export interface Quote extends Snapshot {
  /** Hundredths of a percent. */
  readonly speed: number;
}

/** In the order of `codes`; what the server does not know comes back as zeros. */
export function quotes(codes: readonly SecurityCode[]): Command<readonly Quote[]> {
  const named = codes.flatMap((code) => [Buffer.from([marketOf(code)]), codeBytes(code)]);
  return {
    name: "quotes",
    type: 0x053e,
    body: Buffer.concat([u16(5, 0, 0, 0, codes.length), ...named]),
    read: (answer) => readQuotes(answer, codes.length),
  };
}

export function readQuotes(answer: Uint8Array, askedMax = QUOTE_CODES_MAX): readonly Quote[] {
  const reader = new ByteReader(answer, "quotes");
  reader.skip(2);
  if (reader.left === 0) {
    // The count itself is missing: a host that answers everything with two bytes.
    throw new HollowAnswerError("reading quotes of tdx: the answer is hollow, two bytes and nothing behind");
  }
  const count = readCount(reader, "quotes", ROW_BYTES_MIN, askedMax);
  const rows: Quote[] = [];
  for (let index = 0; index < count; index += 1) {
    const snapshot = readSnapshot(reader, LEVELS);
    reader.skip(2);
    for (let unknown = 0; unknown < 4; unknown += 1) {
      reader.varint();
    }
    rows.push({ ...snapshot, speed: reader.i16() });
    // The activity once more.
    reader.skip(2);
  }
  reader.expectEnd();
  return rows;
}

/** From the market byte to the last of `levels` levels. */
export function readSnapshot(reader: ByteReader, levels: number): Snapshot {
  const market = reader.u8();
  const digits = reader.ascii(6);
  const activity = reader.u16();
  const price = reader.varint();
  const preClose = price + reader.varint();
  const open = price + reader.varint();
  const high = price + reader.varint();
  const low = price + reader.varint();
  const serverTime = reader.varint();
  // The price once more, negative, or garbage.
  reader.varint();
  const lots = reader.varint();
  const lastLots = reader.varint();
  const amount = reader.float32();
  const sellLots = reader.varint();
  const buyLots = reader.varint();
  reader.varint();
  const openAmount = reader.varint();
  const found: Level[] = [];
  for (let level = 0; level < levels; level += 1) {
    const bid = price + reader.varint();
    const ask = price + reader.varint();
    found.push({ bid, ask, bidLots: reader.varint(), askLots: reader.varint() });
  }
  return {
    market,
    digits,
    activity,
    price,
    preClose,
    open,
    high,
    low,
    serverTime,
    lots,
    lastLots,
    amount,
    sellLots,
    buyLots,
    openAmount,
    levels: found,
  };
}
