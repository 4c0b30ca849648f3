import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../src/base/errors.ts";
import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const [A = ""] = codesOf(1);
const NOON = "2026-03-02T04:00:00Z";
const LAST_DAY = { command: "bar_snapshot", params: { code: A, days: 1 } };
const rows = { daily: [dailyRow(A, "20260227")], stock_basic: [stockRow(A)] };

test("an empty stock list is no list: messages wait, nothing is recorded as fresh, and a minute later it is asked for again", async () => {
  await using rig = await openCoreRig({ now: NOON, rows });
  rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic" });
  await assert.rejects(rig.send(LAST_DAY), (error) => error instanceof TransientError && /0 rows/.test(error.message));
  await assert.rejects(rig.send(LAST_DAY), TransientError);
  assert.equal(rig.calls("stock_basic").length, 1, "not asked for again within the minute");
  assert.deepEqual(rig.states("stock-list/1d/"), []);
  rig.setClock("2026-03-02T04:01:00Z");
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
});

test("an empty trading calendar is no calendar", async () => {
  await using rig = await openCoreRig({ now: NOON, rows });
  rig.simulator.injectFault({ kind: "empty" }, { api: "trade_cal", times: 9 });
  await assert.rejects(
    rig.send(LAST_DAY),
    (error) => error instanceof TransientError && /trading calendar.*0 rows/.test(error.message),
  );
  assert.deepEqual(rig.states("trading-calendar/1d/"), []);
});

test("a stock list of which no row can be read is no list", async () => {
  const bad = [stockRow(A, { list_date: "x" })];
  await using rig = await openCoreRig({ now: NOON, rows: { ...rows, stock_basic: bad } });
  await assert.rejects(
    rig.send(LAST_DAY),
    (error) => error instanceof TransientError && /none of 1 rows can be read.*list_date/.test(error.message),
  );
  assert.deepEqual(rig.states("stock-list/1d/"), []);
});

test("a stock list that lost more than a tenth of its codes is not believed unless somebody forces it", async () => {
  const codes = codesOf(300);
  const daily = codes.map((code) => dailyRow(code, "20260227"));
  await using rig = await openCoreRig({ now: NOON, rows: { daily, stock_basic: codes.map((code) => stockRow(code)) } });
  await rig.send({ command: "stockinfo", params: {} });
  rig.setClock("2026-03-03T04:00:00Z");
  rig.publish({ stock_basic: codes.slice(0, 250).map((code) => stockRow(code)) });
  await assert.rejects(
    rig.send(LAST_DAY),
    (error) => error instanceof TransientError && /250 listed codes.*300 are stored.*force/.test(error.message),
  );
  const forced = await rig.send({ command: "stockinfo", params: { force: true } });
  assert.deepEqual([forced.word, forced.rows.same], ["stored", 250]);
});
