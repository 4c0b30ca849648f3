import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../src/base/errors.ts";
import { waitFor } from "../support/wait-for.ts";
import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const MANY = codesOf(40);
const [A = "", B = ""] = MANY;
const rows = {
  daily: MANY.flatMap((code) => ["20260227", "20260302"].map((day) => dailyRow(code, day))),
  stock_basic: MANY.map((code) => stockRow(code)),
};
const WRONG = { kind: "refused", code: -2001, msg: "参数校验失败" } as const;
const NO_RIGHT = {
  kind: "refused",
  code: 40203,
  msg: "抱歉，您没有接口(stock_basic)访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
} as const;

for (const [word, fault] of [
  ["calls the request for the stock list wrong", WRONG],
  ["lets us read the stock list no more", NO_RIGHT],
] as const) {
  test(`where the provider ${word}, the stored list serves every message, and is tried again later`, async () => {
    await using rig = await openCoreRig({ now: "2026-03-02T04:00:00Z", rows });
    await rig.send({ command: "stockinfo", params: {} });
    rig.setClock("2026-03-03T04:00:00Z");
    rig.simulator.injectFault(fault, { api: "stock_basic", times: 1_000 });
    const before = rig.calls("stock_basic").length;
    const messages = MANY.map((code) => rig.send({ command: "bar_snapshot", params: { code, days: 1 } }));
    assert.ok((await Promise.all(messages)).every((done) => done.word === "stored"));
    assert.equal(rig.calls("stock_basic").length, before + 1, "one call for all of them");
    assert.equal(rig.logged.filter((line) => /what is stored serves/.test(line)).length, 1);
    rig.simulator.clearFaults();
    rig.setClock("2026-03-03T04:11:00Z");
    await rig.send({ command: "bar_snapshot", params: { code: A, days: 1 } });
    assert.ok(rig.calls("stock_basic").length > before + 1, "asked for again ten minutes later");
  });
}

test("without a stored list messages wait for one that the provider calls wrong, and use up nothing", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T04:00:00Z", rows });
  rig.simulator.injectFault(WRONG, { api: "stock_basic" });
  const message = { command: "bar_snapshot", params: { code: A, days: 1 } };
  const isWaiting = (error: unknown): boolean => error instanceof TransientError && error.retryAfterMs === 60_000;
  await assert.rejects(rig.send(message), isWaiting);
  await assert.rejects(rig.send(message), isWaiting);
  assert.equal(rig.calls("stock_basic").length, 1);
  rig.setClock("2026-03-02T04:01:00Z");
  assert.equal((await rig.send(message)).word, "stored");
});

test("a calendar that the provider calls wrong is the bundled one's turn", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T04:00:00Z", rows });
  rig.simulator.injectFault(WRONG, { api: "trade_cal", times: 1_000 });
  assert.equal((await rig.send({ command: "bar_snapshot", params: { code: A, days: 1 } })).word, "stored");
});

test("a suspension list that is refused once leaves its days unexplained, and is asked for again", async () => {
  const daily = rows.daily.filter(({ ts_code, trade_date }) => ts_code !== B || trade_date !== "20260227");
  const suspend_d = [{ ts_code: B, trade_date: "20260227", suspend_type: "S" }];
  await using rig = await openCoreRig({ now: "2026-03-10T04:00:00Z", rows: { ...rows, daily, suspend_d } });
  rig.simulator.injectFault(WRONG, { api: "suspend_d" });
  const message = { command: "bar_snapshot", params: { code: B, start_date: "20260227", end_date: "20260227" } };
  assert.equal((await rig.send(message)).word, "unexplained");
  assert.deepEqual(rig.states(`bars/1d/${B}`), ["2026-02-27..2026-02-27 unexplained-empty"]);
  rig.setClock("2026-03-12T04:00:00Z");
  assert.equal((await rig.send(message)).word, "stored");
  assert.deepEqual(rig.states(`bars/1d/${B}`), ["2026-02-27..2026-02-27 suspended"]);
});

test("while the provider of the lists is out what is stored serves, and what was asked for finds out when it is back", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T04:00:00Z", rows });
  await rig.send({ command: "stockinfo", params: {} });
  await rig.send({ command: "trade_day", params: {} });
  rig.setClock("2026-03-03T04:00:00Z");
  for (const api of ["stock_basic", "trade_cal"] as const) {
    rig.simulator.injectFault({ kind: "gateway", status: 502 }, { api, times: 1_000 });
  }
  const messages = MANY.map((code) => rig.send({ command: "bar_snapshot", params: { code, days: 1 } }));
  assert.ok((await Promise.all(messages)).every((done) => done.word === "stored"));
  assert.equal(rig.logged.filter((line) => /what is stored serves/.test(line)).length, 2, "one line a list");
  rig.simulator.clearFaults();
  rig.setClock("2026-03-03T04:11:00Z");
  await waitFor(() => rig.breakers().every(({ state }) => state === "closed"), {
    timeoutMs: 10_000,
    everyMs: 5,
    what: "both lists brought up to date",
  });
});

test("without a stored list messages wait for a provider that is out", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T04:00:00Z", rows });
  rig.simulator.injectFault({ kind: "gateway", status: 502 }, { api: "stock_basic", times: 8 });
  assert.equal((await rig.send({ command: "bar_snapshot", params: { code: A, days: 1 } })).word, "stored");
  assert.equal(rig.logged.filter((line) => /what is stored serves/.test(line)).length, 0);
});
