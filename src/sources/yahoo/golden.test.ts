import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import {
  APPLE_DAY,
  GOLD_HOURS,
  REFUSALS,
  SHANGHAI_LIVE,
  TENCENT_WEEK,
} from "../../../test/fixtures/yahoo/golden-samples.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { marketOf } from "../../domain/market.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseBody, parseLossless } from "../http/json-text.ts";
import { readChart, type Chart, type Split } from "./chart.ts";
import { readAnswer } from "./client.ts";
import { toFaultError } from "./errors.ts";
import { mapFactors } from "./factors.ts";
import { mapIntradayBars } from "./intraday.ts";
import { mapDailyBars, type Mapped } from "./mapping.ts";
import { ONE } from "./ratio.ts";
import { recoverPrice } from "./recover.ts";
import { toChartPath } from "./requests.ts";

const DATA = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/yahoo`;
const skip = existsSync(DATA) ? false : `NOT RUN: no recordings at ${DATA}, set GINKGO_TEST_DATA`;

function chartOf(parsed: unknown): Chart {
  const chart = isRecord(parsed) && isRecord(parsed["chart"]) ? parsed["chart"]["result"] : undefined;
  return readChart(Array.isArray(chart) ? chart[0] : undefined, "reading a recording");
}

const [FIRST, LAST] = [parseDay("1990-01-01"), parseDay("2099-12-31")];

interface MapOptions {
  readonly from?: Day;
  readonly to?: Day;
  readonly period2?: number;
  readonly later?: readonly Split[];
}

function mapDaily(chart: Chart, name: string, options: MapOptions = {}): Mapped {
  const code = parseSecurityCode(name);
  const { from = FIRST, to = LAST, period2 = 4_000_000_000, later = [] } = options;
  return mapDailyBars(chart, { code, market: marketOf(code), from, to, period2, splits: [...chart.splits, ...later] });
}

test("a day of Apple, before the split of four to one in the same year", () => {
  const split = { stamp: 1598880600, ratio: { numerator: 4n, denominator: 1n } };
  const { rows, rejected } = mapDaily(chartOf(parseLossless(APPLE_DAY)), "AAPL.US", { later: [split] });
  assert.deepEqual(rejected, []);
  assert.deepEqual(rows, [
    {
      code: "AAPL.US",
      frequency: "1d",
      tradingDay: "2020-01-02",
      time: "2020-01-02 00:00:00",
      zone: "America/New_York",
      open: "296.24",
      high: "300.6",
      low: "295.19",
      close: "300.35",
      preClose: undefined,
      volume: "33870100",
      turnover: undefined,
      source: 6,
      flags: 32,
    },
  ]);
});

test("days of Shanghai: a place of nulls is no bar, the live row has its day", () => {
  const { rows, rejected } = mapDaily(chartOf(parseLossless(SHANGHAI_LIVE)), "600497.SH");
  assert.deepEqual(rejected, []);
  assert.equal(rows.length, 8);
  const [first] = rows;
  assert.deepEqual([first?.tradingDay, first?.open, first?.volume], ["2017-11-16", "6.65", "34039227"]);
  const last = rows.at(-1);
  assert.deepEqual([last?.tradingDay, last?.close, last?.volume], ["2017-11-27", "6.51", "54005417"]);
});

test("a week of Tencent", () => {
  const { rows } = mapDaily(chartOf(parseLossless(TENCENT_WEEK)), "00700.HK");
  assert.deepEqual(
    rows.map(({ tradingDay, high, close, volume }) => `${tradingDay} ${high} ${close} ${volume}`),
    [
      "2026-08-03 491 490.4 38649910",
      "2026-08-04 494.8 487.6 24860019",
      "2026-08-05 497.8 492.2 25662478",
      "2026-08-06 491 479.2 21801977",
      "2026-08-07 483.2 478.8 16320039",
    ],
  );
});

test("the provider's hours of Shanghai are none of ours and become no bar", () => {
  const slots = GOLD_HOURS.map(([instant, open, close, volume]) => ({
    stamp: Temporal.Instant.from(instant).epochMilliseconds / 1_000,
    open,
    close,
    volume,
    high: close,
    low: open,
  }));
  assert.deepEqual(
    slots.map(({ open }) => recoverPrice(open, ONE)),
    ["5.812", "5.835", "5.848", "5.846", "5.847", "5.843"],
  );
  const chart: Chart = {
    symbol: "518880.SS",
    currency: "CNY",
    zone: "Asia/Shanghai",
    granularity: "1h",
    tradingPeriods: undefined,
    slots,
    splits: [],
    payments: [],
  };
  const target = { code: parseSecurityCode("518880.SH"), market: "CN", from: FIRST, to: LAST, splits: [] } as const;
  const { rows } = mapIntradayBars(chart, {
    ...target,
    period2: 4_000_000_000,
    nowSeconds: 4_000_000_000,
    frequency: "60m",
    wireMinutes: 15,
    minutes: 60,
  });
  assert.deepEqual(rows, []);
});

test("recorded refusals have their kind", () => {
  const header = (): readonly string[] => [];
  const kindsOf = Object.entries(REFUSALS).map(([name, text]) => {
    const answer = readAnswer({ status: 404, header, body: Buffer.from(text) }, "chart", "asking");
    assert.ok("fault" in answer, name);
    return [name, toFaultError(404, answer.fault, "asking").name];
  });
  assert.deepEqual(Object.fromEntries(kindsOf), {
    notFound: "DataError",
    depth: "DataError",
    interval: "DataError",
    crumb: "TransientError",
  });
});

interface Recording {
  readonly url: URL;
  readonly chart: Chart;
  readonly body: Readonly<Record<string, unknown>>;
}

function readRecording(name: string): Recording {
  const parsed = parseBody(readFileSync(`${DATA}/${name}.json`, "utf8"));
  assert.ok(isRecord(parsed) && isRecord(parsed["request"]) && isRecord(parsed["response"]));
  const { url } = parsed["request"];
  const body = parsed["response"]["bodyJson"];
  assert.ok(typeof url === "string" && isRecord(body));
  return { url: new URL(url), chart: chartOf(body), body };
}

const WEEKS = "chart-AAPL-2020-08-31-to-2020-11-07";
const WEEKEND = "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m";
const XETRA = "chart-WSU.DE-2023-08-04-to-2023-08-09";
const NVIDIA = "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv";

test("a request is written as the recorded ones were", { skip }, () => {
  for (const name of [WEEKS, WEEKEND, XETRA, NVIDIA]) {
    const { url } = readRecording(name);
    const query = url.searchParams;
    const interval = query.get("interval") === "1m" ? "1m" : "1d";
    const path = toChartPath({
      symbol: url.pathname.split("/").at(-1) ?? "",
      interval,
      period1: Number.parseInt(query.get("period1") ?? "", 10),
      period2: Number.parseInt(query.get("period2") ?? "", 10),
      includePrePost: query.get("includePrePost") === "true",
      events: (query.get("events") ?? "").split("|"),
    });
    assert.equal(`/${path}`, `${url.pathname}${url.search}`);
  }
});

test("weeks of Apple with its split and a dividend", { skip }, () => {
  const { chart } = readRecording(WEEKS);
  const { rows, rejected } = mapDaily(chart, "AAPL.US");
  assert.deepEqual(rejected, []);
  assert.equal(rows.length, 49);
  const [first] = rows;
  // The ex-day itself is traded in new shares.
  assert.deepEqual(
    [first?.tradingDay, first?.open, first?.close, first?.volume],
    ["2020-08-31", "127.58", "129.04", "225702700"],
  );
  assert.equal(rows.at(-1)?.tradingDay, "2020-11-06");
  const target = { code: parseSecurityCode("AAPL.US"), market: "US", to: LAST, period2: 4_000_000_000 } as const;
  // Before the split's day there is no close, so only the dividend of 0.205 at 119.03 changes prices.
  assert.deepEqual(mapFactors(chart, target), {
    rows: [{ code: "AAPL.US", tradingDay: "2020-11-06", factor: "1.00172523", source: 6 }],
    rejected: [],
  });
});

test("a weekend has no bar", { skip }, () => {
  const { chart } = readRecording(WEEKEND);
  assert.equal(chart.granularity, "1m");
  assert.deepEqual(chart.slots, []);
});

test("days of another continent, whole", { skip }, () => {
  const { chart } = readRecording(XETRA);
  assert.deepEqual([chart.symbol, chart.currency, chart.zone], ["WSU.DE", "EUR", "Europe/Berlin"]);
  assert.deepEqual(chart.slots[0], {
    stamp: 1691132400,
    open: "34.25",
    high: "34.54999923706055",
    low: "34.099998474121094",
    close: "34.45000076293945",
    volume: "1251",
  });
});

test("a year of Nvidia is whole cents and whole shares before its two splits", { skip }, () => {
  const { chart } = readRecording(NVIDIA);
  const later = { stamp: 1718026200, ratio: { numerator: 10n, denominator: 1n } };
  const { rows, rejected } = mapDaily(chart, "NVDA.US", { later: [later] });
  assert.deepEqual(rejected, []);
  assert.equal(rows.length, 252);
  const cents = /^\d+(?:\.\d\d?)?$/;
  assert.ok(rows.every(({ open, high, low, close }) => [open, high, low, close].every((price) => cents.test(price))));
  const [first] = rows;
  assert.deepEqual([first?.tradingDay, first?.close, first?.volume], ["2021-02-01", "529.48", "5430100"]);
  const around = rows.filter(({ tradingDay }) => tradingDay === "2021-07-19" || tradingDay === "2021-07-20");
  // 751.19 on the last day of old shares, 186.12 on the first one of new ones, as they were printed.
  assert.deepEqual(
    around.map(({ close }) => close),
    ["751.19", "186.12"],
  );
  // Without the split that came after the recording, each would be a tenth.
  assert.equal(mapDaily(chart, "NVDA.US").rows[0]?.close, "52.948");
});
