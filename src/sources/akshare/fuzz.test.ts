import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import * as samples from "../../../test/fixtures/akshare/golden-samples.ts";
import { createPick, mutate } from "../../../test/support/fuzz-baostock.ts";
import { heap, INPUT_MS_MAX, kindOf, MIB, Tally, type Ending } from "../../../test/support/fuzz-tally.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedHttp } from "../../../test/support/scripted-http.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import type { RowOf, DataSet } from "../../domain/rows.ts";
import { isSecurityCode, parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import { readRecords } from "./aktools.ts";
import { toEastmoneyId } from "./codes.ts";
import { readKlines } from "./eastmoney.ts";
import { readQuote, readSpotPage } from "./inquiries.ts";
import { mapBars, mapTicks } from "./mapping.ts";
import { mapCalendar, readCalendar } from "./sina-calendar.ts";
import { mapFactors, readFactorList } from "./factors.ts";
import { readSinaBars } from "./sina.ts";
import { openAkshareSource } from "./source.ts";
import { readTickInfo, readTickPage } from "./tencent.ts";

/**
 * Whatever an upstream sends ends in rows, rejected rows or an error of a known kind, in bounded time and memory. The same
 * inputs in every run (`sizes.seed`); how many is a size.
 */
const DOING = "fuzzing akshare";
const ALWAYS = { from: parseDay("1990-12-19"), to: parseDay("2030-01-01") };
const DAY = parseDay("2026-08-17");

interface Read {
  readonly rows: readonly RowOf[DataSet][];
  readonly rejected: number;
}

interface Seed {
  readonly text: string;
  readonly read: (text: string) => Read;
}

function nothing(_value: unknown): Read {
  return { rows: [], rejected: 0 };
}

function klines(text: string, code: string, frequency: "1d" | "5m", unit: "lots" | "told"): Seed {
  const parsed = parseSecurityCode(code);
  return {
    text,
    read: (input) => {
      const wire = readKlines(input, toEastmoneyId(parsed), DOING) ?? [];
      const { bars, rejected } = mapBars(wire, { code: parsed, frequency, ...ALWAYS, unit });
      return { rows: bars, rejected: rejected.length };
    },
  };
}

function ticks(text: string, symbol: string, code: string): Seed {
  const parsed = parseSecurityCode(code);
  return {
    text,
    read: (input) => {
      const page = readTickPage(input, symbol, DOING);
      const { ticks: rows, rejected } = mapTicks(page?.ticks ?? [], parsed, DAY);
      assert.equal(rows.length + rejected.length, page?.ticks.length ?? 0);
      return { rows, rejected: rejected.length };
    },
  };
}

const STAR = `{"rc":0,"data":{"code":"688001","market":1,"klines":["2026-03-13,20.00,20.50,21.00,19.00,10,20000.00"]}}`;

const SEEDS: readonly Seed[] = [
  klines(samples.EASTMONEY_601872, "601872.SH", "1d", "lots"),
  klines(samples.eastmoneyAnswer(1, "600519", [samples.FIVE_MINUTES_600519]), "600519.SH", "5m", "lots"),
  klines(STAR, "688001.SH", "1d", "told"),
  ticks(samples.TICKS_000001, "sz000001", "000001.SZ"),
  ticks(samples.TICKS_300351, "sz300351", "300351.SZ"),
  {
    text: samples.HFQ_000002,
    read: (text) => {
      const code = parseSecurityCode("000002.SZ");
      const { rows, rejected } = mapFactors(readFactorList(text, code, DOING), code, ALWAYS.to);
      return { rows, rejected: rejected.length };
    },
  },
  {
    text: samples.SINA_BARS,
    read: (text) => {
      const asked = { code: parseSecurityCode("600519.SH"), frequency: "5m", ...ALWAYS, unit: "shares" } as const;
      const { bars, rejected } = mapBars(readSinaBars(text, DOING), asked);
      return { rows: bars, rejected: rejected.length };
    },
  },
  {
    text: samples.CALENDAR_TEXT,
    read: (text) => ({
      rows: mapCalendar(readCalendar(text, DOING), parseDay("2026-01-01"), ALWAYS.to),
      rejected: 0,
    }),
  },
  { text: `var datelist="LC/j8Cw8CrI";`, read: (text) => nothing(readCalendar(text, DOING)) },
  { text: samples.TICK_INFO_000001, read: (text) => nothing(readTickInfo(text, "sz000001", DOING)) },
  { text: samples.SPOT_PAGE, read: (text) => nothing(readSpotPage(text, DOING)) },
  {
    text: `{"data":{"f43":1090,"f44":1100,"f45":1080,"f46":1085,"f47":5,"f48":1.5,"f57":"000001","f58":"n","f59":2,"f60":1}}`,
    read: (text) => nothing(readQuote(text, parseSecurityCode("000001.SZ"), DOING)),
  },
  { text: samples.AKTOOLS_000001, read: (text) => nothing(readRecords({ status: 200, text }, DOING)) },
  { text: `{"error":"该接口返回数据为空"}`, read: (text) => nothing(readRecords({ status: 404, text }, DOING)) },
];

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/;

/** A row that may be stored, as far as one row can be looked at by itself. */
function expectSound(row: RowOf[DataSet]): void {
  if ("code" in row) {
    assert.ok(isSecurityCode(row.code));
  }
  if ("tradingDay" in row) {
    assert.equal(parseDay(row.tradingDay), row.tradingDay);
  }
  if ("open" in row) {
    for (const text of [row.open, row.high, row.low, row.close, row.volume, row.turnover ?? "0"]) {
      assert.match(text, NUMBER);
    }
    assert.match(row.volume, /^\d{1,19}$/);
    assert.match(row.time, /^\d{4}-\d{2}-\d{2} (?:00|09|1[0-5]):[0-5]\d:00$/);
  }
  if ("direction" in row) {
    assert.match(row.price, NUMBER);
    assert.ok(!row.price.startsWith("-") && row.price !== "0");
    assert.match(row.time, /^2026-08-17 (?:09|1[0-5]):[0-5]\d:[0-5]\d$/);
  }
  if ("factor" in row) {
    assert.match(row.factor, /^(?!0$)\d{1,10}(?:\.\d{1,8})?$/);
  }
}

function endingOf(text: string, { read }: Seed, tally: Tally): void {
  const startedAtMs = performance.now();
  let ending: Ending;
  try {
    const { rows, rejected } = read(text);
    rows.forEach(expectSound);
    ending = rejected > 0 ? "rejected rows" : rows.length > 0 ? "rows" : "no rows";
  } catch (error) {
    ending = kindOf(error);
    if (ending === "unknown") {
      tally.unknown.push({ error, text: text.slice(0, 500) });
    }
  }
  tally.note(ending, performance.now() - startedAtMs);
}

/** The pieces that the forms are made of, so that a change keeps the form more often than not. */
const PIECES = ["0", "-", "", "1e400", "null", "[]", "{}", '"', ",", "|", "/", "9".repeat(40), "2026-02-30", "999999"];

function mutateText(text: string, pick: (below: number) => number): string {
  const at = pick(text.length + 1);
  const end = Math.min(at + pick(12), text.length);
  const piece = PIECES[pick(PIECES.length)] ?? "";
  const ways = [
    () => text.slice(0, at) + piece + text.slice(end),
    () => text.slice(0, at) + text.slice(end),
    () => text.slice(0, at),
    () => text.replace(/\d+(?:\.\d+)?(?=\D*$)/, piece),
    () => mutate(Buffer.from(text, "utf8"), pick).toString("utf8"),
    () => {
      // One of the numbers of the answer becomes another thing.
      const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)];
      const found = numbers[pick(Math.max(numbers.length, 1))];
      return found === undefined
        ? piece
        : text.slice(0, found.index) + piece + text.slice(found.index + found[0].length);
    },
  ];
  return ways[pick(ways.length)]?.() ?? text;
}

