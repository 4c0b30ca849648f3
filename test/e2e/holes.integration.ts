import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import { silentLog } from "../../src/base/log.ts";
import type { SecurityCode } from "../../src/domain/security-code.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const never = new AbortController().signal;

test("seven days lost from rows and ledger of three codes come back in at most three calls, and only they", async (t) => {
  const market = generateMarket({ seed: 5, codes: 12, tradingDays: 60 });
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const codes = market.securities.map(({ code }) => code);
  const end = market.days.at(-1) ?? "";
  const start = market.days[0] ?? "";
  const askAll = (): Promise<void> =>
    rig.publish(
      codes.map((code) => ({
        key: code,
        value: { command: "bar_snapshot", params: { code, start_date: start, end_date: end } },
      })),
    );
  await askAll();
  await rig.untilSettled(codes.length);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });

  const holed = codes.filter((code) => (market.history(code)?.bars.length ?? 0) === 60).slice(0, 3);
  assert.equal(holed.length, 3);
  const lost = market.days.slice(20, 27);
  await removeRows(rig, holed, lost);
  await removeFromLedger(rig, holed, lost[0] ?? "", lost.at(-1) ?? "");
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 21, extra: 0 });

  rig.simulator.clearRequests();
  await askAll();
  await rig.untilSettled(2 * codes.length);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.ok(rig.callsOf("daily") <= 3, `${rig.callsOf("daily")} data calls`);
  const outcomes = await rig.select<{ code: string; calls: string; fresh: string }>(
    `SELECT arrayJoin(codes) AS code, toString(sum(length(call_ids))) AS calls, toString(sum(rows_new)) AS fresh
     FROM (SELECT *, row_number() OVER (PARTITION BY codes ORDER BY offset DESC) AS n FROM @outcome_row FINAL) WHERE n = 1 GROUP BY code`,
  );
  for (const { code, calls, fresh } of outcomes) {
    const isHoled = holed.some((other) => other === code);
    assert.equal(fresh, isHoled ? "7" : "0", code);
    assert.equal(calls !== "0", isHoled, code);
  }
  await worker.stop();
});

test("a hole in the rows alone is found by verify, which reopens it, and the next request heals it", async (t) => {
  const market = generateMarket({ seed: 6, codes: 3, tradingDays: 40 });
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const [security] = market.securities.filter(({ code }) => market.history(code)?.bars.length === 40);
  assert.ok(security);
  const ask = (): Promise<void> =>
    rig.publish([
      { key: security.code, value: { code: security.code, timestamp: market.days.at(-1), start_date: market.days[0] } },
    ]);
  await ask();
  await rig.untilSettled(1);
  const lost = market.days.slice(10, 13);
  await removeRows(rig, [security.code], lost);

  rig.simulator.clearRequests();
  await ask();
  await rig.untilSettled(2);
  assert.equal(rig.callsOf("daily"), 0, "the ledger alone cannot see it");

  const report = await app.verify(rig.config, { reopen: true }, silentLog, never);
  assert.deepEqual(
    report.differences.map(({ code, from, to, found }) => ({ code, from, to, found })),
    [{ code: security.code, from: lost[0], to: lost.at(-1), found: "row-missing" }],
  );
  assert.equal(report.reopenedDays, 3);
  await ask();
  await rig.untilSettled(3);
  const again = await app.verify(rig.config, { reopen: false }, silentLog, never);
  assert.deepEqual(again.differences, []);
  await worker.stop();
});

async function removeRows(rig: WorkerRig, codes: readonly SecurityCode[], days: readonly string[]): Promise<void> {
  await rig.clickhouse.command(
    `DELETE FROM ${rig.config.clickhouse.database}.bar_row WHERE code IN ({codes:Array(String)}) AND toString(trading_day) IN ({days:Array(String)})`,
    { codes, days },
    never,
  );
}

/** Cuts the days out of the span that covers them, as if nothing had ever been known of them. */
async function removeFromLedger(
  rig: WorkerRig,
  codes: readonly SecurityCode[],
  from: string,
  to: string,
): Promise<void> {
  const ledger = `${rig.config.clickhouse.database}.ledger_row`;
  const covering = `FROM (SELECT * FROM ${ledger} FINAL WHERE code IN ({codes:Array(String)}) AND data_set = 'bars' AND NOT removed
    AND first_day < {from:Date32} AND last_day > {to:Date32})`;
  for (const flank of ["addDays({to:Date32}, 1) AS first_day", "subtractDays({from:Date32}, 1) AS last_day"]) {
    await rig.clickhouse.command(
      `INSERT INTO ${ledger} SELECT * REPLACE (${flank}, version + 1 AS version) ${covering}`,
      { codes, from, to },
      never,
    );
  }
}
