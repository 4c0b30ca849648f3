import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError, TransientError } from "../../src/base/errors.ts";
import { GivenBackError } from "../../src/consumer/handling.ts";
import { MessageError } from "../../src/domain/message-error.ts";
import { waitFor } from "../support/wait-for.ts";
import { codesOf, type CoreRig, type CoreRigOptions, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";
import { BARS, Lister } from "./lister.ts";

const NOON = "2026-03-02T04:00:00Z";
const CODES = codesOf(3);
const [A = ""] = CODES;
const LAST_DAY = { command: "bar_snapshot", params: { code: A, days: 1 } };
const onDay = (code: string, day: string): unknown => ({
  command: "bar_snapshot",
  params: { code, start_date: day, end_date: day },
});
const STOCK_LIST = { command: "stockinfo", params: {} };
const rows = {
  daily: CODES.map((code) => dailyRow(code, "20260227")),
  stock_basic: CODES.map((code) => stockRow(code)),
};
const LISTS = ["stock_basic", "trade_cal"] as const;
const DOWN = { kind: "gateway", status: 502 } as const;
const NO_TOKEN = { kind: "refused", code: 40101, msg: "您的token不对，请确认。" } as const;
const NO_RIGHT = { kind: "refused", code: 40203, msg: "抱歉，您没有接口(stock_basic)访问权限" } as const;
const WRONG = { kind: "refused", code: -2001, msg: "参数校验失败" } as const;
const FOREVER = 1_000_000;
const isWaiting = (error: unknown): boolean => error instanceof TransientError && error.retryAfterMs === 60_000;

test("where the first provider of the lists is down at a first start, the next one brings them and says so", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  for (const api of LISTS) {
    rig.simulator.injectFault(DOWN, { api, times: FOREVER });
  }
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  await whole(rig);
  assert.deepEqual(second.asked, ["trading-calendar", "listed", "delisted", ...Array(3).fill("paused")]);
  assert.deepEqual(rig.evidence("stock-list/1d/"), ["baostock"]);
  assert.deepEqual(rig.evidence("trading-calendar/1d/"), ["baostock"]);
  assert.equal(saidStored(rig), 0);
  const calls = rig.calls("stock_basic").length;
  assert.equal((await rig.send(LAST_DAY)).word, "up-to-date");
  assert.deepEqual([second.asked.length, rig.calls("stock_basic").length], [6, calls], "asked once");
});

test("while the first is out the list that is stored serves, and nobody else is asked for one", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  await rig.send(STOCK_LIST);
  rig.setClock("2026-03-03T04:00:00Z");
  rig.simulator.injectFault(DOWN, { api: "stock_basic", times: FOREVER });
  assert.equal((await rig.send(onDay(A, "20260227"))).word, "stored");
  assert.deepEqual([saidStored(rig), second.asked.includes("listed")], [1, false]);
});

test("a provider of the lists that refuses our token is left out, and the others go on", async () => {
  const second = new Lister();
  second.capabilities = [...second.capabilities, BARS];
  await using rig = await openTwo(second);
  for (const api of [...LISTS, "daily"] as const) {
    rig.simulator.injectFault(NO_TOKEN, { api, times: FOREVER });
  }
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  assert.equal(rig.calls("daily").length, 0, "who refused the list is not asked for bars");
  assert.ok(rig.logged.some((line) => /did not come, asking the next provider.*token/.test(line)));
  const [refused] = rig.breakers().filter(({ state }) => state !== "closed");
  assert.deepEqual(
    [refused?.provider, refused?.api, refused?.since],
    ["tushare", "tushare", "2026-03-02T04:00:00.000Z"],
  );
  assert.match(refused?.why ?? "", /token/);
});

test("where everybody with a list refuses us, its messages are set aside and nobody asks for each of them", async () => {
  const second = new Lister();
  second.capabilities = [BARS];
  await using rig = await openTwo(second);
  for (const api of LISTS) {
    rig.simulator.injectFault(NO_TOKEN, { api, times: FOREVER });
  }
  for (const code of CODES) {
    await assert.rejects(
      rig.send(onDay(code, "20260227")),
      (error) => error instanceof MessageError && error.reason === "provider-refused" && /token/i.test(error.detail),
    );
  }
  assert.deepEqual([rig.calls("trade_cal").length, rig.calls("stock_basic").length], [1, 1]);
});