test("changed and cut answers and random text end in rows or in an error of a known kind", () => {
  const pick = createPick("akshare texts");
  const tally = new Tally();
  for (let input = 0; input < sizes.fuzzInputs; input += 1) {
    const seed = SEEDS[pick(SEEDS.length)] ?? assert.fail();
    const random = (): string => String.fromCharCode(...Array.from({ length: pick(60) }, () => pick(0x300)));
    const text = [
      () => seed.text,
      () => mutateText(seed.text, pick),
      () => mutateText(mutateText(seed.text, pick), pick),
      random,
    ][pick(4)]?.();
    endingOf(text ?? seed.text, seed, tally);
  }
  tally.close("akshare texts", ["rows", "rejected rows", "no rows", "transient"]);
});

test("answers of any form end in rows or in an error of a known kind", () => {
  const tally = new Tally();
  const strange = fc.oneof(
    fc.constantFrom("-", "", "10", "1e400", "-0", "9".repeat(200), "2026-03-13", "10:30", "null", "１"),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.double(),
    fc.constant(null),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const line = fc.oneof(
    { weight: 3, arbitrary: fc.constant("2024-12-18,6.11,6.18,6.28,6.10,842743,542829495.00") },
    {
      weight: 3,
      arbitrary: fc
        .array(strange, { maxLength: 12 })
        .map((cells) => cells.map((cell) => (typeof cell === "string" ? cell : JSON.stringify(cell))).join(",")),
    },
    { weight: 1, arbitrary: strange },
  );
  const answer = fc.record({
    code: fc.oneof({ weight: 6, arbitrary: fc.constant("601872") }, { weight: 1, arbitrary: strange }),
    market: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: strange }),
    klines: fc.oneof({ weight: 8, arbitrary: fc.array(line, { maxLength: 8 }) }, { weight: 1, arbitrary: strange }),
  });
  const seed = SEEDS[0] ?? assert.fail();
  const body = fc.oneof(
    { weight: 8, arbitrary: answer.map((data) => ({ rc: 0, data })) },
    { weight: 1, arbitrary: strange },
    { weight: 1, arbitrary: fc.record({ data: strange }) },
  );
  fc.assert(
    fc.property(body, (form) => {
      endingOf(JSON.stringify(form) ?? "", seed, tally);
      assert.deepEqual(tally.unknown, []);
    }),
    { seed: sizes.seed, numRuns: Math.ceil(sizes.fuzzInputs / 2) },
  );
  tally.close("akshare structure", ["rows", "rejected rows", "no rows", "transient"]);
});

