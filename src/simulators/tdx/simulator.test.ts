import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { compactDay, parseDay, type Day } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import { exRightPrice } from "../../market/price-rules.ts";
import { barsBody, BodyReader, encodeRequest, hex, TdxRaw, ticksBody } from "../../../test/support/tdx-raw.ts";
import { readBars, readQuote, readTicks } from "../../../test/support/tdx-read.ts";
import { clockAt, dayRows, LAST, market, minutesOf, openTdx } from "../../../test/support/tdx-rig.ts";
import { marketData } from "./market-data.ts";
import { startTdxSimulator } from "./simulator.ts";

const BARS = 0x052d;

test("pages of ticks count from the newest one and hold no more than their cap", async () => {
  await using opened = await openTdx();
  const expected = ticksOf(market, "600000.SH", LAST).map(({ minute, priceCents, volume, side }) => ({
    minute: minutesOf(minute),
    priceMilli: priceCents * 10,
    volume: Math.floor(volume / 100) * 100,
    trades: 0,
    side: { buy: 0, sell: 1, neutral: 2 }[side],
  }));
  assert.ok(expected.length > 2_000, `only ${expected.length} ticks`);
  const date = Number.parseInt(compactDay(LAST), 10);
  const page = async (start: number, count: number): Promise<ReturnType<typeof readTicks>> =>
    readTicks((await opened.client.ask(0x0fb5, ticksBody(date, 1, "600000", start, count))).body, "past");
  const newest = await page(0, 60_000);
  const older = await page(2_000, 2_000);
  assert.equal(newest.length, 2_000);
  assert.deepEqual([...older, ...newest], expected);
  assert.deepEqual(await page(700, 100), expected.slice(-800, -700));
  const counted = (await opened.client.ask(0x0fc6, ticksBody(date, 1, "600000", 0, 2_000))).body;
  const reader = new BodyReader(counted);
  assert.deepEqual([reader.u16(), Math.fround(preCloseOn(LAST) / 100)], [1_800, reader.f32()]);
  // Today's list also has the prices of the closing auction under way, nine rows without a trade.
  const today = readTicks((await opened.client.ask(0x0fc5, hex("0100 363030303030 0000 1400"))).body, "today");
  const traded = today.filter(({ side }) => side !== 8);
  assert.deepEqual(
    traded.map((tick) => ({ ...tick, trades: 0 })),
    expected.slice(-11),
  );
  assert.ok(traded.every(({ trades }) => trades > 0));
  const close = expected.at(-1)?.priceMilli ?? 0;
  assert.deepEqual(
    today.slice(-10, -1),
    Array.from({ length: 9 }, () => ({ minute: 899, priceMilli: close, volume: 0, trades: 0, side: 8 })),
  );
  // A day without trading has six bytes of zeros.
  const closed = await opened.client.ask(0x0fb5, ticksBody(20_251_228, 1, "600000", 0, 2_000));
  assert.equal(closed.body.toString("hex"), "000000000000");
});

function preCloseOn(day: Day): number {
  return market.history("600000.SH")?.bars.find((bar) => bar.day === day)?.preCloseCents ?? 0;
}

test("a minute line has 240 rows whose lots are the minutes' and the close before in front", async () => {
  await using opened = await openTdx();
  const request = hex("00000000 01 363030303030");
  request.writeUInt32LE(Number.parseInt(compactDay(LAST), 10), 0);
  const reader = new BodyReader((await opened.client.ask(0x0fb4, request)).body);
  assert.deepEqual([reader.u16(), reader.f32()], [240, Math.fround(preCloseOn(LAST) / 100)]);
  let price = 0;
  const rows = Array.from({ length: 240 }, () => {
    price += reader.varint();
    reader.varint();
    return [price, reader.varint()];
  });
  assert.ok(reader.isAtEnd);
  assert.deepEqual(
    rows,
    minuteBarsOf(market, "600000.SH", LAST).map(({ closeCents, volume }) => [closeCents, Math.floor(volume / 100)]),
  );
});

