import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { compactDay, parseDay, type Day } from "../../domain/day.ts";
import { compositeHistory } from "../../market/composites.ts";
import { foldMinutes, minuteBarsOf, type MinuteBar } from "../../market/intraday.ts";
import { barsBody, BodyReader, TdxRaw, ticksBody } from "../../../test/support/tdx-raw.ts";
import { readBars, readTicks } from "../../../test/support/tdx-read.ts";
import { dayRows, LAST, market, minutesOf, openTdx } from "../../../test/support/tdx-rig.ts";
import { marketData } from "./market-data.ts";
import { startTdxSimulator } from "./simulator.ts";
import type { TdxBar } from "./tdx-data.ts";

const BEFORE = parseDay("2025-12-30");
const BARS = 0x052d;

interface MinuteRow {
  readonly day: string;
  readonly minute: number;
  readonly prices: readonly number[];
  readonly volume: number;
  readonly turnoverYuan: number;
}

function readMinutes(body: Buffer): readonly MinuteRow[] {
  const reader = new BodyReader(body);
  let base = 0;
  const rows = Array.from({ length: reader.u16() }, () => {
    const packed = reader.u16();
    const minute = reader.u16();
    const open = base + reader.varint();
    base = open + reader.varint();
    const prices = [open, open + reader.varint(), open + reader.varint(), base];
    const day = String((Math.floor(packed / 2_048) + 2004) * 10_000 + (packed % 2_048));
    return { day, minute, prices, volume: reader.f32(), turnoverYuan: reader.f32() };
  });
  assert.ok(reader.isAtEnd);
  return rows;
}

function toMinuteRow({ day, endsAt, volume, turnoverCents, ...bar }: MinuteBar): MinuteRow {
  return {
    day: compactDay(day),
    minute: minutesOf(endsAt),
    prices: [bar.openCents, bar.highCents, bar.lowCents, bar.closeCents].map((cents) => cents * 10),
    volume: Math.fround(volume),
    turnoverYuan: Math.fround(turnoverCents / 100),
  };
}

test("daily pages count from the newest bar, each oldest first; together they are the market's bars, lots cut off", async () => {
  await using opened = await openTdx();
  const pages: (readonly TdxBar[])[] = [];
  for (const start of [0, 50, 100]) {
    pages.unshift(readBars((await opened.client.ask(BARS, barsBody(1, "600000", 9, start, 50))).body, false));
  }
  assert.deepEqual(
    pages.map(({ length }) => length),
    [20, 50, 50],
  );
  assert.deepEqual(pages.flat(), dayRows("600000.SH"));
  const beyond = await opened.client.ask(BARS, barsBody(1, "600000", 9, 120, 50));
  assert.equal(beyond.body.toString("hex"), "0000");
});

test("category 4 has the same days with every share", async () => {
  await using opened = await openTdx();
  const code = market.securities.find(({ board }) => board.hasSingleShares)?.code ?? assert.fail();
  const [number, digits] = [code.endsWith("SH") ? 1 : 2, code.slice(0, 6)];
  const shares = readBars((await opened.client.ask(BARS, barsBody(number, digits, 4, 0, 1))).body, false)[0];
  const lots = readBars((await opened.client.ask(BARS, barsBody(number, digits, 9, 0, 1))).body, false)[0];
  const volume = market.history(code)?.bars.at(-1)?.volume ?? 0;
  assert.equal(shares?.volume, Math.fround(volume) * 100);
  assert.equal(lots?.volume, Math.floor(volume / 100) * 100);
  assert.ok(volume % 100 !== 0);
});

test("minutes of every length are the market's, stamped with their end, in shares", async () => {
  await using opened = await openTdx();
  for (const [category, length] of [
    [7, 1],
    [8, 1],
    [0, 5],
    [1, 15],
    [2, 30],
    [3, 60],
  ] as const) {
    const rows = readMinutes((await opened.client.ask(BARS, barsBody(0, "000001", category, 0, 480 / length))).body);
    const expected = [BEFORE, LAST].flatMap((day) => {
      const minutes = minuteBarsOf(market, "000001.SZ", day);
      return length === 1 ? minutes : foldMinutes(minutes, length);
    });
    assert.deepEqual(rows, expected.map(toMinuteRow));
  }
});

test("minutes reach 24,000 rows back and pages may begin within a day", async () => {
  await using opened = await openTdx();
  const oldest = readMinutes((await opened.client.ask(BARS, barsBody(1, "600000", 8, 23_900, 800))).body);
  assert.equal(oldest.length, 100);
  const day = market.days.at(-100) ?? assert.fail();
  assert.deepEqual(oldest[0], minuteBarsOf(market, "600000.SH", day).slice(0, 1).map(toMinuteRow)[0]);
  assert.equal((await opened.client.ask(BARS, barsBody(1, "600000", 8, 24_000, 800))).body.length, 2);
  // A request for more than a page gets a page.
  assert.equal(readMinutes((await opened.client.ask(BARS, barsBody(1, "600000", 8, 0, 2_000))).body).length, 800);
});