test("calendars and lists that would fill the memory are refused, or small, in bounded time", () => {
  const head = (start: number, end: number): string => {
    const bits = [139, 63, start, end].flatMap((value, index) =>
      Array.from({ length: [12, 6, 18, 18][index] ?? 0 }, (_, place) => Math.floor(value / 2 ** place) % 2),
    );
    return bitsToText(bits);
  };
  const bombs: readonly string[] = [
    `${head(0, 262_143)}${"/".repeat(60_000)}`,
    `${head(0, 262_143)}${"A".repeat(60_000)}`,
    `${head(262_143, 262_143)}A`,
    `${head(1, 262_143)}${"+".repeat(60_000)}`,
    "A".repeat(1_000_000),
  ];
  for (const payload of bombs) {
    const startedAtMs = performance.now();
    assert.throws(() => readCalendar(`var datelist="${payload}";`, DOING), TransientError);
    assert.ok(performance.now() - startedAtMs < INPUT_MS_MAX);
  }
  const many = (piece: string): string => piece.repeat((sizes.answerMibMax * MIB) / piece.length);
  const texts: readonly (readonly [text: string, of: string])[] = [
    [`v_detail_data_sz000001=[0,"${many("/")}"]`, samples.TICKS_000001],
    [`v_detail_data_sz000001=[0,"${many("|")}"]`, samples.TICKS_000001],
    [`v_detail_time_sz000001=[20260817,"${many("|")}"]`, samples.TICK_INFO_000001],
    [`var sz000002hfq={"total":1,"data":${many("[")}`, samples.HFQ_000002],
    [many("["), samples.EASTMONEY_601872],
    [`cb(${many("(")}`, samples.EASTMONEY_601872],
    [`=(${many("(")}`, samples.SINA_BARS],
    [many("/*"), samples.SINA_BARS],
  ];
  for (const [text, of] of texts) {
    const tally = new Tally();
    const startedAtMs = performance.now();
    endingOf(text, SEEDS.find((seed) => seed.text === of) ?? assert.fail(), tally);
    assert.deepEqual(tally.unknown, []);
    const tookMs = Math.round(performance.now() - startedAtMs);
    console.log(`akshare memory: ${text.slice(0, 40)}: ${tookMs} ms`);
    assert.ok(tookMs < 10_000, text.slice(0, 40));
  }
  console.log(`akshare memory: heap ${Math.round(heap() / MIB)} MiB`);
});

