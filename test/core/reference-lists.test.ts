import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../src/base/errors.ts";
import { MessageError } from "../../src/domain/message-error.ts";
import { waitFor } from "../support/wait-for.ts";
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

test("a code that no list has any more is kept as gone, with the last day it was listed, and is asked for no more", async () => {
  // A pair that the table of renumbered codes does not have.
  const old = "430001.BJ";
  const renumbered = "920901.BJ";
  const others = codesOf(2).map((code) => stockRow(code));
  const listedAs = (code: string): Record<string, string>[] => [...others, stockRow(code, { list_date: "20250929" })];
  const paused = "600900.SH";
  const [delisted, stillPaused] = [
    stockRow("600001.SH", { list_status: "D", delist_date: "20091229" }),
    stockRow(paused, { list_status: "P" }),
  ];
  await using rig = await openCoreRig({
    now: "2025-09-30T10:00:00Z",
    rows: { daily: [dailyRow(old, "20250930")], stock_basic: [...listedAs(old), delisted, stillPaused] },
  });
  await rig.send({ command: "bar_snapshot", params: { code: old, days: 1 } });
  rig.publish({
    daily: [dailyRow(renumbered, "20251009")],
    stock_basic: [...listedAs(renumbered), delisted, stillPaused],
  });
  rig.setClock("2025-10-09T10:00:00Z");
  await rig.send({ command: "stockinfo", params: {} });
  await assert.rejects(
    rig.send({ command: "bar_snapshot", params: { code: old, days: 1 } }),
    (error) =>
      error instanceof MessageError &&
      error.reason === "unknown-code" &&
      /430001\.BJ.*no more.*2025-09-30.*new number/.test(error.detail),
  );
  assert.equal((await rig.send({ command: "bar_snapshot", params: { code: renumbered, days: 1 } })).rows.new, 1);
  const kept = rig.instruments.get(old);
  assert.deepEqual([kept?.status, kept?.delistedOn], ["gone", "2025-09-30"]);
  assert.equal(rig.instruments.get(paused)?.status, "paused");
  assert.equal(rig.calls("stock_basic").length, 6, "a gone code does not make the list be asked for again");
  // It comes back: it was the provider's mistake.
  rig.publish({ stock_basic: [...listedAs(renumbered), ...listedAs(old), delisted, stillPaused] });
  await rig.send({ command: "stockinfo", params: { force: true } });
  assert.equal(rig.instruments.get(old)?.status, "listed");
});

test("no code is taken for gone by lists that are not whole: delisted ones are missing, or its row cannot be read", async () => {
  const stock_basic = codesOf(3).map((code) => stockRow(code));
  const delisted = stockRow("600001.SH", { list_status: "D", delist_date: "20091229" });
  await using rig = await openCoreRig({ now: NOON, rows: { stock_basic: [...stock_basic, delisted] } });
  const force = { command: "stockinfo", params: { force: true } };
  await rig.send(force);
  rig.publish({ stock_basic: stock_basic.slice(1) });
  await rig.send(force);
  assert.equal(rig.instruments.get(A)?.status, "listed");
  rig.publish({ stock_basic: [stockRow(A, { list_date: "x" }), ...stock_basic.slice(1), delisted] });
  await rig.send(force);
  assert.equal(rig.instruments.get(A)?.status, "listed");
});

const ONE_CALL_AN_HOUR = {
  calls: 1,
  windowMs: 3_600_000,
  kind: "sliding",
  unit: "hour",
  wording: "per-unit",
  api: "stock_basic",
} as const;

test("an account with one call an hour for the stock list serves listed codes after the first", async () => {
  const delisted = "600001.SH";
  await using rig = await openCoreRig({
    now: NOON,
    rows: {
      daily: [dailyRow(A, "20260227"), dailyRow(delisted, "20091228")],
      stock_basic: [stockRow(A), stockRow(delisted, { list_status: "D", delist_date: "20091229" })],
    },
    limits: [ONE_CALL_AN_HOUR],
  });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  assert.deepEqual(rig.states("stock-list/1d/"), ["1990-12-19..2026-03-02 pending"]);
  // A code that is not listed waits for the whole list; a message that gives up waits no longer.
  const old = { command: "bar_snapshot", params: { code: delisted, start_date: "20091228", end_date: "20091228" } };
  const gaveUp = new AbortController();
  const left = rig.send(old, gaveUp.signal);
  const kept = rig.send(old);
  await waitFor(() => rig.calls("stock_basic").length === 2, { what: "the refusal of delisted codes" });
  gaveUp.abort(new Error("the partition is lost"));
  await assert.rejects(left, /the partition is lost/);
  rig.setClock("2026-03-02T05:01:00Z");
  await waitFor(() => rig.calls("stock_basic").length === 4, { what: "the refusal of paused codes" });
  rig.setClock("2026-03-02T06:02:00Z");
  assert.equal((await kept).word, "stored");
  assert.deepEqual(rig.states("stock-list/1d/"), ["1990-12-19..2026-03-02 present"]);
  assert.equal(rig.calls("stock_basic").filter((call) => call.endsWith("-> 1")).length, 2);
});