test("where everybody refuses us and a list is stored, a code that it does not have is unknown and the others are served", async () => {
  const second = new Lister();
  second.capabilities = [BARS];
  await using rig = await openTwo(second);
  await rig.send(STOCK_LIST);
  rig.setClock("2026-03-03T04:00:00Z");
  rig.simulator.injectFault(NO_TOKEN, { api: "stock_basic", times: FOREVER });
  const params = { codes: [A, "600009.SH"], start_date: "20260227", end_date: "20260227" };
  await assert.rejects(
    rig.send({ command: "bar_snapshot", params }),
    (error) => error instanceof MessageError && error.reason === "unknown-code" && /600009/.test(error.detail),
  );
  assert.equal(rig.bars.size, 1);
});

test("a list that we have no right to comes from the next provider", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  rig.simulator.injectFault(NO_RIGHT, { api: "stock_basic", times: FOREVER });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  await whole(rig);
  assert.equal(rig.calls("stock_basic").length, 1);
  assert.deepEqual(rig.evidence("trading-calendar/1d/"), ["tushare"], "the calendar is the first one's");
  assert.ok(!second.asked.includes("trading-calendar"));
});

test("an answer that cannot be the list is not the last word: the next one is asked, and nobody again within the minute", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1_000 });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  await whole(rig);
  assert.equal(rig.calls("stock_basic").length, 1, rig.calls("stock_basic").join(", "));
  assert.ok(rig.logged.some((line) => /did not come, asking the next provider.*0 rows/.test(line)));

  const bad = new Lister();
  bad.codes = [];
  await using none = await openTwo(bad);
  none.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1_000 });
  await assert.rejects(none.send(LAST_DAY), isWaiting);
  await assert.rejects(none.send(LAST_DAY), isWaiting);
  assert.deepEqual([none.calls("stock_basic").length, listedCalls(bad)], [1, 1]);
});

for (const [word, fault] of [
  ["is no list", { kind: "empty" }],
  ["calls the request wrong", WRONG],
] as const) {
  test(`where an answer of the first ${word} and the next one is down, the first is asked again in a minute`, async () => {
    const second = new Lister();
    second.isDown = true;
    await using rig = await openTwo(second);
    rig.simulator.injectFault(fault, { api: "stock_basic", times: 1 });
    await assert.rejects(rig.send(LAST_DAY), isWaiting);
    await assert.rejects(rig.send(LAST_DAY), isWaiting);
    rig.setClock("2026-03-02T04:01:00Z");
    assert.equal((await rig.send(LAST_DAY)).word, "stored");
  });
}

test("where the first has no right and the next one no list, messages wait and use up nothing, each asked once a minute", async () => {
  const second = new Lister();
  second.codes = [];
  await using rig = await openTwo(second);
  rig.simulator.injectFault(NO_RIGHT, { api: "stock_basic", times: FOREVER });
  for (const code of CODES) {
    await assert.rejects(rig.send(onDay(code, "20260227")), isWaiting);
  }
  assert.deepEqual([rig.calls("stock_basic").length, listedCalls(second)], [1, 1]);
});

test("where the first has no list and the next one refuses our token, messages wait", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  await rig.send({ command: "trade_day", params: {} });
  second.failure = new PermanentError("asking: the login is refused", "provider");
  rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1 });
  await assert.rejects(rig.send(LAST_DAY), isWaiting);
  await assert.rejects(rig.send(LAST_DAY), isWaiting);
  rig.setClock("2026-03-02T04:01:00Z");
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
});

test("a list of whoever steps in is held against all that is stored of what it covers", async () => {
  const many = codesOf(300);
  const second = new Lister();
  second.codes = many.slice(0, 10);
  const stock_basic = many.map((code) => stockRow(code));
  await using rig = await openTwo(second, { rows: { ...rows, stock_basic } });
  await rig.send(STOCK_LIST);
  rig.setClock("2026-03-03T04:00:00Z");
  rig.simulator.injectFault(NO_RIGHT, { api: "stock_basic", times: FOREVER });
  await assert.rejects(
    rig.send(STOCK_LIST),
    (error) =>
      error instanceof TransientError && /from baostock.*10 listed codes where 300 are stored/.test(error.message),
  );
});