function bitsToText(bits: readonly number[]): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const characters: string[] = [];
  for (let at = 0; at < bits.length; at += 6) {
    const value = bits.slice(at, at + 6).reduce((sum, bit, place) => sum + bit * 2 ** place, 0);
    characters.push(alphabet.charAt(value));
  }
  return characters.join("");
}

const CALLS: readonly Call[] = [
  toCall("bars", "601872.SH"),
  { ...toCall("bars", "600519.SH"), frequency: "5m" },
  { ...toCall("bars", "600519.SH"), api: "sina" },
  toCall("ticks", "000001.SZ"),
  toCall("adjustment-factors", "000002.SZ"),
  { dataSet: "trading-calendar", frequency: "1d", selection: { by: "range", ...ALWAYS } },
  { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status: "listed" } },
];

function toCall<D extends DataSet>(dataSet: D, code: string): Call<D> {
  const days = dataSet === "ticks" ? { from: DAY, to: DAY } : ALWAYS;
  return { dataSet, frequency: "1d", selection: { by: "codes", codes: [parseSecurityCode(code)], ...days } };
}

const SSE_LIST = `{"pageHelp":{"pageNo":1,"pageSize":10000,"pageCount":1,"total":1},"result":[{"A_STOCK_CODE":"600000","SEC_NAME_CN":"n","LIST_DATE":"19991110"}]}`;

/** Good answers by what is asked for. */
const ANSWERS: readonly (readonly [asked: string, text: string])[] = [
  ["secid=1.601872", samples.EASTMONEY_601872],
  ["secid=1.600519", samples.eastmoneyAnswer(1, "600519", [samples.FIVE_MINUTES_600519])],
  ["getKLineData", samples.SINA_BARS],
  ["action=info", `v_detail_time_sz000001=[20260817,"09:25:00~09:30:03"]`],
  ["action=data", samples.TICKS_000001],
  ["hfq.js", samples.HFQ_000002],
  ["qfq.js", samples.HFQ_000002.replace("hfq", "qfq")],
  ["klc_td", samples.CALENDAR_TEXT],
  ["sseQuery", SSE_LIST],
];

test("a source before such an upstream answers every call with a page or an error of a known kind", async () => {
  const pick = createPick("akshare connections");
  const tally = new Tally();
  await using server = await ScriptedHttp.open(({ url }) => {
    const good = ANSWERS.find(([asked]) => url.includes(asked))?.[1] ?? "";
    const text = pick(2) === 0 ? good : mutateText(good, pick);
    const [status = 200] = [[200], [200], [200], [200], [200], [403], [404], [502]][pick(8)] ?? [];
    return pick(12) === 0
      ? (response, socket) => {
          response.writeHead(status, { "content-length": `${Buffer.byteLength(text) + 9}` });
          response.write(text, () => socket.destroy());
        }
      : { status, body: text };
  });
  await using source = openAkshareSource({ clock: new ManualClock(), baseUrl: server.url, pauseMs: 0, callMsMax: 500 });
  for (let input = 0; input < sizes.fuzzConnections; input += 1) {
    const call = CALLS[pick(CALLS.length)] ?? assert.fail();
    const startedAtMs = performance.now();
    let ending: Ending = "no rows";
    try {
      const { rows, rejected } = await source.fetch(call, AbortSignal.timeout(INPUT_MS_MAX));
      rows.forEach(expectSound);
      ending = rejected.length > 0 ? "rejected rows" : rows.length > 0 ? "rows" : "no rows";
    } catch (error) {
      ending = kindOf(error);
      if (ending === "unknown") {
        tally.unknown.push(error);
      }
    }
    tally.note(ending, performance.now() - startedAtMs);
  }
  tally.close("akshare connections", ["rows", "transient"]);
});
