import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import * as samples from "../../../test/fixtures/akshare/golden-samples.ts";
import { TransientError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { BAR_FLAGS, TICK_FLAGS, type Bar } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { readRecords } from "./aktools.ts";
import { toEastmoneyId } from "./codes.ts";
import { readKlines } from "./eastmoney.ts";
import { readSpotPage } from "./inquiries.ts";
import { mapBars, mapTicks, type VolumeUnit } from "./mapping.ts";
import { mapCalendar, readCalendar } from "./sina-calendar.ts";
import { mapFactors, readFactorList } from "./factors.ts";
import { readSinaBars } from "./sina.ts";
import { readTickInfo, readTickPage } from "./tencent.ts";

const DOING = "reading a sample";
function openDays(text: string): readonly Day[] {
  const calendar = readCalendar(text, DOING);
  return mapCalendar(calendar, calendar.from, calendar.to).flatMap(({ day, isOpen }) => (isOpen ? [day] : []));
}

const ALWAYS = { from: parseDay("1990-12-19"), to: parseDay("2030-01-01") };

function barsOf(text: string, code: string, frequency: Frequency = "1d", unit: VolumeUnit = "lots"): readonly Bar[] {
  const parsed = parseSecurityCode(code);
  const wire = readKlines(text, toEastmoneyId(parsed), DOING) ?? assert.fail("no data");
  const { bars, rejected } = mapBars(wire, { code: parsed, frequency, ...ALWAYS, unit });
  assert.deepEqual(rejected, []);
  return bars;
}

test("Eastmoney's day has open, close, high, low in this order, volume in lots, amount in yuan", () => {
  const [first] = barsOf(samples.EASTMONEY_601872, "601872.SH");
  assert.deepEqual(first, {
    code: "601872.SH",
    frequency: "1d",
    tradingDay: "2024-12-18",
    time: "2024-12-18 00:00:00",
    zone: "Asia/Shanghai",
    open: "6.11",
    high: "6.28",
    low: "6.1",
    close: "6.18",
    preClose: undefined,
    volume: "84274300",
    turnover: "542829495",
    source: 5,
    flags: 0,
  });
  const bars = barsOf(samples.eastmoneyAnswer(0, "000001", samples.DAYS_000001), "000001.SZ");
  assert.deepEqual(
    bars.map(({ volume, turnover }) => [volume, turnover]),
    [
      ["84193900", "920839355.51"],
      ["71560300", "782089440.63"],
    ],
  );
});

test("an index is in lots too, and a row of eight columns is as good as one of eleven", () => {
  const bars = barsOf(samples.EASTMONEY_000300, "000300.SH");
  assert.equal(bars.length, 3);
  assert.deepEqual([bars[0]?.close, bars[0]?.volume], ["4340.76", "17127737300"]);
  assert.equal(bars[0]?.turnover, "428620471197.9");
});

test("a bar of five minutes stands at its end", () => {
  const text = samples.eastmoneyAnswer(1, "600519", [samples.FIVE_MINUTES_600519]);
  const [bar] = barsOf(text, "600519.SH", "5m");
  assert.deepEqual(
    [bar?.time, bar?.open, bar?.close, bar?.high, bar?.low, bar?.volume, bar?.turnover],
    ["2026-04-23 13:30:00", "1415.71", "1416.41", "1417.54", "1415.7", "27900", "39510718"],
  );
});

test("three days of 600519 are those that the recorded client saw", () => {
  const bars = barsOf(samples.eastmoneyAnswer(1, "600519", samples.DAYS_600519), "600519.SH");
  assert.deepEqual(
    bars.map(({ close, volume }) => `${close} ${volume}`),
    ["1413.64 3360800", "1460.18 6008600", "1485 4945400"],
  );
});

test("data: null is silence, and an answer about another security is not believed", () => {
  const id = toEastmoneyId(parseSecurityCode("600519.SH"));
  assert.equal(readKlines(samples.EASTMONEY_UNKNOWN, id, DOING), undefined);
  assert.throws(() => readKlines(samples.EASTMONEY_601872, id, DOING), TransientError);
  const wrongMarket = samples.eastmoneyAnswer(0, "600519", []);
  assert.throws(() => readKlines(wrongMarket, id, DOING), /0.*and not about 1\.600519/);
  const wrapped = readKlines(`cb(${samples.eastmoneyAnswer(1, "600519", samples.DAYS_600519)});`, id, DOING);
  assert.equal(wrapped?.length, 3);
});

test("a page of prices has its numbers as they were written", () => {
  const { total, cells } = readSpotPage(samples.SPOT_PAGE, DOING);
  assert.equal(total, 5_535);
  assert.deepEqual([cells[0]?.["f6"], cells[2]?.["f2"]], ["840465778.05", "-"]);
  assert.throws(() => readSpotPage(samples.SPOT_NOTHING, DOING), TransientError);
});

test("Tencent's prints have their second, their side and their place in it", () => {
  const code = parseSecurityCode("000001.SZ");
  const page = readTickPage(samples.TICKS_000001, "sz000001", DOING) ?? assert.fail();
  const { ticks, rejected } = mapTicks(page.ticks, code, parseDay("2026-08-17"));
  assert.deepEqual(rejected, []);
  assert.deepEqual(ticks[0], {
    code,
    tradingDay: "2026-08-17",
    time: "2026-08-17 09:25:00",
    zone: "Asia/Shanghai",
    sequence: 0,
    price: "11.2",
    volume: "2104800",
    trades: undefined,
    direction: TICK_DIRECTION.ACTIVEBUY,
    source: 5,
    flags: TICK_FLAGS.auction,
  });
  assert.deepEqual([ticks[1]?.direction, ticks[1]?.flags], [TICK_DIRECTION.ACTIVESELL, 0]);
  assert.equal(readTickPage(samples.TICKS_300351, "sz300351", DOING)?.ticks.length, 3);
  const second = readTickPage(samples.TICKS_002451, "sz002451", DOING);
  assert.deepEqual([second?.number, second?.sequences], [1, [70, 71]]);
  assert.deepEqual(readTickInfo(samples.TICK_INFO_000001, "sz000001", DOING), {
    day: "2026-08-17",
    beginnings: ["09:25:00", "09:33:27"],
  });
  assert.throws(() => readTickInfo(samples.TICK_INFO_000001, "sz000002", DOING), TransientError);
  assert.equal(readTickPage("", "sz000001", DOING), undefined);
  assert.equal(readTickPage(`v_detail_data_sz000001=[7,""]`, "sz000001", DOING), undefined);
});

test("Sina's calendar of 2026 has every trading day, and the one that it forgot", () => {
  const calendar = readCalendar(samples.CALENDAR_TEXT, DOING);
  assert.deepEqual([calendar.from, calendar.to, calendar.open.size], ["1990-12-19", "2026-12-31", 8_797]);
  const open = openDays(samples.CALENDAR_TEXT);
  const ofYear = (year: string): readonly Day[] => open.filter((day) => day.startsWith(year));
  assert.deepEqual([ofYear("2025").length, ofYear("2026").length], [243, 242]);
  const days = ["2026-02-13", "2026-02-24", "2026-10-08", "1992-05-04"].map((day) => parseDay(day));
  assert.ok(days.every((day) => open.includes(day)));
  assert.deepEqual(
    mapCalendar(calendar, parseDay("2026-02-13"), parseDay("2026-02-24")).map(({ isOpen }) => isOpen),
    [true, ...Array.from({ length: 10 }, () => false), true],
  );
});

const DATA = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/calendar/cn-trading-days.json`;

test("Sina's calendar is that of the captured list, day for day", (t) => {
  if (!existsSync(DATA)) {
    t.skip(`SKIPPED: there is no ${DATA}`);
    return;
  }
  const known = (JSON.parse(readFileSync(DATA, "utf8")) as readonly string[]).map((day) => parseDay(day));
  assert.deepEqual(openDays(samples.CALENDAR_TEXT), known);
});

test("the small calendar of nine days decodes to them", () => {
  const days = ["02", "03", "04", "05", "08", "10", "11", "12", "15"].map((day) => `2024-01-${day}`);
  assert.deepEqual(openDays(`var datelist="LC/j8Cw8CrI";`), days);
});

test("a calendar that is cut, or that was changed in one character, is not believed", () => {
  const text = samples.CALENDAR_PAYLOAD;
  for (const payload of [text.slice(0, -1), text.slice(0, 200), `${text}A`, `A${text.slice(1)}`]) {
    assert.throws(() => readCalendar(`var datelist="${payload}";`, DOING), TransientError, payload);
  }
  let believed = 0;
  for (let at = 12; at < text.length; at += 1) {
    const changed = `${text.slice(0, at)}${text.charAt(at) === "B" ? "C" : "B"}${text.slice(at + 1)}`;
    try {
      readCalendar(`var datelist="${changed}";`, DOING);
      believed += 1;
    } catch (error) {
      assert.ok(error instanceof TransientError);
    }
  }
  // A change may only move one closed day between two runs.
  assert.ok(believed < text.length / 5, `${believed} of ${text.length}`);
});

test("Sina's factors are rounded to eight digits, and what follows the list is left out", () => {
  const code = parseSecurityCode("000002.SZ");
  const list = readFactorList(samples.HFQ_000002, code, DOING);
  const { rows, rejected } = mapFactors(list, code, parseDay("2022-12-31"));
  assert.deepEqual(rejected, []);
  assert.deepEqual(
    rows.map(({ tradingDay, factor }) => [tradingDay, factor]),
    [
      ["2022-08-25", "160.81884658"],
      ["2021-08-25", "151.4445012"],
    ],
  );
  assert.throws(() => readFactorList(samples.QFQ_000001, parseSecurityCode("000001.SZ"), DOING), /not sz000001hfq/);
  const short = samples.HFQ_000002.replace(`"total":4`, `"total":5`);
  assert.throws(() => readFactorList(short, code, DOING), TransientError);
});

test("Sina's bars have open, high, low, close in this order and volume in shares", () => {
  const code = parseSecurityCode("600519.SH");
  const wire = readSinaBars(samples.SINA_BARS, DOING);
  const { bars } = mapBars(wire, { code, frequency: "5m", ...ALWAYS, unit: "shares" });
  const [bar] = bars;
  assert.deepEqual(
    [bar?.time, bar?.open, bar?.high, bar?.low, bar?.close, bar?.volume, bar?.turnover],
    ["2026-02-25 14:55:00", "4.22", "4.22", "4.21", "4.21", "367300", "1545926.9902"],
  );
  const script = `/*<script>location.href='//sina.com';</script>*/\n=(${samples.SINA_BARS});`;
  assert.deepEqual(readSinaBars(script, DOING), wire);
  assert.deepEqual(readSinaBars("null", DOING), []);
});

test("AKTools' days are Eastmoney's: rounded lots, two digits of a yuan", () => {
  const records = readRecords({ status: 200, text: samples.AKTOOLS_000001 }, DOING);
  assert.deepEqual([records[0]?.["成交额"], records[0]?.["收盘"]], ["2037648413.07", "9.5"]);
});

test("the auction's row of the minute line belongs to the first minute", () => {
  const code = parseSecurityCode("000001.SZ");
  const wire = samples.MINUTES_000001.map(([endsAt, open, close, high, low, volume, amount]) => ({
    day: "2024-03-20",
    endsAt,
    open,
    high,
    low,
    close,
    volume,
    amount,
    raw: "",
  }));
  const { bars, rejected } = mapBars(wire, { code, frequency: "1m", ...ALWAYS, unit: "lots" });
  assert.deepEqual(rejected, []);
  assert.equal(bars.length, samples.MINUTES_000001.length - 1);
  const [first] = bars;
  assert.deepEqual(
    [first?.time, first?.open, first?.high, first?.low, first?.close, first?.volume, first?.turnover],
    ["2024-03-20 09:31:00", "10.38", "10.4", "10.38", "10.4", "2014100", "20918098"],
  );
  assert.equal(bars.at(-2)?.volume, "0", "a minute without trade is a bar");
  assert.ok(bars.every(({ flags }) => (flags & BAR_FLAGS.noTurnover) === 0));
});
