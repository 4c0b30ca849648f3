import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { addDays, parseDay, type Day } from "../../domain/day.ts";
import { compositeHistory } from "../../market/composites.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { truthFactorRows, truthRows } from "../../market/truth-rows.ts";
import { fixedText } from "../decimal-text.ts";
import type { BaostockQuery, BaostockRow, Published } from "./baostock-data.ts";
import { marketData } from "./market-data.ts";

const market = generateMarket({ seed: 5, codes: 60, tradingDays: 300, to: parseDay("2026-03-31") });
const data = marketData(market);
const FROM = parseDay("1990-01-01");
const TO = parseDay("2026-12-31");
const ALL: Published = { today: TO, daily: TO, weekly: TO, monthly: TO, minutes: TO, factors: TO };

function rowsOf(
  query: Partial<BaostockQuery> & Pick<BaostockQuery, "method">,
  published = ALL,
): readonly BaostockRow[] {
  const all = { raw: [], code: "", codeName: "", start: FROM, end: TO, frequency: "d", adjustFlag: "3" } as const;
  return [...data.rowsOf({ ...all, year: "", yearType: "report", ...query }, published)];
}

function bars(code: string, more: Partial<BaostockQuery> = {}): readonly BaostockRow[] {
  return rowsOf({ method: "query_history_k_data_plus", code, ...more });
}

const codes = data.codes.filter((code) => data.kindOf(code) === "stock");
const toCode = (code: string): string => `${code.slice(3)}.${code.slice(0, 2).toUpperCase()}`;

test("every stock of Shanghai and Shenzhen is there, nothing of Beijing, and the composites", () => {
  assert.deepEqual(
    codes.map(toCode).toSorted(),
    market.securities.map(({ code }) => String(code)).filter((code) => !code.endsWith(".BJ")),
  );
  assert.ok(market.securities.some(({ code }) => code.endsWith(".BJ")));
  assert.deepEqual(
    ["sh.000001", "sz.399001", "sh.510300", "sz.159915", "sh.999999"].map((code) => data.kindOf(code)),
    ["index", "index", "etf", "etf", undefined],
  );
});

test("daily rows as traded are the truth's bars, with the suspended days between them", () => {
  let suspended = 0;
  for (const code of codes) {
    const rows = bars(code);
    const traded = rows.filter(({ tradestatus }) => tradestatus === "1");
    assert.deepEqual(
      traded.map((row) => [
        row["date"],
        row["open"],
        row["high"],
        row["low"],
        row["close"],
        row["volume"],
        row["amount"],
      ]),
      [...truthRows(market, [toCode(code)])].map((row) => [
        row.day,
        padded(row.open),
        padded(row.high),
        padded(row.low),
        padded(row.close),
        row.volume,
        padded(row.amount),
      ]),
    );
    rows.forEach((row, at) => {
      if (row["tradestatus"] === "0") {
        suspended += 1;
        const before = rows[at - 1]?.["close"] ?? row["close"];
        const prices = [row["open"], row["high"], row["low"], row["close"], row["preclose"]];
        assert.deepEqual(new Set(prices), new Set([before]));
        assert.deepEqual([row["volume"], row["amount"], row["turn"], row["pctChg"]], ["0", "0.0000", "", "0.000000"]);
      }
    });
    const days = market.history(toCode(code));
    const wholeDays = days?.suspensions.filter(({ timing }) => timing === undefined) ?? [];
    assert.equal(rows.length, (days?.bars.length ?? 0) + wholeDays.length);
  }
  assert.ok(suspended > 20, String(suspended));
});

test("suspended days may come without a volume", () => {
  const empty = marketData(market, { suspendedVolume: "" });
  const volumes = codes.flatMap((code) =>
    [...empty.rowsOf({ ...queryOf(code), frequency: "d" }, ALL)].flatMap((row) =>
      row["tradestatus"] === "0" ? [row["volume"]] : [],
    ),
  );
  assert.deepEqual(new Set(volumes), new Set([""]));
});

