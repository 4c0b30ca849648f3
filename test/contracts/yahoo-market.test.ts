import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DataError, TransientError } from "../../src/base/errors.ts";
import { addDays, parseDay, type Day } from "../../src/domain/day.ts";
import type { Frequency } from "../../src/domain/frequency.ts";
import type { MarketName } from "../../src/domain/market.ts";
import type { AdjustmentFactor, Bar, DataSet, RowOf } from "../../src/domain/rows.ts";
import { kindOf } from "../../src/domain/instrument-kind.ts";
import { exchangeOf, parseSecurityCode, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Call } from "../../src/domain/unit.ts";
import { COMPOSITES, compositeHistory, compositeMinutes } from "../../src/market/composites.ts";
import { generateForeignMarkets } from "../../src/market/foreign.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { foldMinutes, minuteBarsOf, type MinutesFolded } from "../../src/market/intraday.ts";
import { decimalOf } from "../../src/market/truth-rows.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Fault } from "../../src/simulators/yahoo/faults.ts";
import { yahooData } from "../../src/simulators/yahoo/market-data.ts";
import { startYahooSimulator, type YahooSimulator } from "../../src/simulators/yahoo/simulator.ts";
import { openYahooSource } from "../../src/sources/yahoo/source.ts";
import { createSetClock } from "../support/yahoo-charts.ts";

/** Generated markets through the provider's adjusting, widening and stamps and back: every cell as it was traded. */
const market = generateMarket({ seed: 7, codes: 60, tradingDays: 300 });
const foreign = generateForeignMarkets({ seed: 7, tradingDays: 300 });
const clock = createSetClock("2026-01-04T00:00:00Z");
const [FROM, TO] = [parseDay("2024-01-01"), parseDay("2026-01-03")];

let simulator: YahooSimulator;
let source: Source;
before(async () => {
  simulator = await startYahooSimulator({ data: yahooData(market, foreign), clock });
  source = openYahooSource({ clock, baseUrl: simulator.url, cookieUrl: simulator.url, pauseMs: 0 });
});
after(async () => {
  await source[Symbol.asyncDispose]();
  await simulator[Symbol.asyncDispose]();
});

async function fetchAll<D extends DataSet>(call: Call<D>): Promise<readonly RowOf[D][]> {
  const rows: RowOf[D][] = [];
  const left: Call<D>[] = [call];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const page = await source.fetch(next, AbortSignal.timeout(20_000));
    assert.deepEqual(page.rejected, []);
    rows.push(...page.rows);
    left.push(...page.rest);
  }
  return rows;
}

function barsOf(code: SecurityCode, frequency: Frequency, from: Day = FROM, to: Day = TO): Promise<readonly Bar[]> {
  return fetchAll({ dataSet: "bars", frequency, selection: { by: "codes", codes: [code], from, to } });
}

const shown = ({ time, open, high, low, close, volume }: Bar): string =>
  [time, open, high, low, close, volume].join(" ");