test("quotes stand in the order asked for, unknown codes with zeros", async () => {
  await using opened = await openTdx();
  const frame = await opened.client.ask(
    0x053e,
    hex("0500 000000000000 0300 01 363030303030 01 363939393939 00 303030303031"),
  );
  const reader = new BodyReader(frame.body);
  reader.u16();
  const lines = Array.from({ length: reader.u16() }, () => {
    const key = `${reader.u8()} ${reader.text(6)}`;
    const { price, preClose, volume } = readQuote(reader);
    return [key, price, preClose, volume];
  });
  assert.ok(reader.isAtEnd);
  const line = (code: string): unknown[] => {
    const bar = market.history(code)?.bars.at(-1);
    return [bar?.closeCents, bar?.preCloseCents, Math.floor((bar?.volume ?? 0) / 100)];
  };
  assert.deepEqual(lines, [
    ["1 600000", ...line("600000.SH")],
    ["1 699999", 0, 0, 0],
    ["0 000001", ...line("000001.SZ")],
  ]);
});

test("corporate actions make the reference prices, and are listed from their announcement on", async () => {
  const { actions, bars, security } =
    [...market.histories()].find((history) => history.actions.length > 0 && history.security.code.endsWith("SZ")) ??
    assert.fail();
  const last = actions.at(-1) ?? assert.fail();
  const read = async (day: Day): Promise<readonly number[][]> => {
    await using opened = await openTdx({ clock: clockAt(day, "18:00") });
    const request = Buffer.concat([hex("0100 00"), Buffer.from(security.code.slice(0, 6))]);
    const reader = new BodyReader((await opened.client.ask(0x000f, request)).body);
    reader.text(9);
    const records = Array.from({ length: reader.u16() }, () => {
      reader.text(8);
      return [reader.u32(), reader.u8(), reader.f32(), reader.f32(), reader.f32(), reader.f32()];
    });
    assert.ok(reader.isAtEnd);
    return records.filter((record) => record[1] === 1);
  };
  const records = await read(last.announcedOn);
  assert.deepEqual(
    records.map(([day]) => String(day)),
    actions.map(({ exDay }) => compactDay(exDay)),
  );
  const [, , cash = 0, price = 0, bonus = 0, rights = 0] = records.at(-1) ?? [];
  const at = bars.findIndex(({ day }) => day === last.exDay);
  const terms = {
    cashCentsPer10: Math.round(cash * 100),
    rightsPriceCents: Math.round(price * 100),
    bonusTenthsPer10: Math.round(bonus * 10),
    rightsTenthsPer10: Math.round(rights * 10),
  };
  assert.equal(exRightPrice(bars[at - 1]?.closeCents ?? 0, terms), bars[at]?.preCloseCents);
  const eve = parseDay(Temporal.PlainDate.from(last.announcedOn).subtract({ days: 1 }).toString());
  assert.equal((await read(eve)).length, actions.filter(({ announcedOn }) => announcedOn <= eve).length);
});

test("lists come in pages of 1,000, funds with three decimals, without what is delisted", async () => {
  const large = generateMarket({ seed: 2, codes: 3_000, tradingDays: 3 });
  await using simulator = await startTdxSimulator({ data: marketData(large) });
  using client = await TdxRaw.open(simulator.port);
  const count = (await client.ask(0x044e, hex("0100 75c73301"))).body.readUInt16LE(0);
  const codes: string[] = [];
  const decimals = new Map<string, number>();
  let start = 0;
  for (let size = 1_000; size === 1_000; start += size) {
    const request = hex("0100 0000");
    request.writeUInt16LE(start, 2);
    const reader = new BodyReader((await client.ask(0x0450, request)).body);
    size = reader.u16();
    for (let left = size; left > 0; left -= 1) {
      const digits = reader.text(6);
      reader.text(14);
      codes.push(digits);
      decimals.set(digits, reader.u8());
      reader.text(8);
    }
    assert.ok(reader.isAtEnd);
  }
  assert.ok(count > 1_000 && count === start, `${count} counted, ${start} listed`);
  const listed = large.securities.filter(({ code, delistedOn }) => code.endsWith("SH") && delistedOn === undefined);
  assert.deepEqual(
    codes.filter((digits) => digits.startsWith("6")),
    listed.map(({ code }) => code.slice(0, 6)),
  );
  assert.deepEqual([decimals.get("510300"), decimals.get("000001"), decimals.get("600000")], [3, 2, 2]);
  const all = await client.ask(0x044d, hex("0100 00000000 40060000 00000000"));
  assert.equal(all.body.readUInt16LE(0), Math.min(1_600, count));
  assert.equal(all.body.length, 2 + 37 * Math.min(1_600, count));
});