test("an index has its counts behind every row, a fund three decimals", async () => {
  await using opened = await openTdx();
  const index = readBars((await opened.client.ask(BARS, barsBody(1, "000001", 9, 0, 800))).body, true);
  assert.deepEqual(
    index.map(({ day, closeMilli, ups, downs, volume }) => [day, closeMilli, ups, downs, volume]),
    compositeHistory(market, "000001.SH").map((bar) => [
      bar.day,
      bar.closeMilli,
      bar.ups,
      bar.downs,
      Math.fround(Math.floor(bar.volume / 10_000)) * 100,
    ]),
  );
  const fund = readBars((await opened.client.ask(BARS, barsBody(1, "510300", 9, 0, 800))).body, false);
  assert.deepEqual(
    fund.map(({ closeMilli }) => closeMilli),
    compositeHistory(market, "510300.SH").map(({ closeMilli }) => closeMilli),
  );
  assert.ok(fund.some(({ closeMilli }) => closeMilli % 10 !== 0));
  const date = Number.parseInt(compactDay(LAST), 10);
  const ticks = readTicks((await opened.client.ask(0x0fb5, ticksBody(date, 1, "510300", 0, 2_000))).body, "past");
  assert.equal((ticks.at(-1)?.priceMilli ?? 0) / 10, compositeHistory(market, "510300.SH").at(-1)?.closeMilli);
});

test("weeks, months, quarters and years hold their days and end with the last one", async () => {
  await using opened = await openTdx();
  const days = dayRows("600000.SH");
  for (const [category, keyOf] of [
    [5, (day: Day) => weekOf(day)],
    [6, (day: Day) => day.slice(0, 7)],
    [10, (day: Day) => `${day.slice(0, 4)} ${Math.floor((Number.parseInt(day.slice(5, 7), 10) - 1) / 3)}`],
    [11, (day: Day) => day.slice(0, 4)],
  ] as const) {
    const rows = readBars((await opened.client.ask(BARS, barsBody(1, "600000", category, 0, 800))).body, false);
    const groups = [...Map.groupBy(days, ({ day }) => keyOf(day)).values()];
    assert.deepEqual(
      rows.map(({ day, openMilli, highMilli, closeMilli }) => [day, openMilli, highMilli, closeMilli]),
      groups.map((group) => [
        group.at(-1)?.day,
        group[0]?.openMilli,
        Math.max(...group.map(({ highMilli }) => highMilli)),
        group.at(-1)?.closeMilli,
      ]),
    );
  }
});

function weekOf(day: Day): string {
  const date = Temporal.PlainDate.from(day);
  return `${date.yearOfWeek} ${date.weekOfYear}`;
}

test("what is not known has no rows: codes, categories, multipliers other than 1", async () => {
  await using opened = await openTdx();
  for (const body of [
    barsBody(1, "699999", 9, 0, 10),
    barsBody(0, "600000", 9, 0, 10),
    barsBody(1, "600000", 12, 0, 10),
    barsBody(1, "600000", 9, 0, 10, 0),
  ]) {
    assert.equal((await opened.client.ask(BARS, body)).body.toString("hex"), "0000");
  }
});

test("a suspended day has a bar without volume at the close before, unless that is turned off; a delisted code has nothing", async () => {
  const code = suspendedCode();
  const stops = market.history(code)?.suspensions.filter(({ timing }) => timing === undefined) ?? [];
  await using opened = await openTdx();
  const body = barsBody(code.endsWith("SH") ? 1 : 0, code.slice(0, 6), 9, 0, 800);
  const rows = readBars((await opened.client.ask(BARS, body)).body, false);
  const quiet = rows.filter(({ volume }) => volume === 0);
  assert.deepEqual(
    quiet.map(({ day }) => day),
    stops.map(({ day }) => day),
  );
  const first = quiet[0] ?? assert.fail();
  assert.equal(first.openMilli, rows[rows.indexOf(first) - 1]?.closeMilli);
  await using without = await startTdxSimulator({ data: marketData(market, { hasRowsOnSuspendedDays: false }) });
  using client = await TdxRaw.open(without.port);
  assert.deepEqual(readBars((await client.ask(BARS, body)).body, false), dayRows(code));

  const gone = market.securities.find(({ delistedOn }) => delistedOn !== undefined)?.code ?? assert.fail();
  const goneBody = barsBody(gone.endsWith("SH") ? 1 : 0, gone.slice(0, 6), 9, 0, 800);
  assert.equal((await opened.client.ask(BARS, goneBody)).body.length, 2);
});

/** A listed code with suspended days after its first bar. */
function suspendedCode(): string {
  for (const { security, suspensions, bars } of market.histories()) {
    const whole = suspensions.filter(({ timing }) => timing === undefined);
    const isAfterFirst = whole.length > 0 && whole.every(({ day }) => day > (bars[0]?.day ?? ""));
    if (isAfterFirst && security.delistedOn === undefined && !security.code.endsWith("BJ")) {
      return security.code;
    }
  }
  assert.fail("the market has no suspended code");
}
