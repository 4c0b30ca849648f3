import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import * as fc from "fast-check";

import { APPLE_DAY, REFUSALS, SHANGHAI_LIVE, TENCENT_WEEK } from "../../../test/fixtures/yahoo/golden-samples.ts";
import { createPick, mutate, type Pick } from "../../../test/support/fuzz-baostock.ts";
import { INPUT_MS_MAX, kindOf, MIB, Tally, type Ending } from "../../../test/support/fuzz-tally.ts";
import {
  chartBody,
  clockAt,
  ScriptedYahoo,
  stampOf,
  type WireRow,
  type YahooAsked,
} from "../../../test/support/scripted-yahoo.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { compareDecimal, scaleOf, ZERO } from "../../base/decimal.ts";
import { addDays, parseDay } from "../../domain/day.ts";
import type { Bar, DataSet, RowOf } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import type { Page, Source } from "../../ports/source.ts";
import { isRecord, parseLossless } from "../http/json-text.ts";
import { mapCalendar } from "./calendar.ts";
import { readChart, type Chart } from "./chart.ts";
import { readAnswer } from "./client.ts";
import { toFaultError } from "./errors.ts";
import { mapFactors } from "./factors.ts";
import { mapIntradayBars } from "./intraday.ts";
import { mapDailyBars } from "./mapping.ts";
import { openYahooSource } from "./source.ts";

/**
 * Whatever a server sends ends in sound rows, rejected rows or an error of a known kind, in bounded time and memory. The
 * same inputs in every run (`sizes.seed`); how many is a size.
 */
