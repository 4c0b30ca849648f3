import { ByteWriter } from "./byte-writer.ts";
import type { MinuteLineRow } from "./encode-bars.ts";
import { writeMinuteLine } from "./encode-bars.ts";
import type { TdxQuote } from "./tdx-data.ts";

export interface QuoteLine {
  readonly market: number;
  readonly digits: string;
  readonly quote: TdxQuote;
}

const UNKNOWN_WORD = 0x3601;
const LEVELS_OF_SNAPSHOT = 3;

export function encodeQuotes(lines: readonly QuoteLine[]): Buffer {
  const out = new ByteWriter().u16(UNKNOWN_WORD).u16(lines.length);
  for (const { market, digits, quote } of lines) {
    out.u8(market).digits(digits).u16(quote.activity);
    writeHead(out, quote);
    writeLevels(out, quote, quote.levels.length);
    const [word, ...numbers] = quote.tail;
    out.u16(word);
    for (const number of numbers) {
      out.varint(number);
    }
    out.u16(quote.speed & 0xffff).u16(quote.activity);
  }
  return out.toBuffer();
}

/** Today's minute line: a quote of three levels, then the rows. */
export function encodeSnapshot({ market, digits, quote }: QuoteLine, rows: readonly MinuteLineRow[]): Buffer {
  const out = new ByteWriter().u16(rows.length).u16(0).u8(market).digits(digits).u16(quote.activity);
  writeHead(out, quote);
  writeLevels(out, quote, LEVELS_OF_SNAPSHOT);
  out.u16(quote.tail[0]);
  writeMinuteLine(out, rows);
  return out.toBuffer();
}

/** From the price to the two numbers before the levels; the prices of the day are differences to the newest one. */
function writeHead(out: ByteWriter, quote: TdxQuote): void {
  const { price } = quote;
  for (const number of [price, quote.preClose - price, quote.open - price, quote.high - price, quote.low - price]) {
    out.varint(number);
  }
  out.varint(quote.serverTime).varint(quote.minusPrice).varint(quote.volume).varint(quote.currentVolume);
  out.f32(quote.turnoverYuan);
  out.varint(quote.inside).varint(quote.outside).varint(quote.unknown).varint(quote.openingTurnover);
}

function writeLevels(out: ByteWriter, { price, levels }: TdxQuote, count: number): void {
  for (const { bid, ask, bidVolume, askVolume } of levels.slice(0, count)) {
    // A level that is not there has no price either, and is told as no difference.
    out.varint(bidVolume === 0 && bid === 0 ? 0 : bid - price);
    out.varint(askVolume === 0 && ask === 0 ? 0 : ask - price);
    out.varint(bidVolume).varint(askVolume);
  }
}
