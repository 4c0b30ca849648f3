import assert from "node:assert/strict";
import test from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { FREQUENCY, SOURCE } from "../../src/domain/enums.ts";
import { exchangeOf } from "../../src/domain/security-code.ts";
import { sizes } from "../support/sizes.ts";
import { asTdxSays, barsOf, expectDaily } from "./provider-truth.ts";
import { openProvidersRig } from "./providers-rig.ts";

/** How long the first provider bans the address, and how long it is left alone for that. */
const BAN_MS = 2_500;
/** The ban comes after so many calls. */
const CALLS_BEFORE = Math.round(sizes.days / 4);

const MARKET = {
  seed: sizes.seed,
  // Some of them are of Beijing or delisted.
  codes: Math.ceil(sizes.codes * 1.2),
  tradingDays: sizes.days,
  to: addDays(dayAt(systemClock.now(), SHANGHAI), -2),
};

test("the first provider of the chain bans us half way: every code is complete from the next, and the first is left alone", async (t) => {
  await using two = await openProvidersRig(t, {
    market: MARKET,
    baostock: { limits: { banMs: BAN_MS } },
    env: {
      GINKGO_BAOSTOCK_WAIT_MS_MAX: String(BAN_MS),
      GINKGO_BAOSTOCK_LOGIN_PAUSE_MS: "0",
      GINKGO_BAOSTOCK_LOGINS_PER_HOUR: "1000",
    },
  });
  if (two === undefined) {
    return;
  }
  const { rig, market, baostock } = two;
  // TongDaXin forgets what was delisted, so that nobody would have the rest of it.
  const codes = market.securities
    .filter(({ code, delistedOn }) => exchangeOf(code) !== "BJ" && delistedOn === undefined)
    .map(({ code }) => code)
    .slice(0, sizes.codes);
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  const methods = ["query_daily_history_k_AStock", "query_history_k_data_plus"];
  for (const method of methods) {
    baostock.injectFault({ kind: "blacklist" }, { method, skip: CALLS_BEFORE });
  }
  const worker = rig.start();
  await rig.publish(
    codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
  );
  await rig.untilSettled(codes.length, 120_000);

  const [first, second] = [
    await barsOf(rig, FREQUENCY.DAY, SOURCE.BAOSTOCK),
    await barsOf(rig, FREQUENCY.DAY, SOURCE.TDX),
  ];
  const keyOf = (line: string): string => line.split(" ", 2).join(" ");
  const truth = new Map(expectDaily(market, codes).map((line) => [keyOf(line), line]));
  const byTdx = new Map(expectDaily(market, codes, asTdxSays).map((line) => [keyOf(line), line]));
  assert.ok(first.length > 0 && second.length > 0, `both brought rows: ${first.length} and ${second.length}`);
  assert.deepEqual(
    first.filter((line) => truth.get(keyOf(line)) !== line),
    [],
    "what the first brought before",
  );
  assert.deepEqual(
    second.filter((line) => byTdx.get(keyOf(line)) !== line),
    [],
    "what the next brought",
  );
  const days = new Set([...first, ...second].map(keyOf));
  assert.deepEqual(
    [...truth.keys()].filter((key) => !days.has(key)),
    [],
    "no bar is missing",
  );
  const outcomes = await rig.select<{ readonly outcome: string }>("SELECT DISTINCT outcome FROM @outcome_row FINAL");
  assert.deepEqual(
    outcomes.filter(({ outcome }) => outcome !== "stored" && outcome !== "unexplained"),
    [],
  );
  // TongDaXin has no list of suspensions: nobody of this chain can say why such a day is empty.
  const unexplained = await rig.select<{ readonly code: string; readonly from: string; readonly to: string }>(
    `SELECT code, toString(first_day) AS from, toString(last_day) AS to FROM @ledger_row FINAL
     WHERE data_set = 'bars' AND NOT removed AND state = 'unexplained-empty'`,
  );
  for (const { code, from, to } of unexplained) {
    const traded = market.history(code)?.bars.filter(({ day }) => day >= from && day <= to) ?? [];
    assert.deepEqual(traded, [], `${code} from ${from} to ${to} is said to be empty`);
  }
  assert.equal((await rig.messagesOf(`${rig.config.worker.topic}.dlq`)).length, 0, "dead letters");
  const [unproven] = await rig.select<{ readonly rows: string }>(
    "SELECT toString(countIf(call_id = '' OR version = 0)) AS rows FROM @bar_row",
  );
  assert.equal(unproven?.rows, "0", "every row says which call brought it and when");
  const shown = await rig.select<{ readonly source: number; readonly codes: string; readonly rows: string }>(
    "SELECT source, toString(uniqExact(code)) AS codes, toString(count()) AS rows FROM @bar GROUP BY source ORDER BY source",
  );
  const [spans] = await rig.select<{ readonly providers: string }>(
    `SELECT arrayStringConcat(arraySort(groupUniqArray(toString(provider))), ',') AS providers FROM @ledger_row FINAL
     WHERE data_set = 'bars' AND NOT removed AND state = 'present'`,
  );
  assert.equal(spans?.providers, "baostock,tdx", "the ledger names both");

  // The first request that was refused, and what came after it.
  const refusedAt = baostock.requests.findIndex(({ outcome }) => outcome === "10001011");
  const refused = baostock.requests[refusedAt];
  assert.ok(refused !== undefined, "the ban was met");
  const during = baostock.requests.slice(refusedAt + 1).filter(({ atMs }) => atMs < refused.atMs + BAN_MS * 0.9);
  assert.deepEqual(
    during.map(({ method, outcome }) => `${method} ${outcome}`),
    [],
    "it is not called while its breaker is open",
  );

  // When the ban is over one call finds out, and the work goes to the first again.
  await systemClock.sleep(Math.max(0, refused.atMs + BAN_MS + 500 - systemClock.nowMs()));
  const before = baostock.requests.length;
  const [code] = codes;
  await rig.publish([
    { key: String(code), value: { command: "bar_snapshot", params: { code, ...range, force: true } } },
  ]);
  await rig.untilSettled(codes.length + 1);
  assert.ok(baostock.requests.length > before, "the first is asked again");
  assert.equal(
    (await barsOf(rig, FREQUENCY.DAY, SOURCE.BAOSTOCK)).filter((line) => line.startsWith(`${code} `)).length,
    market.history(String(code))?.bars.length,
  );
  await worker.stop();
  t.diagnostic(
    `${codes.length} codes (${unexplained.length} suspensions unexplained), bars by source in bar: ${shown.map((one) => `${one.source}: ${one.rows} of ${one.codes} codes`).join(", ")}; ` +
      `the first was refused after ${refusedAt} requests and asked ${during.length} times in the ${BAN_MS} ms after`,
  );
});