test("Beijing's counts and lists stay unanswered, its bars are served", async () => {
  await using opened = await openTdx();
  opened.client.send(encodeRequest(0x044e, hex("0200 75c73301"), 1));
  opened.client.send(encodeRequest(0x0450, hex("0200 0000"), 2));
  assert.equal((await opened.client.ask(0x0004, hex(""), 3)).sequence, 3);
  const code = market.securities.find((own) => own.code.endsWith("BJ"))?.code ?? assert.fail();
  const bars = readBars((await opened.client.ask(BARS, barsBody(2, code.slice(0, 6), 9, 0, 800))).body, false);
  assert.deepEqual(bars, dayRows(code));
});

test("old clients' three packets are answered, requests in flight in their order, each answer in one segment", async () => {
  await using opened = await openTdx();
  opened.client.send(
    Buffer.concat([
      hex("0c02189300010300030 00d0001"),
      hex("0c02189400010300030 00d0002"),
      hex("0c031899000120002000db0fd5d0c9ccd6a4a8af0000008fc22540130000d500c9ccbdf0d7ea00000002"),
    ]),
  );
  const answers = [await opened.client.frame(), await opened.client.frame(), await opened.client.frame()];
  assert.deepEqual(
    answers.map(({ sequence, type, body }) => [sequence, type, body.length]),
    [
      [0x0093_1802, 0x000d, 189],
      [0x0094_1802, 0x000d, 189],
      [0x0099_1803, 0x0fdb, 178],
    ],
  );
  const before = opened.client.segments.length;
  const bars = await opened.client.ask(BARS, barsBody(1, "600000", 9, 0, 800), 77);
  assert.deepEqual([bars.sequence, bars.flags], [77, 0x1c]);
  assert.deepEqual(opened.client.segments.slice(before), [bars.bytes.length]);
});

test("a request may come byte by byte, behind stray bytes, and an unknown one gets no answer", async () => {
  await using opened = await openTdx();
  for (const byte of [...hex("0000ff"), ...encodeRequest(0x0004, hex(""), 5)]) {
    opened.client.send(Uint8Array.of(byte));
  }
  assert.equal((await opened.client.frame()).sequence, 5);
  opened.client.send(encodeRequest(0x1234, hex("0000"), 6));
  assert.equal((await opened.client.ask(0x0004, hex(""), 7)).sequence, 7);
  assert.deepEqual(
    opened.simulator.requests.map(({ type, command, bytes }) => [type, command, bytes]),
    [
      [0x0004, "heartbeat", 26],
      [0x1234, undefined, 0],
      [0x0004, "heartbeat", 26],
    ],
  );
});

test("the log tells what was asked for and what came of it", async () => {
  await using opened = await openTdx();
  await opened.client.ask(BARS, barsBody(1, "600000", 9, 3, 5), 9);
  const { atMs, bytes, ...entry } = opened.simulator.requests[0] ?? assert.fail();
  assert.ok(atMs > 0 && bytes > 16);
  assert.deepEqual(entry, {
    connection: 1,
    sequence: 9,
    type: BARS,
    command: "bars",
    params: { code: "600000.SH", category: 9, start: 3, count: 5 },
    rows: 5,
    fault: undefined,
  });
});
