import assert from "node:assert/strict";
import test from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { FREQUENCY } from "../../src/domain/enums.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../src/domain/frequency.ts";
import { PROVIDER_SOURCES, PROVIDERS, type ProviderName } from "../../src/domain/provider.ts";
import { exchangeOf, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Market } from "../../src/market/generate-market.ts";
import { sizes } from "../support/sizes.ts";
import {
  asEastmoneySays,
  asTdxSays,
  asYahooSays,
  barsOf,
  centsText,
  expectDaily,
  expectMinutes,
  float32Text,
  type DailyBar,
} from "./provider-truth.ts";
import { openProvidersRig } from "./providers-rig.ts";

const MARKET = {
  seed: sizes.seed,
  codes: sizes.codes,
  tradingDays: sizes.days,
  to: addDays(dayAt(systemClock.now(), SHANGHAI), -2),
};
/** Days and codes of bars of five minutes: the newest days, which everybody keeps. */
const DAYS_WITHIN = 5;
const CODES_WITHIN = 4;

/** What a provider's wire makes of a day's bar, and nothing else. */
const SAYS: { readonly [P in ProviderName]: (bar: DailyBar) => DailyBar } = {
  tushare: (bar) => bar,
  baostock: (bar) => bar,
  tdx: asTdxSays,
  akshare: asEastmoneySays,
  yahoo: asYahooSays,
};
const NAMES = ["open", "high", "low", "close", "volume", "amount"] as const;

/** Codes that all five have: Yahoo and BaoStock lack Beijing, TongDaXin and Yahoo what was delisted. */
function codesOfAll(market: Market): readonly SecurityCode[] {
  return market.securities
    .filter(({ code, delistedOn }) => exchangeOf(code) !== "BJ" && delistedOn === undefined)
    .map(({ code }) => code);
}

test("one market said by five providers, each pinned: five sets of bars, equal cell by cell", async (t) => {
  await using five = await openProvidersRig(t, { market: MARKET, chain: PROVIDERS.join() });
  if (five === undefined) {
    return;
  }
  const { rig, market } = five;
  const codes = codesOfAll(market);
  const few = codes.slice(0, CODES_WITHIN);
  const worker = rig.start();
  let published = 0;
  for (const provider of PROVIDERS) {
    // What another one brought does not count: `force` asks for everything.
    const range = { start_date: market.days[0], end_date: market.days.at(-1), provider, force: true };
    const within = { ...range, start_date: market.days.at(-DAYS_WITHIN), frequency: "5m" };
    const messages = [
      ...codes.map((code) => ({ command: "bar_snapshot", params: { code, ...range } })),
      ...few.map((code) => ({ command: "bar_snapshot", params: { code, ...within } })),
    ];
    await rig.publish(messages.map((value) => ({ key: value.params.code, value })));
    published += messages.length;
    await rig.untilSettled(published, 300_000);
  }
  assert.equal((await rig.messagesOf(`${rig.config.worker.topic}.dlq`)).length, 0, "dead letters");

  const truth = expectDaily(market, codes);
  for (const provider of PROVIDERS) {
    const found = await barsOf(rig, FREQUENCY.DAY, PROVIDER_SOURCES[provider]);
    assert.deepEqual(found, expectDaily(market, codes, SAYS[provider]).toSorted(), provider);
    t.diagnostic(`${provider}: ${found.length} daily bars, ${tellEqualCells(found, truth)}`);
  }
  const recent = { ...market, days: market.days.slice(-DAYS_WITHIN) };
  for (const provider of PROVIDERS) {
    const found = await minutesOf(rig, "5m", provider);
    const expected = expectMinutes(recent, few, 5, (cents) => amountOf(provider, cents));
    const said = provider === "akshare" ? expected.map(inLots) : expected;
    assert.deepEqual(found, said, `5m of ${provider}`);
    t.diagnostic(
      `${provider}: ${found.length} bars of five minutes, ${tellEqualCells(found, expectMinutes(recent, few, 5, centsText))}`,
    );
  }
  // Of five sources the view shows the first of the chain.
  const shown = await rig.select("SELECT DISTINCT toInt32(source) AS source FROM @bar WHERE frequency = 1");
  assert.deepEqual(shown, [{ source: PROVIDER_SOURCES.tushare }]);
  await worker.stop();
});

function amountOf(provider: ProviderName, cents: number): string {
  return provider === "yahoo" ? "-" : provider === "tdx" ? float32Text(cents) : centsText(cents);
}

/** A line of bars with its volume rounded to lots. */
function inLots(line: string): string {
  const parts = line.split(" ");
  const volume = Math.round(Number(parts.at(-2)) / 100) * 100;
  return [...parts.slice(0, -2), volume, parts.at(-1)].join(" ");
}

function minutesOf(
  rig: Parameters<typeof barsOf>[0],
  frequency: Frequency,
  provider: ProviderName,
): Promise<readonly string[]> {
  return barsOf(rig, FREQUENCY_NUMBERS[frequency], PROVIDER_SOURCES[provider]);
}

/** How many cells are the truth's own, without any tolerance; a previous close that is not given does not count. */
function tellEqualCells(found: readonly string[], truth: readonly string[]): string {
  const cellsOf = (line: string): readonly string[] => {
    const [code, day, time, open, high, low, close, , volume, amount] = line.split(" ");
    return [`${code} ${day} ${time}`, ...[open, high, low, close, volume, amount].map((cell) => cell ?? "")];
  };
  const byKey = new Map(truth.map((line) => [cellsOf(line)[0], cellsOf(line).slice(1)]));
  const equal = NAMES.map(() => 0);
  for (const line of found) {
    const [key, ...cells] = cellsOf(line);
    const right = byKey.get(key);
    cells.forEach((cell, index) => {
      equal[index] = (equal[index] ?? 0) + (right?.[index] === cell ? 1 : 0);
    });
  }
  const sum = equal.reduce((total, count) => total + count, 0);
  const each = NAMES.map((name, index) => `${name} ${equal[index]}`).join(", ");
  return `${sum} of ${found.length * NAMES.length} cells equal without tolerance (${each})`;
}