test("back factors of events, carried from day to day, are the truth's factors", () => {
  let events = 0;
  for (const code of codes) {
    const rows = rowsOf({ method: "query_adjust_factor", code });
    events += rows.length;
    assert.equal(rows.at(-1)?.["foreAdjustFactor"] ?? "1.000000", "1.000000");
    for (const { day, factor } of truthFactorRows(market, [toCode(code)])) {
      const back = rows.findLast((row) => (row["dividOperateDate"] ?? "") <= day)?.["backAdjustFactor"] ?? "1.000000";
      assert.equal(back, fixedText(BigInt(Math.round(Number(factor) * 10_000)) * 100n, 6), `${code} ${day}`);
    }
  }
  assert.ok(events > codes.length, String(events));
});

test("forward factors are rewritten when a newer event is out", () => {
  const code = codeWithEvents();
  const newest = rowsOf({ method: "query_adjust_factor", code }).at(-1)?.["dividOperateDate"];
  assert.ok(newest !== undefined);
  const factors = addDays(parseDay(newest), -1);
  const [before, after] = [
    rowsOf({ method: "query_adjust_factor", code }, { ...ALL, factors }),
    rowsOf({ method: "query_adjust_factor", code }),
  ];
  assert.equal(before.length, after.length - 1);
  assert.equal(before.at(-1)?.["foreAdjustFactor"], "1.000000");
  assert.notEqual(after.at(-2)?.["foreAdjustFactor"], "1.000000");
  assert.equal(before.at(-1)?.["backAdjustFactor"], after.at(-2)?.["backAdjustFactor"]);
});

test("adjusted bars are the bars as traded times the factors that the factor query tells", () => {
  const code = codeWithEvents();
  const factors = rowsOf({ method: "query_adjust_factor", code });
  for (const [adjustFlag, column] of [
    ["1", "backAdjustFactor"],
    ["2", "foreAdjustFactor"],
  ] as const) {
    const raw = bars(code);
    bars(code, { adjustFlag }).forEach((row, at) => {
      const factor =
        factors.findLast((one) => (one["dividOperateDate"] ?? "") <= (row["date"] ?? ""))?.[column] ?? "1.000000";
      assert.equal(row["close"], product(raw[at]?.["close"] ?? "", factor), `${row["date"]}`);
      assert.deepEqual(
        [row["volume"], row["pctChg"], row["adjustflag"]],
        [raw[at]?.["volume"], raw[at]?.["pctChg"], adjustFlag],
      );
    });
  }
});

test("minutes fold to the day: 48, 16, 8 and 4 rows, with its prices and sums", () => {
  for (const code of ["sh.600000", "sh.510300"]) {
    const day = parseDay("2026-03-30");
    const [daily] = bars(code, { start: day, end: day });
    for (const [frequency, count, first] of [
      ["5", 48, "20260330093500000"],
      ["15", 16, "20260330094500000"],
      ["30", 8, "20260330100000000"],
      ["60", 4, "20260330103000000"],
    ] as const) {
      const rows = bars(code, { start: day, end: day, frequency });
      assert.deepEqual([rows.length, rows[0]?.["time"], rows.at(-1)?.["time"]], [count, first, "20260330150000000"]);
      assert.deepEqual([rows[0]?.["open"], rows.at(-1)?.["close"]], [daily?.["open"], daily?.["close"]]);
      const column = (name: string): readonly string[] => rows.map((row) => row[name] ?? "");
      const asNumbers = (name: string): readonly number[] => column(name).map(Number);
      assert.equal(Math.max(...asNumbers("high")), Number(daily?.["high"]));
      assert.equal(Math.min(...asNumbers("low")), Number(daily?.["low"]));
      assert.equal(String(sum(column("volume"))), daily?.["volume"]);
      assert.equal(
        sum(column("amount").map((text) => text.replace(".", ""))),
        BigInt((daily?.["amount"] ?? "").replace(".", "")),
      );
    }
    const ends = bars(code, { start: day, end: day, frequency: "60" }).map(({ time }) => time?.slice(8, 12));
    assert.deepEqual(ends, ["1030", "1130", "1400", "1500"]);
  }
});