const DOING = "fuzzing yahoo";
const DATA = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/yahoo`;
const hasRecordings = existsSync(DATA);
const [FROM, TO] = [parseDay("2017-01-01"), parseDay("2026-12-31")];
const END = 1_800_000_000;

const QUARTERS: readonly WireRow[] = Array.from({ length: 26 }, (_, index) => [
  stampOf("2026-03-09T09:30:00", "America/New_York") + index * 900,
  [100.01, 101.5, 99.25, 100.75, 1_000],
]);
const EVENTS = {
  dividends: { "1773236000": { amount: 0.205, date: 1773236000, currency: "USD" } },
  splits: { "1773322400": { date: 1773322400, numerator: 4, denominator: 1, splitRatio: "4:1" } },
};

function seeds(): readonly string[] {
  const recorded = hasRecordings
    ? readdirSync(DATA).map((name) => {
        const parsed: unknown = JSON.parse(readFileSync(`${DATA}/${name}`, "utf8"));
        const response = isRecord(parsed) && isRecord(parsed["response"]) ? parsed["response"] : {};
        return JSON.stringify(response["bodyJson"]);
      })
    : [];
  const made = chartBody({ symbol: "AAPL", rows: QUARTERS, granularity: "15m", events: EVENTS });
  return [APPLE_DAY, SHANGHAI_LIVE, TENCENT_WEEK, REFUSALS.notFound, made, ...recorded];
}

/** What the source does with a body, without the network: every mapping in turn, since any answer may come to any question. */
function decode(body: Buffer, pick: Pick): Ending {
  const answer = readAnswer({ status: pick(10) === 0 ? 500 : 200, header: () => [], body }, "chart", DOING);
  if ("fault" in answer) {
    throw toFaultError(answer.status, answer.fault, DOING);
  }
  const chart = readChart(Array.isArray(answer.result) ? answer.result[0] : undefined, DOING);
  const code = parseSecurityCode(["AAPL.US", "600497.SH", "00700.HK"][pick(3)]);
  const market = code.endsWith("US") ? "US" : code.endsWith("HK") ? "HK" : "CN";
  const target = { code, market, from: FROM, to: TO, period2: END, splits: chart.splits } as const;
  const wire = { wireMinutes: 15, minutes: [15, 30][pick(2)] ?? 15, frequency: "15m", nowSeconds: END } as const;
  const ways = [
    () => mapDailyBars(chart, target),
    () => mapDailyBars(chart, target),
    () => mapIntradayBars(chart, { ...target, ...wire }),
    () => mapFactors(chart, target),
    () => toCalendar(chart),
  ];
  const { rows, rejected } = ways[pick(ways.length)]?.() ?? { rows: [], rejected: [] };
  for (const row of rows) {
    requireSound(row);
  }
  for (const { day, raw, detail } of rejected) {
    assert.ok(raw.length <= 2_000 && detail !== "" && (day === undefined || /^\d{4}-/.test(day)));
  }
  return rejected.length > 0 ? "rejected rows" : rows.length > 0 ? "rows" : "no rows";
}

function toCalendar(chart: Chart): MappedRows {
  return { rows: mapCalendar(chart, { market: "US", from: FROM, lastFinal: TO }, DOING), rejected: [] };
}

type MappedRows = { readonly rows: readonly RowOf[DataSet][]; readonly rejected: Page["rejected"] };

function requireSound(row: RowOf[DataSet]): void {
  if ("open" in row) {
    requireSoundBar(row);
  } else if ("factor" in row) {
    assert.ok(compareDecimal(row.factor, ZERO) > 0 && scaleOf(row.factor) <= 8, row.factor);
  } else {
    assert.ok("isOpen" in row && row.day >= FROM && row.day <= TO);
  }
}

function requireSoundBar({ open, high, low, close, volume, time, tradingDay, turnover }: Bar): void {
  assert.ok(tradingDay >= FROM && tradingDay <= TO && time.startsWith(`${tradingDay} `), time);
  assert.match(time, /^\d{4}-\d\d-\d\d [0-2]\d:[0-5]\d:00$/);
  assert.ok([open, high, low, close].every((price) => /^-?\d{1,14}(?:\.\d{1,4})?$/.test(price)));
  assert.match(volume, /^\d{1,19}$/);
  assert.equal(turnover, undefined);
}

function endingOf(decoding: () => Ending, body: Buffer, tally: Tally): void {
  const startedAtMs = performance.now();
  let ending: Ending;
  try {
    ending = decoding();
  } catch (error) {
    ending = kindOf(error);
    if (ending === "unknown") {
      tally.unknown.push({ error, body: body.toString("latin1").slice(0, 2_000) });
    }
  }
  tally.note(ending, performance.now() - startedAtMs);
}

test("changed and cut answers and random bytes end in sound rows or in an error of a known kind", () => {
  const all = seeds();
  console.log(`yahoo fuzz: ${all.length} answers to begin with${hasRecordings ? "" : " (SKIPPED: the recordings)"}`);
  const pick = createPick("yahoo bytes");
  const tally = new Tally();
  for (let input = 0; input < sizes.fuzzInputs; input += 1) {
    const seed = Buffer.from(all[pick(all.length)] ?? "", "utf8");
    const ways = [
      () => seed,
      () => mutate(seed, pick),
      () => mutate(seed, pick),
      () => Buffer.from(Array.from({ length: pick(400) }, () => pick(256))),
    ];
    const body = ways[pick(ways.length)]?.() ?? seed;
    endingOf(() => decode(body, pick), body, tally);
  }
  tally.close("yahoo bytes", ["rows", "rejected rows", "no rows", "transient", "data"]);
});

/** Any value that JSON has, numbers beyond every bound among them. */
const HOSTILE = [
  "null",
  "true",
  `""`,
  `"NaN"`,
  "-1",
  "0",
  "1e400",
  "1e-400",
  "9".repeat(100),
  `0.${"3".repeat(70)}`,
  "3.4028234663852886e+38",
  "1.401298464324817e-45",
  "1773063000",
  "-99999999999",
  "[]",
  "{}",
  "[[]]",
  "[null]",
  `{"1":{"date":1773063000,"amount":1e30}}`,
  `{"1":{"date":"x"}}`,
  `{"1773063000":{"numerator":1e50,"denominator":1e-50}}`,
  `{"1773063000":{"numerator":1,"denominator":0}}`,
  `[[{"start":1773063000,"end":1773063000}]]`,
  `{"regular":[{"start":1}]}`,
];

/** Changes some values of a parsed answer and writes it down again; places are counted over the whole tree. */
function mutateWithin(seed: unknown, pick: Pick): string {
  const count = countOf(seed);
  const wanted = new Set(Array.from({ length: 1 + pick(4) }, () => pick(count)));
  let at = 0;
  const write = (value: unknown): string => {
    at += 1;
    if (wanted.has(at - 1)) {
      skip(value);
      return HOSTILE[pick(HOSTILE.length)] ?? "null";
    }
    if (Array.isArray(value)) {
      return `[${value.map(write).join(",")}]`;
    }
    if (isRecord(value)) {
      const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${write(inner)}`);
      return `{${entries.join(",")}}`;
    }
    // A number is its source text; quoting it would only be another kind of cell.
    return typeof value === "string" && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(value) ? value : JSON.stringify(value);
  };
  const skip = (value: unknown): void => {
    at += countOf(value) - 1;
  };
  return write(seed);
}

function countOf(value: unknown): number {
  const inner: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
  return inner.reduce<number>((sum, one) => sum + countOf(one), 1);
}

test("answers of a changed structure end in sound rows or in an error of a known kind", () => {
  const small = seeds().filter(({ length }) => length < 6_000);
  const parsed = small.map((text) => parseLossless(text));
  const pick = createPick("yahoo structure");
  const tally = new Tally();
  for (let input = 0; input < sizes.fuzzInputs; input += 1) {
    const body = Buffer.from(mutateWithin(parsed[pick(parsed.length)], pick), "utf8");
    endingOf(() => decode(body, pick), body, tally);
  }
  tally.close("yahoo structure", ["rows", "rejected rows", "no rows", "transient", "data"]);
});

const cell = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 0.01, max: 5_000, noNaN: true }).map((value) => Math.fround(value)) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const row = fc.tuple(cell, cell, cell, cell, fc.oneof(fc.nat(2_000_000_000), fc.constant(null)));

