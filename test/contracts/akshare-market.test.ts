import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay, type Day } from "../../src/domain/day.ts";
import { TICK_DIRECTION } from "../../src/domain/enums.ts";
import type { Frequency } from "../../src/domain/frequency.ts";
import type { DataSet, Instrument } from "../../src/domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Call } from "../../src/domain/unit.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { foldMinutes, minuteBarsOf, ticksOf } from "../../src/market/intraday.ts";
import { decimalOf, truthRows } from "../../src/market/truth-rows.ts";
import type { Source } from "../../src/ports/source.ts";
import type { RandomFault } from "../../src/simulators/akshare/faults.ts";
import { akshareData } from "../../src/simulators/akshare/market-data.ts";
import { startAkshareSimulator } from "../../src/simulators/akshare/simulator.ts";
import { openAkshareSource } from "../../src/sources/akshare/source.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { sizes } from "../support/sizes.ts";

/** Source and simulator were written apart, from the page of the protocol: what a market has comes back as it was made. */
const market = generateMarket({ seed: 7, codes: sizes.codes, tradingDays: sizes.days, to: parseDay("2025-12-31") });
const FIRST = market.days[0] ?? assert.fail();
const LAST = market.days.at(-1) ?? assert.fail();
const CODES = market.securities.map(({ code }) => parseSecurityCode(code));
/** Minutes and prints of a few codes are many rows. */
const SOME = CODES.filter((code) => minuteBarsOf(market, code, LAST).length > 0).slice(0, 8);
const never = new AbortController().signal;

interface Rig extends AsyncDisposable {
  readonly source: Source;
}