test("an account with one call an hour is not left for its hour: all of a list is one provider's", async () => {
  const second = new Lister();
  const old = "833874.BJ";
  const delisted = { list_status: "D", list_date: "20200104", delist_date: "20250110" };
  const hourly = {
    calls: 1,
    windowMs: 3_600_000,
    kind: "sliding",
    unit: "hour",
    wording: "per-unit",
    api: "stock_basic",
  };
  await using rig = await openTwo(second, {
    limits: [hourly as NonNullable<CoreRigOptions["limits"]>[number]],
    rows: {
      daily: [...rows.daily, dailyRow(old, "20240105")],
      stock_basic: [...rows.stock_basic, stockRow(old, delisted)],
    },
  });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  const sent = rig.send(onDay(old, "20240105"));
  await waitFor(() => rig.calls("stock_basic").length === 2, { what: "the refusal of delisted codes" });
  rig.setClock("2026-03-02T05:01:00Z");
  await waitFor(() => rig.calls("stock_basic").length === 4, { what: "the refusal of paused codes" });
  rig.setClock("2026-03-02T06:02:00Z");
  assert.equal((await sent).word, "stored");
  assert.deepEqual([rig.evidence("stock-list/1d/"), second.asked], [["tushare"], []]);
});

for (const stepsIn of [false, true]) {
  const word = stepsIn ? "also after a list with Beijing stepped in once" : "where nobody else ever stepped in";
  test(`what the newest list does not cover is not unknown, ${word}`, async () => {
    const [beijing, fresh] = ["920001.BJ", "920002.BJ"];
    const second = new Lister();
    const stock_basic = [...rows.stock_basic, stockRow(beijing)];
    const daily = [...rows.daily, dailyRow(beijing, "20260227"), dailyRow(fresh, "20260303")];
    const env = { GINKGO_PROVIDERS_CHAIN: "baostock,tushare" };
    await using rig = await openTwo(second, { env, rows: { daily, stock_basic } });
    second.isDown = stepsIn;
    assert.equal((await rig.send(LAST_DAY)).word, "stored");
    await whole(rig);
    assert.deepEqual(rig.evidence("stock-list/1d/"), [stepsIn ? "tushare" : "baostock"]);
    second.isDown = false;
    rig.setClock("2026-03-04T04:00:00Z");
    await rig.send(LAST_DAY);
    await whole(rig);
    assert.deepEqual(rig.evidence("stock-list/1d/"), ["baostock"]);
    assert.equal((await rig.send(onDay(fresh, "20260303"))).word, "stored");
    await assert.rejects(
      rig.send(onDay("600009.SH", "20260303")),
      (error) => error instanceof MessageError && error.reason === "unknown-code",
    );
  });
}

test("while everybody with a list is out and none is stored, a drain gives back what waits", async () => {
  const second = new Lister();
  second.isDown = true;
  await using rig = await openTwo(second);
  rig.simulator.injectFault(DOWN, { api: "stock_basic", times: FOREVER });
  const held = Promise.allSettled([rig.send(LAST_DAY), rig.send(LAST_DAY)]);
  const outOf = (): number => rig.breakers().filter(({ state }) => state !== "closed").length;
  await waitFor(() => outOf() === 2, { timeoutMs: 20_000, everyMs: 5, what: "both are out" });
  rig.letGoInOutages();
  const ended = await held;
  assert.ok(
    ended.every((one) => one.status === "rejected" && one.reason instanceof GivenBackError),
    JSON.stringify(ended[0]),
  );
});

test("a code that is in no list, and a message for the list, do not wait for the first while another one has a list", async () => {
  const second = new Lister();
  const fresh = "600009.SH";
  await using rig = await openTwo(second);
  await rig.send(STOCK_LIST);
  rig.publish({ ...rows, daily: [...rows.daily, dailyRow(fresh, "20260302")] });
  rig.setClock("2026-03-02T12:00:00Z");
  second.codes = [...CODES, fresh];
  rig.simulator.injectFault(DOWN, { api: "stock_basic", times: FOREVER });
  assert.equal((await rig.send(onDay(fresh, "20260302"))).word, "stored");
  assert.deepEqual(rig.evidence("stock-list/1d/"), ["baostock"]);
  await assert.rejects(
    rig.send(onDay("600010.SH", "20260302")),
    (error) => error instanceof MessageError && error.reason === "unknown-code",
  );
  rig.setClock("2026-03-02T13:00:00Z");
  const before = listedCalls(second);
  assert.equal((await rig.send(STOCK_LIST)).word, "stored");
  assert.ok(listedCalls(second) > before);
});

