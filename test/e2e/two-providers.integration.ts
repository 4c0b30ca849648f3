import assert from "node:assert/strict";
import test from "node:test";

import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { FREQUENCY_NUMBERS } from "../../src/domain/frequency.ts";
import { exchangeOf } from "../../src/domain/security-code.ts";
import { systemClock } from "../../src/base/clock.ts";
import { FREQUENCY, SOURCE } from "../../src/domain/enums.ts";
import { truthFactorRows } from "../../src/market/truth-rows.ts";
import { sizes } from "../support/sizes.ts";
import {
  asTdxSays,
  barsOf,
  centsText,
  expectComposites,
  expectDaily,
  expectMinutes,
  expectTicks,
  float32Text,
  rowsWritten,
  ticksStored,
} from "./provider-truth.ts";
import { openProvidersRig } from "./providers-rig.ts";

/** It ends last week, since servers keep a hundred days of minutes only. */
const MARKET = { seed: sizes.seed, codes: 40, tradingDays: 12, to: addDays(dayAt(systemClock.now(), SHANGHAI), -2) };

test("a chain without a token: daily bars, factors, minutes and ticks of every cell as the market has them, once", async (t) => {
  await using two = await openProvidersRig(t, { market: MARKET });
  if (two === undefined) {
    return;
  }
  const { rig, market, baostock, tdx } = two;
  const worker = rig.start();
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  const all = market.securities.map(({ code }) => code);
  const mainland = all.filter((code) => exchangeOf(code) !== "BJ");
  const beijing = all.filter((code) => exchangeOf(code) === "BJ");
  assert.ok(beijing.length > 0, "the market has codes of Beijing");
  const few = mainland.slice(0, 6);
  const messages = [
    ...all.map((code) => ({ command: "bar_snapshot", params: { code, ...range } })),
    ...mainland.map((code) => ({ command: "adjustfactor", params: { code, ...range } })),
    ...few.map((code) => ({ command: "tick", params: { code, ...range } })),
    ...few.flatMap((code) =>
      (["1m", "5m", "15m", "30m", "60m"] as const).map((frequency) => ({
        command: "bar_snapshot",
        params: { code, ...range, frequency },
      })),
    ),
    { command: "bar_snapshot", params: { code: "000001.SH", codes: ["399001.SZ"], ...range } },
    { command: "bar_snapshot", params: { code: "510300.SH", ...range } },
  ];
  const send = async (from: number): Promise<void> => {
    await rig.publish(messages.map((value) => ({ key: value.params.code, value })));
    await rig.untilSettled(from + messages.length, 120_000);
  };
  await send(0);

  // BaoStock is asked first, and has nothing of Beijing.
  const daily = await barsOf(rig, FREQUENCY.DAY, SOURCE.BAOSTOCK);
  assert.deepEqual(daily, expectDaily(market, mainland).concat(expectComposites(market)).toSorted());
  assert.deepEqual(await barsOf(rig, FREQUENCY.DAY, SOURCE.TDX), expectDaily(market, beijing, asTdxSays).toSorted());
  // One-minute bars are TongDaXin's alone.
  for (const [frequency, minutes] of [
    ["5m", 5],
    ["15m", 15],
    ["30m", 30],
    ["60m", 60],
  ] as const) {
    const found = await barsOf(rig, FREQUENCY_NUMBERS[frequency], SOURCE.BAOSTOCK);
    assert.deepEqual(found, expectMinutes(market, few, minutes, centsText), frequency);
  }
  const minutes = await barsOf(rig, FREQUENCY.MIN1, SOURCE.TDX);
  assert.deepEqual(minutes, expectMinutes(market, few, 1, float32Text), "1m");
  const ticks = await ticksStored(rig);
  assert.deepEqual(ticks, expectTicks(market, few));
  // One row for every trading day, made of rows on ex-days.
  const factors = await rig.select<{ readonly line: string }>(
    "SELECT concat(toString(code), ' ', toString(trading_day), ' ', toString(adjustfactor)) AS line FROM @adjustfactor",
  );
  assert.deepEqual(
    factors.map(({ line }) => line).toSorted(),
    Array.from(truthFactorRows(market, mainland), ({ code, day, factor }) => `${code} ${day} ${factor}`).toSorted(),
  );
  t.diagnostic(
    `bars of a day ${daily.length}, of a minute ${minutes.length}, ticks ${ticks.length}, factors ${factors.length}; ` +
      `requests: baostock ${baostock.requests.length}, tdx ${tdx.map((one) => one.requests.length).join(" and ")}`,
  );
  assert.deepEqual(
    await rig.select("SELECT DISTINCT outcome FROM @outcome_row FINAL ORDER BY outcome"),
    [{ outcome: "stored" }],
    "nothing is pending, unexplained or set aside",
  );

  // A second time nothing is asked for and nothing is written.
  const requests = (): number => baostock.requests.length + tdx.reduce((sum, one) => sum + queries(one.requests), 0);
  const before = { requests: requests(), rows: await rowsWritten(rig) };
  await send(messages.length);
  assert.deepEqual({ requests: requests(), rows: await rowsWritten(rig) }, before);
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
});