async function openRig(isBehindAktools: boolean, randomFaults: readonly RandomFault[] = []): Promise<Rig> {
  const clock = new ManualClock("2025-12-31T10:00:00Z");
  const simulator = await startAkshareSimulator({
    data: akshareData(market),
    clock,
    // A redirection would take every other fault for itself.
    redirectsFirst: randomFaults.length === 0,
    randomFaults,
  });
  const place = isBehindAktools ? { aktoolsUrl: simulator.url } : { baseUrl: simulator.url };
  const source = openAkshareSource({ clock, pauseMs: 0, ...place });
  return {
    source,
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

function toCall<D extends DataSet>(
  dataSet: D,
  code: SecurityCode,
  [from, to]: readonly [Day, Day],
  more: Partial<Call<D>> = {},
): Call<D> {
  return { dataSet, frequency: "1d", selection: { by: "codes", codes: [code], from, to }, ...more };
}

/** Sina counts shares, the others lots, to the nearest. */
function volumeAt(api: string, shares: number): string {
  return api === "sina" ? `${shares}` : `${Math.round(shares / 100) * 100}`;
}

const UPSTREAMS = ["eastmoney", "sina", "aktools"] as const;
const MINUTES: readonly (readonly [Frequency, 5 | 15 | 30 | 60])[] = [
  ["5m", 5],
  ["15m", 15],
  ["30m", 30],
  ["60m", 60],
];

for (const api of UPSTREAMS) {
  test(`days of ${api} are those of the market`, async () => {
    await using rig = await openRig(api === "aktools");
    for (const code of CODES) {
      const page = await rig.source.fetch(toCall("bars", code, [FIRST, LAST], { api }), never);
      const got = page.rows.map((row) => [
        row.tradingDay,
        row.open,
        row.high,
        row.low,
        row.close,
        row.volume,
        row.turnover,
      ]);
      const wanted = [...truthRows(market, [code])].map((row) => [
        row.day,
        row.open,
        row.high,
        row.low,
        row.close,
        volumeAt(api, Number(row.volume)),
        row.amount,
      ]);
      assert.deepEqual([got, page.rejected], [wanted, []], code);
    }
  });

  test(`minutes of ${api} are those of the market`, async () => {
    await using rig = await openRig(api === "aktools");
    for (const code of SOME) {
      const ones = minuteBarsOf(market, code, LAST);
      const single = api === "sina" ? [] : [["1m", ones] as const];
      for (const [frequency, truth] of [
        ...MINUTES.map(([name, n]) => [name, foldMinutes(ones, n)] as const),
        ...single,
      ]) {
        const page = await rig.source.fetch(toCall("bars", code, [LAST, LAST], { api, frequency }), never);
        assert.deepEqual(
          page.rows.map(({ time, open, high, low, close, turnover }) => [time, open, high, low, close, turnover]),
          truth.map((bar) => [
            `${LAST} ${bar.endsAt}:00`,
            decimalOf(bar.openCents, 2),
            decimalOf(bar.highCents, 2),
            decimalOf(bar.lowCents, 2),
            decimalOf(bar.closeCents, 2),
            decimalOf(bar.turnoverCents, 2),
          ]),
          `${code} ${frequency}`,
        );
        // The line of minutes counts the auction apart, and so rounds twice in the first one.
        const offMax = api === "sina" ? 0 : 100;
        const offs = page.rows.map(({ volume }, index) => Math.abs(Number(volume) - (truth[index]?.volume ?? 0)));
        assert.ok(Math.max(...offs) <= offMax, `${code} ${frequency}: ${Math.max(...offs)} shares`);
      }
    }
  });
}

const DIRECTIONS = {
  buy: TICK_DIRECTION.ACTIVEBUY,
  sell: TICK_DIRECTION.ACTIVESELL,
  neutral: TICK_DIRECTION.NEUTRAL,
};

for (const isBehindAktools of [false, true]) {
  const name = isBehindAktools ? "AKTools" : "Tencent and Sina";

  test(`prints of ${name} are those of the market, in lots`, async () => {
    await using rig = await openRig(isBehindAktools);
    for (const code of SOME) {
      const page = await rig.source.fetch(toCall("ticks", code, [LAST, LAST]), never);
      assert.deepEqual(
        page.rows.map(({ time, price, direction, volume }) => [time.slice(0, 16), price, direction, volume]),
        ticksOf(market, code, LAST).map((tick) => [
          `${LAST} ${tick.minute}`,
          decimalOf(tick.priceCents, 2),
          DIRECTIONS[tick.side],
          volumeAt("tencent", tick.volume),
        ]),
        code,
      );
    }
  });

  test(`factors of ${name} are those of the market on every day`, async () => {
    await using rig = await openRig(isBehindAktools);
    for (const code of CODES) {
      const { rows } = await rig.source.fetch(toCall("adjustment-factors", code, [FIRST, LAST]), never);
      for (const { day, factorE4 } of market.history(code)?.factors ?? []) {
        const newest = rows
          .filter(({ tradingDay }) => tradingDay <= day)
          .toSorted(byDay)
          .at(-1);
        assert.equal(newest?.factor ?? "1", decimalOf(factorE4, 4), `${code} ${day}`);
      }
    }
  });
}

function byDay(left: { readonly tradingDay: Day }, right: { readonly tradingDay: Day }): number {
  return left.tradingDay < right.tradingDay ? -1 : 1;
}

const LOSING: readonly RandomFault[] = [{ fault: { kind: "lost-rows", rows: 1 }, perMille: 500, inARowMax: 1 }];

for (const [also, faults] of [
  ["", []],
  // A row that is lost changes what the list says of its length, on that page only.
  [", also where one answer in two loses a row and never two running", LOSING],
] as const) {
  test(`the lists of the three exchanges are the market's shares, but for what Beijing delisted${also}`, async () => {
    await using rig = await openRig(false, faults);
    const listed: Instrument[] = [];
    for (const status of ["listed", "delisted"] as const) {
      const open: Call<"stock-list">[] = [
        { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status } },
      ];
      for (let next = open.shift(); next !== undefined; next = open.shift()) {
        const page = await rig.source.fetch(next, never);
        assert.deepEqual(page.rejected, []);
        listed.push(...page.rows);
        open.unshift(...page.rest);
      }
    }
    const isLost = (code: string, delistedOn: Day | undefined): boolean =>
      code.endsWith(".BJ") && delistedOn !== undefined;
    assert.deepEqual(
      listed.map(({ code, name, listedOn, delistedOn }) => `${code} ${name} ${listedOn} ${delistedOn}`).toSorted(),
      market.securities
        .filter(({ code, delistedOn }) => !isLost(code, delistedOn))
        .map(({ code, name, listedOn, delistedOn }) => `${code} ${name} ${listedOn} ${delistedOn}`)
        .toSorted(),
    );
  });
}