test("a message for the list is given up at the outage's deadline while the refresh of the first is waited for", async () => {
  const second = new Lister();
  const env = { GINKGO_WORKER_OUTAGE_DEADLINE_MS: "20000", GINKGO_BREAKER_PAUSE_MS_MAX: "5000" };
  await using rig = await openTwo(second, { env: { GINKGO_PROVIDERS_CHAIN: "tushare,baostock", ...env } });
  await rig.send(STOCK_LIST);
  rig.setClock("2026-03-03T04:00:00Z");
  rig.simulator.injectFault(DOWN, { api: "stock_basic", times: FOREVER });
  // What is stored serves it; the refresh that it began goes on.
  assert.equal((await rig.send(onDay(A, "20260227"))).word, "stored");
  await assert.rejects(
    rig.send(STOCK_LIST),
    (error) => error instanceof MessageError && error.reason === "outage" && /stock_basic/.test(error.detail),
  );
});

test("a token that is refused between listed and delisted codes does not stop a worker that has other providers", async () => {
  const first = new Lister();
  first.refusesAfter = "listed";
  await using rig = await openTwo(first, { env: { GINKGO_PROVIDERS_CHAIN: "baostock,tushare" } });
  await assert.rejects(
    rig.send(STOCK_LIST),
    (error) => error instanceof MessageError && error.reason === "provider-refused",
  );
  assert.ok(rig.logged.some((line) => /provider is out for good, the others go on/.test(line)));
});

test("a provider of the calendar that is back is asked again", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  rig.simulator.injectFault(DOWN, { api: "trade_cal", times: FOREVER });
  await rig.send({ command: "trade_day", params: {} });
  assert.deepEqual(rig.evidence("trading-calendar/1d/"), ["baostock"]);
  rig.simulator.clearFaults();
  const isBack = async (): Promise<boolean> => {
    await rig.send({ command: "trade_day", params: { force: true } });
    return rig.evidence("trading-calendar/1d/")[0] === "tushare";
  };
  await waitFor(isBack, { timeoutMs: 20_000, everyMs: 50, what: "the first one's calendar" });
  assert.ok(rig.breakers().every(({ state }) => state === "closed"));
});

test("whoever stands in for a first one that had no list a moment ago is not waited for", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  await rig.send(STOCK_LIST);
  rig.setClock("2026-03-03T04:00:00Z");
  rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1 });
  await rig.send(STOCK_LIST);
  assert.deepEqual(rig.evidence("stock-list/1d/"), ["baostock"]);
  rig.setClock("2026-03-03T04:00:10Z");
  second.isDown = true;
  await assert.rejects(rig.send(STOCK_LIST), isWaiting);
});

for (const [status, before] of [
  ["D", 1],
  ["P", 2],
] as const) {
  test(`a list of status ${status} that comes empty is asked for again`, async () => {
    const old = "600001.SH";
    const delisted = stockRow("600002.SH", { list_status: "D", delist_date: "20091229" });
    const mine = stockRow(old, { list_status: status, ...(status === "D" ? { delist_date: "20091229" } : {}) });
    const daily = [...rows.daily, dailyRow(old, "20091228")];
    await using rig = await openTwo(new Lister(), {
      rows: { daily, stock_basic: [...rows.stock_basic, delisted, mine] },
    });
    rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", skip: before, times: 2 });
    assert.equal((await rig.send(onDay(old, "20091228"))).word, "stored");
  });
}

/** Until delisted and paused codes are there as well. */
async function whole(rig: CoreRig): Promise<void> {
  await waitFor(() => rig.states("stock-list/1d/").every((state) => state.endsWith("present")), {
    timeoutMs: 20_000,
    everyMs: 5,
    what: "the whole stock list",
  });
}

function listedCalls({ asked }: Lister): number {
  return asked.filter((one) => one === "listed").length;
}

function saidStored(rig: CoreRig): number {
  return rig.logged.filter((line) => /what is stored serves/.test(line)).length;
}

async function openTwo(second: Lister, options: Partial<CoreRigOptions> = {}): Promise<CoreRig> {
  const env = { GINKGO_PROVIDERS_CHAIN: "tushare,baostock" };
  return await openCoreRig({ now: NOON, rows, others: [second], env, ...options });
}