test("a day without trading has no minutes", () => {
  const code = codes.find((one) => bars(one).some(({ tradestatus }) => tradestatus === "0")) ?? "";
  const suspended = bars(code).find(({ tradestatus }) => tradestatus === "0")?.["date"];
  const day = parseDay(suspended);
  assert.deepEqual(bars(code, { start: day, end: day, frequency: "5" }), []);
});

test("weeks and months are dated by their last trading day and made of its days; one that is not over has no row", () => {
  for (const [frequency, key] of [
    ["w", (day: string) => mondayOf(parseDay(day))],
    ["m", (day: string) => day.slice(0, 7)],
  ] as const) {
    const daily = bars("sh.600000", { adjustFlag: "1" });
    const groups = Map.groupBy(daily, ({ date }) => key(date ?? ""));
    const rows = bars("sh.600000", { frequency, adjustFlag: "1" });
    for (const row of rows) {
      const days = groups.get(key(row["date"] ?? "")) ?? [];
      assert.equal(row["date"], days.at(-1)?.["date"]);
      assert.deepEqual([row["open"], row["close"]], [days[0]?.["open"], days.at(-1)?.["close"]]);
      assert.equal(Number(row["high"]), Math.max(...days.map(({ high }) => Number(high))));
      assert.equal(Number(row["low"]), Math.min(...days.map(({ low }) => Number(low))));
      assert.equal(row["volume"], String(sum(days.map(({ volume }) => volume ?? ""))));
      assert.equal(Object.keys(row).length, 11);
    }
    // The market ends on Tuesday, 2026-03-31: its last week has days to come, its last month has none.
    assert.equal(rows.length, frequency === "w" ? groups.size - 1 : groups.size);
  }
});

test("the last week of a stock that left in the middle of it is over", () => {
  const left = rowsOf({ method: "query_stock_basic" }).filter(({ status }) => status === "0");
  const lastDays = left.flatMap(({ code = "", outDate }) => {
    const last = bars(code).at(-1);
    const isSameWeek = mondayOf(parseDay(last?.["date"])) === mondayOf(parseDay(outDate));
    return last?.["tradestatus"] === "1" && isSameWeek ? [[code, last["date"]] as const] : [];
  });
  assert.ok(lastDays.length > 0);
  for (const [code, day] of lastDays) {
    assert.equal(bars(code, { frequency: "w" }).at(-1)?.["date"], day);
  }
});

test("indices and funds have the composites' bars; the index has no adjustment, no turnover rate and no status", () => {
  const index = bars("sh.000001");
  const truth = compositeHistory(market, "000001.SH");
  assert.deepEqual(
    index.map((row) => [row["date"], row["close"], row["volume"]]),
    truth.map((bar) => [bar.day, `${fixedText(bar.closeMilli, 3)}0`, String(bar.volume)]),
  );
  const funds = rowsOf({ method: "query_daily_history_k_ETF", start: parseDay("2026-03-30") });
  assert.deepEqual(
    funds.map((row) => [row["code"], row["peTTM"], row["isST"]]),
    [
      ["sh.510300", "", "1"],
      ["sz.159915", "", "1"],
    ],
  );
});

test("a day's batch has what each code's own rows have of that day", () => {
  const day = parseDay("2026-01-08");
  const batch = rowsOf({ method: "query_daily_history_k_AStock", start: day });
  const each = codes.flatMap((code) => bars(code, { start: day, end: day }));
  assert.deepEqual(batch, each);
  assert.ok(batch.length > 40);
  const events = market.securities.flatMap(({ code }) => market.history(code)?.actions ?? []);
  const exDay = events.find(({ code }) => !code.endsWith(".BJ"))?.exDay;
  assert.ok(exDay !== undefined);
  const factors = rowsOf({ method: "query_daily_adjust_factor", start: exDay, end: exDay });
  assert.deepEqual(
    factors.map(({ code }) => toCode(code ?? "")),
    events
      .filter((event) => event.exDay === exDay && !event.code.endsWith(".BJ"))
      .map(({ code }) => code)
      .toSorted(byExchange),
  );
  assert.ok(factors.every((row) => row["adjustFacto"] === row["backAdjustFactor"]));
});

