import assert from "node:assert/strict";

import { parseDay, type Day } from "../../src/domain/day.ts";
import type { TdxBar, TdxQuote, TdxTick } from "../../src/simulators/tdx/tdx-data.ts";
import { BodyReader } from "./tdx-raw.ts";

/** Reads bars of a day or longer of a stock or, with the two counts behind each row, of an index. */
export function readBars(body: Buffer, isIndex: boolean): readonly TdxBar[] {
  const reader = new BodyReader(body);
  let base = 0;
  const bars = Array.from({ length: reader.u16() }, () => {
    const day = parseDay(String(reader.u32()));
    const openMilli = base + reader.varint();
    base = openMilli + reader.varint();
    const [highMilli, lowMilli] = [openMilli + reader.varint(), openMilli + reader.varint()];
    const [volume, yuan] = [reader.f32() * 100, reader.f32()];
    const counts = isIndex ? { ups: reader.u16(), downs: reader.u16() } : {};
    return {
      day,
      endMinute: 900,
      openMilli,
      highMilli,
      lowMilli,
      closeMilli: base,
      volume,
      turnoverCents: yuan * 100,
      ...counts,
    };
  });
  assert.ok(reader.isAtEnd);
  return bars;
}

export function readTicks(body: Buffer, layout: "today" | "past"): readonly TdxTick[] {
  const reader = new BodyReader(body);
  const count = reader.u16();
  if (layout === "past") {
    reader.f32();
  }
  let price = 0;
  const ticks = Array.from({ length: count }, () => {
    const minute = reader.u16();
    price += reader.varint();
    const volume = reader.varint() * 100;
    const trades = layout === "today" ? reader.varint() : 0;
    const side = reader.varint();
    assert.equal(reader.varint(), 0);
    return { minute, priceMilli: price * 10, volume, trades, side };
  });
  assert.ok(reader.isAtEnd);
  return ticks;
}

export function readLine(reader: BodyReader, day: Day): readonly TdxBar[] {
  let price = 0;
  const bars = Array.from({ length: 240 }, (_, position) => {
    price += reader.varint() * 10;
    return {
      day,
      endMinute: position < 120 ? 571 + position : 661 + position,
      openMilli: price,
      highMilli: price,
      lowMilli: price,
      closeMilli: price,
      lineUnknown: reader.varint(),
      volume: reader.varint() * 100,
      turnoverCents: 0,
    };
  });
  assert.ok(reader.isAtEnd);
  return bars;
}

export function readQuote(reader: BodyReader): TdxQuote {
  const head = readHead(reader);
  const levels = readLevels(reader, head.price, 5);
  const tail = [reader.u16(), reader.varint(), reader.varint(), reader.varint(), reader.varint()] as const;
  const speed = reader.i16();
  assert.equal(reader.u16(), head.activity);
  return { ...head, levels, tail, speed };
}

export function readSnapshot(reader: BodyReader): TdxQuote {
  const head = readHead(reader);
  return { ...head, levels: readLevels(reader, head.price, 3), tail: [reader.u16(), 0, 0, 0, 0], speed: 0 };
}

function readLevels(reader: BodyReader, price: number, count: number): TdxQuote["levels"] {
  return Array.from({ length: count }, () => ({
    bid: price + reader.varint(),
    ask: price + reader.varint(),
    bidVolume: reader.varint(),
    askVolume: reader.varint(),
  }));
}

function readHead(reader: BodyReader): Omit<TdxQuote, "levels" | "tail" | "speed"> {
  const activity = reader.u16();
  const price = reader.varint();
  const next = (): number => price + reader.varint();
  return {
    activity,
    price,
    preClose: next(),
    open: next(),
    high: next(),
    low: next(),
    serverTime: reader.varint(),
    minusPrice: reader.varint(),
    volume: reader.varint(),
    currentVolume: reader.varint(),
    turnoverYuan: reader.f32(),
    inside: reader.varint(),
    outside: reader.varint(),
    unknown: reader.varint(),
    openingTurnover: reader.varint(),
  };
}
