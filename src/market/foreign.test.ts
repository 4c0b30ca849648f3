import assert from "node:assert/strict";
import test from "node:test";

import { parseDay } from "../domain/day.ts";
import { isSecurityCode } from "../domain/security-code.ts";
import { isTradingDay, sessionOf } from "./foreign-calendar.ts";
import { generateForeignMarkets } from "./foreign.ts";

const markets = generateForeignMarkets({ seed: 7, tradingDays: 260 });

test("the same options give the same markets, another seed gives others", () => {
  const again = generateForeignMarkets({ seed: 7, tradingDays: 260 });
  const other = generateForeignMarkets({ seed: 8, tradingDays: 260 });
  for (const { code } of markets.securities) {
    assert.deepEqual(again.history(code), markets.history(code));
    assert.notDeepEqual(other.history(code)?.bars, markets.history(code)?.bars);
  }
});

test("each market has five codes of its form and one index, on days of its own", () => {
  for (const market of ["HK", "US"] as const) {
    const own = markets.securities.filter((security) => security.market === market);
    assert.equal(own.filter(({ code }) => isSecurityCode(code)).length, 5);
    assert.deepEqual(own.filter(({ kind }) => kind === "index").length, 1);
    assert.equal(markets.days(market).length, 260);
    assert.ok(markets.days(market).every((day) => isTradingDay(market, day)));
  }
  assert.notDeepEqual(markets.days("HK"), markets.days("US"));
});

test("every bar keeps its prices in order and every day is a bar or a suspended one", () => {
  for (const { code, market } of markets.securities) {
    const { bars, suspended } = historyOf(code);
    assert.deepEqual([...bars.map(({ day }) => day), ...suspended].toSorted(), markets.days(market));
    for (const { open, high, low, close, volume } of bars) {
      assert.ok(low >= 1 && low <= Math.min(open, close) && high >= Math.max(open, close) && volume > 0);
      assert.ok([open, high, low, close, volume].every((number) => Number.isSafeInteger(number)));
    }
  }
  assert.equal(historyOf("09988.HK").suspended.length, 3);
});

test("a split divides the price of the day before, a dividend lowers it by its cash", () => {
  const { bars, actions } = historyOf("AAPL.US");
  const splits = actions.filter((action) => action.kind === "split");
  assert.deepEqual(
    splits.map(({ numerator, denominator }) => [numerator, denominator]),
    [
      [4, 1],
      [3, 2],
    ],
  );
  for (const { exDay, numerator, denominator } of splits) {
    const at = bars.findIndex(({ day }) => day === exDay);
    const expected = ((bars[at - 1]?.close ?? 0) * denominator) / numerator;
    assert.ok(Math.abs((bars[at]?.open ?? 0) / expected - 1) < 0.02);
  }
  assert.ok(actions.some(({ kind }) => kind === "dividend"));
  assert.ok(historyOf("SPY.US").actions.some(({ kind }) => kind === "capital-gain"));
  assert.equal(new Set(actions.map(({ exDay }) => exDay)).size, actions.length);
});

test("the minutes of a session have exactly the prices and the volume of its bar, half days too", () => {
  const cases = [
    ["AAPL.US", "2025-12-31", 390],
    ["KO.US", "2025-11-28", 210],
    ["^GSPC", "2025-12-24", 210],
    ["00700.HK", "2025-12-30", 330],
    ["^HSI", "2025-12-31", 150],
  ] as const;
  for (const [code, text, count] of cases) {
    const day = parseDay(text);
    const minutes = markets.minutes(code, day);
    const bar = historyOf(code).bars.find((own) => own.day === day);
    assert.equal(minutes.length, count, `${code} ${text}`);
    assert.deepEqual(
      {
        day,
        open: minutes[0]?.open,
        high: Math.max(...minutes.map(({ high }) => high)),
        low: Math.min(...minutes.map(({ low }) => low)),
        close: minutes.at(-1)?.close,
        volume: minutes.reduce((sum, { volume }) => sum + volume, 0),
      },
      bar,
    );
    minutes.forEach(({ open, high, low, close, volume }, index) => {
      assert.ok(low <= Math.min(open, close) && high >= Math.max(open, close));
      const last = minutes[index - 1]?.close ?? open;
      assert.ok(volume > 0 || (open === last && high === last && low === last && close === last));
    });
  }
  assert.deepEqual(markets.minutes("AAPL.US", parseDay("2025-12-25")), []);
});

test("Hong Kong has a lunch break, New York none", () => {
  const day = parseDay("2025-12-30");
  assert.deepEqual(sessionOf("HK", day), [
    { from: 570, to: 720 },
    { from: 780, to: 960 },
  ]);
  assert.deepEqual(sessionOf("US", day), [{ from: 570, to: 960 }]);
});

function historyOf(code: string): NonNullable<ReturnType<typeof markets.history>> {
  const history = markets.history(code);
  assert.ok(history, code);
  return history;
}