test("all stocks of a day: who is listed then, with or without a trade; nothing on a day off", () => {
  const day = parseDay("2026-01-08");
  const rows = rowsOf({ method: "query_all_stock", start: day });
  const listed = market.securities.filter(
    ({ code, listedOn, delistedOn }) =>
      !code.endsWith(".BJ") && listedOn <= day && (delistedOn === undefined || delistedOn > day),
  );
  assert.equal(rows.length, listed.length + 4);
  const suspended = rowsOf({ method: "query_suspended_stocks", start: day }).map(({ code }) => code);
  assert.deepEqual(
    rows.flatMap(({ code, tradeStatus }) => (tradeStatus === "0" ? [code] : [])),
    suspended,
  );
  assert.deepEqual(rowsOf({ method: "query_all_stock", start: parseDay("2026-01-10") }), []);
});

test("the list of stocks: by code, by a part of the name, all; with the day on which one left", () => {
  const [one] = rowsOf({ method: "query_stock_basic", code: "sh.600000" });
  const security = market.securities.find(({ code }) => code === "600000.SH");
  assert.deepEqual(one, {
    code: "sh.600000",
    code_name: security?.name,
    ipoDate: security?.listedOn,
    outDate: "",
    type: "1",
    status: "1",
  });
  const all = rowsOf({ method: "query_stock_basic" });
  assert.equal(all.length, data.codes.length);
  const gone = all.filter(({ status }) => status === "0");
  assert.deepEqual(
    gone.map(({ code, outDate }) => [toCode(code ?? ""), outDate]),
    market.securities
      .filter(({ code, delistedOn }) => delistedOn !== undefined && !code.endsWith(".BJ"))
      .map(({ code, delistedOn }) => [code, delistedOn]),
  );
  assert.ok(gone.length > 0);
  const etfs = rowsOf({ method: "query_stock_basic", codeName: "ETF" });
  assert.deepEqual(
    etfs.map(({ code, type }) => [code, type]),
    [
      ["sh.510300", "5"],
      ["sz.159915", "5"],
    ],
  );
});

test("dividends by the year of announcement or of the ex-day; in words, too", () => {
  const dividends = codes.flatMap((code) =>
    rowsOf({ method: "query_dividend_data", code, year: "2026", yearType: "operate" }),
  );
  assert.ok(dividends.length > 3);
  for (const row of dividends) {
    assert.ok(row["dividOperateDate"]?.startsWith("2026"));
    assert.match(row["dividCashStock"] ?? "", /^10(?:送[\d.]+股)?(?:派[\d.]+元（含税，扣税后[\d.]+或[\d.]+元）)?$/);
  }
});

test("trade dates are every day of the calendar", () => {
  const rows = rowsOf({ method: "query_trade_dates", start: parseDay("2026-09-28"), end: parseDay("2026-10-09") });
  assert.deepEqual(rows.map((row) => row["is_trading_day"]).join(""), "111000000011");
});

/** A code with two events within the market. */
function codeWithEvents(): string {
  const found = codes.find((code) => (market.history(toCode(code))?.actions.length ?? 0) > 1);
  assert.ok(found !== undefined);
  return found;
}

function queryOf(code: string): BaostockQuery {
  return {
    method: "query_history_k_data_plus",
    raw: [],
    code,
    codeName: "",
    start: FROM,
    end: TO,
    frequency: "d",
    adjustFlag: "3",
    year: "",
    yearType: "report",
  };
}

/** Four decimals. */
function padded(text: string): string {
  const [whole, fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(4, "0")}`;
}

/** Four decimals times six decimals are ten. */
function product(left: string, right: string): string {
  return fixedText(BigInt(left.replace(".", "")) * BigInt(right.replace(".", "")), 10);
}

function sum(texts: readonly string[]): bigint {
  return texts.reduce((total, text) => total + BigInt(text), 0n);
}

function mondayOf(day: Day): string {
  return addDays(day, 1 - Temporal.PlainDate.from(day).dayOfWeek);
}

function byExchange(left: string, right: string): number {
  return `${left.slice(7)}${left}` < `${right.slice(7)}${right}` ? -1 : 1;
}
