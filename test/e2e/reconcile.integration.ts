import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { Finding, ReconcileOptions, ReconcileReport } from "../../src/app/reconcile-api.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { SOURCE } from "../../src/domain/enums.ts";
import { PROVIDERS, type ProviderName } from "../../src/domain/provider.ts";
import { exchangeOf } from "../../src/domain/security-code.ts";
import { sizes } from "../support/sizes.ts";
import { openProvidersRig } from "./providers-rig.ts";

const never = new AbortController().signal;
const CODES = 6;
const DAYS = 40;
/** The newest days, of which everybody keeps minutes. */
const DAYS_WITHIN = 5;
const MARKET = {
  seed: sizes.seed,
  codes: sizes.codes,
  tradingDays: DAYS,
  to: addDays(dayAt(systemClock.now(), SHANGHAI), -2),
};
/** Those that have adjustment factors of the mainland. */
const WITH_FACTORS = ["tushare", "baostock"] as const;

test("whatever two of the five providers say of one market is equal after rounding, and one cell that is not is found", async (t) => {
  await using five = await openProvidersRig(t, { market: MARKET, chain: PROVIDERS.join() });
  if (five === undefined) {
    return;
  }
  const { rig, market } = five;
  const codes = market.securities
    .filter(({ code, delistedOn }) => exchangeOf(code) !== "BJ" && delistedOn === undefined)
    .map(({ code }) => code)
    .slice(0, CODES);
  const within = market.days.at(-DAYS_WITHIN);
  const worker = rig.start();
  let published = 0;
  for (const provider of PROVIDERS) {
    const range = { start_date: market.days[0], end_date: market.days.at(-1), provider, force: true };
    const messages = codes.flatMap((code) => [
      { command: "bar_snapshot", params: { code, ...range } },
      { command: "bar_snapshot", params: { code, ...range, start_date: within, frequency: "5m" } },
      ...(WITH_FACTORS.some((one) => one === provider)
        ? [{ command: "adjustfactor", params: { code, ...range } }]
        : []),
    ]);
    await rig.publish(messages.map((value) => ({ key: value.params.code, value })));
    published += messages.length;
    await rig.untilSettled(published, 120_000);
  }

  const reconcile = async (changes: Partial<ReconcileOptions>): Promise<[ReconcileReport, readonly Finding[]]> => {
    const found: Finding[] = [];
    const options: ReconcileOptions = {
      dataSet: "bars",
      frequency: "1d",
      providers: ["tushare", "tdx"],
      codes,
      from: undefined,
      to: undefined,
      listMax: 3,
      ...changes,
    };
    const watch = { progress: () => undefined, finding: (one: Finding) => found.push(one) };
    return [await app.reconcile(rig.config, options, watch, silentLog, never), found];
  };
  for (const providers of pairsOf(PROVIDERS)) {
    const [days, found] = await reconcile({ providers });
    assert.deepEqual(found, [], providers.join());
    assert.equal(days.isEqual, true, JSON.stringify(days.missing));
    assert.ok(days.common > CODES, `${days.common} bars`);
    const [minutes, foundWithin] = await reconcile({ providers, frequency: "5m", from: within });
    assert.deepEqual(foundWithin, [], providers.join());
    assert.equal(minutes.isEqual, true, JSON.stringify(minutes.missing));
    t.diagnostic(
      `${providers.join(" and ")}: ${days.common} days and ${minutes.common} minutes equal; after rounding volume ` +
        `${days.cells.volume?.rounded}, amount ${days.cells.amount?.rounded}, not given ${days.cells.amount?.["not-given"]}`,
    );
  }
  const [factors, foundFactors] = await reconcile({ dataSet: "adjustment-factors", providers: WITH_FACTORS });
  assert.deepEqual(foundFactors, []);
  assert.ok(factors.common > CODES);

  const [code] = codes;
  const [row] = await rig.select<{ readonly day: string; readonly close: string }>(
    `SELECT toString(trading_day) AS day, toString(close) AS close FROM @bar_row FINAL
     WHERE source = ${SOURCE.TDX} AND frequency = 1 AND code = '${code}' ORDER BY day LIMIT 1`,
  );
  await rig.clickhouse.command(
    `INSERT INTO ${rig.config.clickhouse.database}.bar_row SELECT * REPLACE (close + toDecimal64('0.01', 4) AS close, version + 1 AS version)
     FROM ${rig.config.clickhouse.database}.bar_row FINAL
     WHERE source = ${SOURCE.TDX} AND frequency = 1 AND code = '${code}' AND trading_day = '${row?.day}'`,
    {},
    never,
  );
  const [, changed] = await reconcile({});
  assert.deepEqual(
    changed.map((one) => (one.kind === "cell" ? [one.code, one.day, one.cell, one.said[0].value] : one.kind)),
    [[code, row?.day, "close", row?.close]],
  );
  await worker.stop();
});

function pairsOf(providers: readonly ProviderName[]): readonly (readonly [ProviderName, ProviderName])[] {
  return providers.flatMap((left, index) => providers.slice(index + 1).map((right) => [left, right] as const));
}