test("TongDaXin pinned: whole lots and amounts of 24 bits, and nothing else differs from the market", async (t) => {
  await using two = await openProvidersRig(t, { market: { ...MARKET, codes: sizes.codes, tradingDays: sizes.days } });
  if (two === undefined) {
    return;
  }
  const { rig, market } = two;
  const worker = rig.start();
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  // Its servers forget what was delisted.
  const codes = market.securities.flatMap(({ code, delistedOn }) => (delistedOn === undefined ? [code] : []));
  await rig.publish(
    codes.map((code) => ({
      key: code,
      value: { command: "bar_snapshot", params: { code, ...range, provider: "tdx" } },
    })),
  );
  await rig.untilSettled(codes.length, 120_000);
  const found = await barsOf(rig, FREQUENCY.DAY, SOURCE.TDX);
  assert.deepEqual(found, expectDaily(market, codes, asTdxSays).toSorted());
  const same = new Set(expectDaily(market, codes, (bar) => ({ ...bar, preClose: "-" })));
  t.diagnostic(
    `${found.length} bars, ${found.filter((line) => same.has(line)).length} of them equal without tolerance`,
  );
  await worker.stop();
});

test("what nobody of the chain has becomes a dead letter that names who would, beside codes that are served", async (t) => {
  await using two = await openProvidersRig(t, { market: MARKET, chain: "baostock" });
  if (two === undefined) {
    return;
  }
  const { rig, market } = two;
  const worker = rig.start();
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  const code = market.securities.find((one) => exchangeOf(one.code) === "SZ")?.code;
  const refused = [
    { command: "bar_snapshot", params: { codes: [code, "920002.BJ"], ...range } },
    { command: "bar_snapshot", params: { code: "113050.SH", ...range } },
    { command: "bar_snapshot", params: { code, ...range, frequency: "1m" } },
    { command: "tick", params: { code, ...range } },
    { command: "bar_snapshot", params: { code, ...range, provider: "tdx" } },
  ];
  await rig.publish(refused.map((value) => ({ key: "000001.SZ", value })));
  await rig.untilSettled(refused.length);
  const letters = await rig.messagesOf(`${rig.config.worker.topic}.dlq`);
  const details = letters.map((letter) => {
    const header = (name: string): string =>
      letter.headers.find(([key]) => key === `x-ginkgo-${name}`)?.[1]?.toString() ?? "";
    return `${header("reason")}: ${header("detail")}`;
  });
  assert.deepEqual(details.toSorted(), [
    "not-supported: 1d bars of a bond such as 113050.SH are not served by baostock; tdx has them: see providers.chain",
    "not-supported: 1d bars of a stock such as 920002.BJ are not served by baostock; tushare, tdx and akshare have them: see providers.chain",
    `not-supported: 1m bars of a stock such as ${code} are not served by baostock; tushare, tdx, akshare and yahoo have them: see providers.chain`,
    "not-supported: tdx is not in providers.chain, which has baostock",
    `not-supported: ticks of a stock such as ${code} are not served by baostock; tdx and akshare have them: see providers.chain`,
  ]);
  assert.deepEqual(await rig.select("SELECT DISTINCT toString(code) AS code FROM @bar"), [{ code }]);
  await worker.stop();
});

/** Without what keeps connections open. */
function queries(requests: readonly { readonly command?: string | undefined }[]): number {
  return requests.filter(({ command }) => command !== "heartbeat" && command !== "handshake").length;
}