interface Traded {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

function truth(time: string, { open, high, low, close, volume }: Traded, decimals: number): string {
  const prices = [open, high, low, close].map((price) => decimalOf(price, decimals));
  return [time, ...prices, `${volume}`].join(" ");
}

const codes = market.securities
  .filter(({ code, delistedOn }) => exchangeOf(code) !== "BJ" && delistedOn === undefined)
  .map(({ code }) => code);

test("every daily bar of Shanghai and Shenzhen comes back to the cell", async () => {
  let bars = 0;
  for (const code of codes) {
    const wanted = (market.history(code)?.bars ?? []).map((bar) => {
      const traded = { open: bar.openCents, high: bar.highCents, low: bar.lowCents, close: bar.closeCents };
      return truth(`${bar.day} 00:00:00`, { ...traded, volume: bar.volume }, 2);
    });
    assert.deepEqual((await barsOf(code, "1d")).map(shown), wanted, code);
    bars += wanted.length;
  }
  assert.ok(bars > 10_000, `${bars} bars`);
});

test("so do funds, to the thousandth", async () => {
  const funds = COMPOSITES.filter(
    ({ code, suffix }) => kindOf(code) !== "index" && (suffix === "SH" || suffix === "SZ"),
  );
  assert.ok(funds.length > 0);
  for (const { code } of funds) {
    const wanted = compositeHistory(market, code).map((bar) => {
      const traded = { open: bar.openMilli, high: bar.highMilli, low: bar.lowMilli, close: bar.closeMilli };
      return truth(`${bar.day} 00:00:00`, { ...traded, volume: bar.volume }, 3);
    });
    assert.deepEqual((await barsOf(code, "1d")).map(shown), wanted, code);
  }
});

test("every daily bar of Hong Kong and the United States comes back to the cell", async () => {
  for (const { code, decimals, kind } of foreign.securities) {
    if (kind !== "index") {
      const wanted = (foreign.history(code)?.bars ?? []).map((bar) => truth(`${bar.day} 00:00:00`, bar, decimals));
      assert.deepEqual((await barsOf(parseSecurityCode(code), "1d")).map(shown), wanted, code);
    }
  }
});

/** The newest days that the provider has bars of within the day. */
const newest = (days: readonly Day[], count: number): readonly Day[] => days.slice(-count);

test("bars within the day of Shanghai and Shenzhen end where ours end and have the same cells", async () => {
  for (const [frequency, days] of [
    ["1m", newest(market.days, 8)],
    ["5m", newest(market.days, 12)],
    ["15m", newest(market.days, 12)],
    ["30m", newest(market.days, 12)],
    ["60m", newest(market.days, 12)],
  ] as const) {
    const minutes = Number.parseInt(frequency, 10);
    for (const code of codes.slice(0, 4)) {
      const wanted = days.flatMap((day) => {
        const bars = minuteBarsOf(market, code, day);
        const folded = minutes === 1 ? bars : foldMinutes(bars, minutes as MinutesFolded);
        return folded.map((bar) => {
          const traded = { open: bar.openCents, high: bar.highCents, low: bar.lowCents, close: bar.closeCents };
          return truth(`${day} ${bar.endsAt}:00`, { ...traded, volume: bar.volume }, 2);
        });
      });
      const rows = await barsOf(code, frequency, days[0], days.at(-1));
      assert.deepEqual(rows.map(shown), wanted, `${code} ${frequency}`);
    }
  }
});

test("so do minutes of a fund", async () => {
  const fund = COMPOSITES.find(({ code, suffix }) => kindOf(code) !== "index" && suffix === "SH");
  assert.ok(fund !== undefined);
  const days = newest(market.days, 3);
  const wanted = days.flatMap((day) =>
    compositeMinutes(market, fund.code, day).map((bar) => {
      const traded = { open: bar.openMilli, high: bar.highMilli, low: bar.lowMilli, close: bar.closeMilli };
      return truth(`${day} ${bar.endsAt}:00`, { ...traded, volume: bar.volume }, 3);
    }),
  );
  assert.deepEqual((await barsOf(fund.code, "1m", days[0], days.at(-1))).map(shown), wanted);
});

test("bars within the day of Hong Kong and the United States have the cells of their minutes, on half days too", async () => {
  for (const { code, decimals, market: name } of foreign.securities) {
    if (code !== "00700.HK" && code !== "AAPL.US") {
      continue;
    }
    const frequencies = ["1m", "5m", "15m", "30m", ...(name === "US" ? (["60m"] as const) : [])] as const;
    for (const frequency of frequencies) {
      const minutes = Number.parseInt(frequency, 10);
      const days = newest(foreign.days(name), frequency === "1m" ? 12 : 30);
      const wanted: readonly string[] = days.flatMap((day) =>
        foldForeign(foreign.minutes(code, day), minutes, day, decimals),
      );
      const rows = await barsOf(parseSecurityCode(code), frequency, days[0], days.at(-1));
      assert.deepEqual(rows.map(shown), wanted, `${code} ${frequency}`);
    }
  }
});

interface Minute extends Traded {
  readonly startsAt: number;
}

/** Sessions begin at 9:30 and, in Hong Kong after noon, at 13:00; no interval goes across noon. */
function foldForeign(minutes: readonly Minute[], length: number, day: Day, decimals: number): readonly string[] {
  const hasNoon = !minutes.some(({ startsAt }) => startsAt === 720);
  const sessionOf = (at: number): number => (hasNoon && at >= 780 ? 780 : 570);
  const groups = Map.groupBy(minutes, ({ startsAt }) => {
    const start = sessionOf(startsAt);
    return start + Math.floor((startsAt - start) / length) * length;
  });
  return [...groups.values()].map((group) => {
    const [first, last] = [group[0], group.at(-1)];
    assert.ok(first !== undefined && last !== undefined);
    const end = last.startsAt + 1;
    const time = `${day} ${`${Math.floor(end / 60)}`.padStart(2, "0")}:${`${end % 60}`.padStart(2, "0")}:00`;
    return truth(
      time,
      {
        open: first.open,
        high: Math.max(...group.map(({ high }) => high)),
        low: Math.min(...group.map(({ low }) => low)),
        close: last.close,
        volume: group.reduce((sum, { volume }) => sum + volume, 0),
      },
      decimals,
    );
  });
}

test("factors are the product of splits and dividends by the raw closes before them", async () => {
  let events = 0;
  for (const { code, kind, decimals } of foreign.securities) {
    const history = foreign.history(code);
    if (kind === "index" || history === undefined) {
      continue;
    }
    let [numerator, denominator] = [1n, 1n];
    const wanted = history.actions.map((action) => {
      const before = history.bars.findLast(({ day }) => day < action.exDay);
      assert.ok(before !== undefined);
      if (action.kind === "split") {
        numerator *= BigInt(action.numerator);
        denominator *= BigInt(action.denominator);
      } else {
        // In ten-thousandths of the currency.
        const close = BigInt(before.close) * 10n ** BigInt(4 - decimals);
        numerator *= close;
        denominator *= close - BigInt(action.amountE4);
      }
      const scaled = (2n * numerator * 10n ** 8n + denominator) / (2n * denominator);
      return `${action.exDay} ${decimalOf(Number(scaled), 8)}`;
    });
    const selection = { by: "codes", codes: [parseSecurityCode(code)], from: FROM, to: TO } as const;
    const rows = await fetchAll({ dataSet: "adjustment-factors", frequency: "1d", selection });
    const text = ({ tradingDay, factor }: AdjustmentFactor): string => `${tradingDay} ${factor}`;
    assert.deepEqual(rows.map(text), wanted, code);
    events += wanted.length;
  }
  assert.ok(events > 15, `${events} events`);
});

test("the days of each foreign market are open and closed as they were", async () => {
  for (const name of ["HK", "US"] as const satisfies readonly MarketName[]) {
    const days = foreign.days(name);
    const [first, last] = [days[0] ?? FROM, days.at(-1) ?? TO];
    const selection = { by: "range", from: first, to: TO, market: name } as const;
    const rows = await fetchAll({ dataSet: "trading-calendar", frequency: "1d", selection });
    assert.deepEqual(
      rows.filter(({ isOpen }) => isOpen).map(({ day }) => day),
      days,
    );
    assert.deepEqual([rows[0]?.day, rows.at(-1)?.day], [first, last]);
    assert.ok(rows.every(({ day }, index) => day === addDays(first, index)));
  }
});

test("a badly sent answer brings rows as they were traded, fewer of them, or an error of a known kind", async () => {
  const code = parseSecurityCode("AAPL.US");
  const history = foreign.history(code)?.bars ?? [];
  const faults: readonly Fault[] = [
    { kind: "empty" },
    { kind: "stale", days: 3 },
    { kind: "gaps", days: 3 },
    { kind: "null-rows", days: 3 },
    { kind: "live-row" },
    { kind: "beyond" },
    { kind: "after-hours" },
    { kind: "half-arrays" },
    { kind: "half-arrays", key: "close", count: 4 },
    { kind: "bad-number" },
    { kind: "bad-number", key: "open", value: "NaN" },
    { kind: "wrong-symbol" },
    { kind: "coarse" },
    { kind: "coarse", isTold: false },
    { kind: "coarse", interval: "1wk", isTold: false },
    { kind: "truncated" },
    { kind: "garbage" },
    { kind: "consent", isRedirect: true },
    { kind: "ban", ms: 0 },
  ];
  const wanted = {
    "1d": history.map((bar) => truth(`${bar.day} 00:00:00`, bar, 2)),
    "15m": newest(foreign.days("US"), 30).flatMap((day) => foldForeign(foreign.minutes(code, day), 15, day, 2)),
  };
  const endings: string[] = [];
  for (const fault of faults) {
    for (const [frequency, whole] of [
      ["1d", new Set(wanted["1d"])],
      ["15m", new Set(wanted["15m"])],
    ] as const) {
      // An answer to another question is asked for twice more.
      simulator.injectFault(fault, { times: fault.kind === "wrong-symbol" || fault.kind === "coarse" ? 3 : 1 });
      const from = frequency === "1d" ? FROM : (newest(foreign.days("US"), 30)[0] ?? FROM);
      const selection = { by: "codes", codes: [code], from, to: foreign.days("US").at(-1) ?? TO } as const;
      try {
        const page = await source.fetch({ dataSet: "bars", frequency, selection }, AbortSignal.timeout(20_000));
        const wrong = page.rows.map(shown).filter((row) => !whole.has(row));
        assert.deepEqual(wrong, [], `${frequency} ${JSON.stringify(fault)}`);
        endings.push(page.rows.length === whole.size ? "whole" : "fewer");
      } catch (error) {
        const isKnown = error instanceof TransientError || error instanceof DataError;
        assert.ok(isKnown, `${frequency} ${JSON.stringify(fault)}: ${String(error)}`);
        endings.push(error.name);
      }
      simulator.clearFaults();
    }
  }
  assert.deepEqual([...new Set(endings)].toSorted(), [
    "DataError",
    "RateLimitError",
    "TransientError",
    "fewer",
    "whole",
  ]);
});

test("quotes, dividends and splits are told as they were", async () => {
  const ask = async (name: string, code: string): Promise<readonly Readonly<Record<string, string>>[]> => {
    const inquiry = source.inquiries?.find((one) => one.name === name);
    assert.ok(inquiry !== undefined);
    const question = { codes: [parseSecurityCode(code)], day: undefined, from: undefined, to: undefined };
    return inquiry.ask(question, AbortSignal.timeout(20_000));
  };
  const history = foreign.history("AAPL.US");
  const last = history?.bars.at(-1);
  assert.ok(history !== undefined && last !== undefined);
  const [quote] = await ask("quotes", "AAPL.US");
  const { price, volume, currency } = quote ?? {};
  assert.deepEqual([price, volume, currency], [decimalOf(last.close, 2), `${last.volume}`, "USD"]);
  const splits = history.actions.flatMap((action) =>
    action.kind === "split" ? [`${action.exDay} ${action.numerator}:${action.denominator}`] : [],
  );
  const told = await ask("splits", "AAPL.US");
  assert.deepEqual(
    told.map(({ exDay, sharesAfter, sharesBefore }) => `${exDay} ${sharesAfter}:${sharesBefore}`),
    splits,
  );
  const paid = history.actions.flatMap((action) =>
    action.kind === "split" ? [] : [`${action.exDay} ${decimalOf(action.amountE4, 4)}`],
  );
  const dividends = await ask("dividends", "AAPL.US");
  assert.deepEqual(
    dividends.map(({ exDay, amount }) => `${exDay} ${amount}`),
    paid,
  );
  assert.ok(splits.length > 1 && paid.length > 2);
});