test("a page has a bar or a rejected row for each place with a value, on its own day and once", () => {
  const begin = parseDay("2020-01-01");
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
      const wire = rows.map((one, index): WireRow => [
        stampOf(`${addDays(begin, index)}T09:30:00`, "America/New_York"),
        one,
      ]);
      const parsed = parseLossless(chartBody({ symbol: "AAPL", rows: wire }));
      const answer = isRecord(parsed) && isRecord(parsed["chart"]) ? parsed["chart"]["result"] : undefined;
      const chart = readChart(Array.isArray(answer) ? answer[0] : undefined, DOING);
      const code = parseSecurityCode("AAPL.US");
      const mapped = mapDailyBars(chart, { code, market: "US", from: FROM, to: TO, period2: END, splits: [] });
      const isFull = (one: (typeof rows)[number]): boolean => one.every((value) => value !== null);
      const isEmpty = (one: (typeof rows)[number]): boolean => one.every((value) => value === null);
      const days = rows.map((one, index) => ({ one, day: addDays(begin, index) }));
      assert.deepEqual(
        mapped.rows.map(({ tradingDay }) => tradingDay),
        days.filter(({ one }) => isFull(one)).map(({ day }) => day),
      );
      assert.deepEqual(
        mapped.rejected.map(({ day }) => day),
        days.filter(({ one }) => !isFull(one) && !isEmpty(one)).map(({ day }) => day),
      );
      for (const bar of mapped.rows) {
        requireSoundBar(bar);
      }
    }),
    { seed: sizes.seed, numRuns: Math.ceil(sizes.fuzzInputs / 30) },
  );
});

test("answers that would fill the memory are refused or read within the caps", () => {
  // The client refuses more than 4 MiB: parsing a number as text takes a hundred times as long as skipping it.
  const large = Math.min(sizes.answerMibMax / 16, 4) * MIB;
  const repeat = (text: string): string => text.repeat(Math.floor(large / text.length));
  const bodies: Readonly<Record<string, string>> = {
    brackets: repeat("["),
    "objects within each other": repeat(`{"a":`),
    "one long text": `{"chart":"${"x".repeat(large)}"}`,
    "stamps without bars": `{"chart":{"result":[{"meta":{},"timestamp":[${repeat("1,")}1],"indicators":{}}],"error":null}}`,
    "events without end": `{"chart":{"result":[{"meta":{},"events":{"splits":[${repeat("{},")}{}]}}],"error":null}}`,
  };
  for (const [name, text] of Object.entries(bodies)) {
    const startedAtMs = performance.now();
    assert.throws(
      () => decode(Buffer.from(text), () => 1),
      (error) => kindOf(error) !== "unknown",
      name,
    );
    const tookMs = Math.round(performance.now() - startedAtMs);
    console.log(`yahoo memory: ${name}: refused in ${tookMs} ms`);
    assert.ok(tookMs < 10_000, name);
  }
});

test("a source before such a server answers every call with a page or an error of a known kind", async () => {
  const all = seeds();
  const pick = createPick("yahoo connections");
  const tally = new Tally();
  const answering = ({ path, query }: YahooAsked): string => {
    const granularity = query.get("interval") ?? "";
    const symbol = decodeURIComponent(path.split("/").at(-1) ?? "");
    return chartBody({ symbol, rows: QUARTERS.slice(0, 1), granularity, events: EVENTS });
  };
  await using server = await ScriptedYahoo.open((asked) => {
    const seed = Buffer.from(pick(3) === 0 ? (all[pick(all.length)] ?? "") : answering(asked), "utf8");
    const body = pick(3) === 0 ? mutate(seed, pick) : seed;
    const status = [200, 200, 200, 404, 429, 503][pick(6)] ?? 200;
    const headers =
      [{}, {}, { "content-encoding": "gzip" }, { location: "https://guce.yahoo.com/consent" }][pick(4)] ?? {};
    return { status, headers, body: pick(20) === 0 ? undefined : body };
  });
  await using source: Source = openYahooSource({
    clock: clockAt("2026-12-31T00:00:00Z"),
    baseUrl: server.url,
    callMsMax: 500,
  });
  const range = { from: FROM, to: TO } as const;
  const codes = [parseSecurityCode("AAPL.US")];
  const calls: readonly Call[] = [
    { dataSet: "bars", frequency: "1d", selection: { by: "codes", codes, ...range } },
    { dataSet: "bars", frequency: "60m", selection: { by: "codes", codes, ...range } },
    { dataSet: "adjustment-factors", frequency: "1d", selection: { by: "codes", codes, ...range } },
    { dataSet: "trading-calendar", frequency: "1d", selection: { by: "range", ...range, market: "US" } },
  ];
  for (let input = 0; input < sizes.fuzzConnections; input += 1) {
    const startedAtMs = performance.now();
    let ending: Ending = "rows";
    try {
      await source.fetch(calls[pick(calls.length)] ?? assert.fail(), AbortSignal.timeout(INPUT_MS_MAX));
    } catch (error) {
      ending = kindOf(error);
      if (ending === "unknown") {
        tally.unknown.push(error);
      }
    }
    tally.note(ending, performance.now() - startedAtMs);
  }
  tally.close("yahoo connections", ["rows", "transient", "data"]);
});
