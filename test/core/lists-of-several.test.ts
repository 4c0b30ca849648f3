import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDecimal } from "../../src/base/decimal.ts";
import { TransientError } from "../../src/base/errors.ts";
import { GivenBackError } from "../../src/consumer/handling.ts";
import { parseDay, SHANGHAI } from "../../src/domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../../src/domain/enums.ts";
import { MessageError } from "../../src/domain/message-error.ts";
import type { Bar, CalendarDay, DataSet, Instrument, RowOf } from "../../src/domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Capability, Page, Source } from "../../src/ports/source.ts";
import { waitFor } from "../support/wait-for.ts";
import { codesOf, type CoreRig, type CoreRigOptions, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const NOON = "2026-03-02T04:00:00Z";
const CODES = codesOf(3);
const [A = ""] = CODES;
const LAST_DAY = { command: "bar_snapshot", params: { code: A, days: 1 } };
const rows = {
  daily: CODES.map((code) => dailyRow(code, "20260227")),
  stock_basic: CODES.map((code) => stockRow(code)),
};
const LISTS = ["stock_basic", "trade_cal"] as const;
const DOWN = { kind: "gateway", status: 502 } as const;
const NO_TOKEN = { kind: "refused", code: 40101, msg: "您的token不对，请确认。" } as const;
const NO_RIGHT = { kind: "refused", code: 40203, msg: "抱歉，您没有接口(stock_basic)访问权限" } as const;

test("where the first provider of the lists is down at a first start, the next one brings them and says so", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  for (const api of LISTS) {
    rig.simulator.injectFault(DOWN, { api, times: 1_000_000 });
  }
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  assert.deepEqual(second.asked.slice(0, 2), ["trading-calendar", "listed"]);
  assert.deepEqual(rig.evidence("stock-list/1d/").slice(0, 1), ["baostock"]);
  assert.deepEqual(rig.evidence("trading-calendar/1d/"), ["baostock"]);
  assert.equal(rig.logged.filter((line) => /what is stored serves/.test(line)).length, 0);
  const [lists, calls] = [second.asked.length, rig.calls("stock_basic").length];
  assert.equal((await rig.send(LAST_DAY)).word, "up-to-date");
  assert.deepEqual([second.asked.length, rig.calls("stock_basic").length], [lists, calls], "asked once");
});

test("a provider of the lists that refuses our token is left out, and the others go on", async () => {
  const second = new Lister();
  // Its token is good for nothing, so that who brings the bars must be another one as well.
  await using rig = await openTwo(second, { bars: true });
  for (const api of [...LISTS, "daily"] as const) {
    rig.simulator.injectFault(NO_TOKEN, { api, times: 1_000_000 });
  }
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  assert.equal(rig.calls("daily").length, 0, "who refused the list is not asked for bars");
  assert.ok(rig.logged.some((line) => /provider is out for good, the others go on/.test(line)));
});

test("where everybody with a list refuses us, its messages are set aside and the worker goes on with the other markets", async () => {
  const second = new Lister();
  second.capabilities = [BARS];
  await using rig = await openTwo(second);
  for (const api of LISTS) {
    rig.simulator.injectFault(NO_TOKEN, { api, times: 1_000_000 });
  }
  await assert.rejects(
    rig.send(LAST_DAY),
    (error) => error instanceof MessageError && error.reason === "provider-refused" && /token/i.test(error.detail),
  );
});

test("a list that we have no right to comes from the next provider", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  rig.simulator.injectFault(NO_RIGHT, { api: "stock_basic", times: 1_000_000 });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  assert.equal(rig.calls("stock_basic").length, 1);
  assert.deepEqual(rig.evidence("trading-calendar/1d/"), ["tushare"], "the calendar is the first one's");
  assert.ok(!second.asked.includes("trading-calendar"));
});

test("an answer that cannot be the list is not the last word: the next one is asked, and the first not again within the minute", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  rig.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1_000 });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  await whole(rig);
  assert.equal(rig.calls("stock_basic").length, 1, rig.calls("stock_basic").join(", "));
  assert.ok(rig.logged.some((line) => /cannot be the list, asking the next provider.*0 rows/.test(line)));

  const bad = new Lister();
  bad.codes = [];
  await using none = await openTwo(bad);
  none.simulator.injectFault({ kind: "empty" }, { api: "stock_basic", times: 1_000 });
  await assert.rejects(none.send(LAST_DAY), (error) => error instanceof TransientError && /0 rows/.test(error.message));
  await assert.rejects(none.send(LAST_DAY), TransientError);
  assert.deepEqual([none.calls("stock_basic").length, bad.asked.filter((one) => one === "listed").length], [1, 1]);
});

test("a list is one provider's: where another one steps in half way it begins anew, and a code in no list of the first is known", async () => {
  const second = new Lister();
  const late = "600001.SH";
  second.delisted = [late];
  await using rig = await openTwo(second, { rows: { ...rows, daily: [...rows.daily, dailyRow(late, "20091228")] } });
  rig.simulator.injectFault(DOWN, { api: "stock_basic", skip: 1, times: 1_000_000 });
  assert.equal((await rig.send(LAST_DAY)).word, "stored");
  await whole(rig);
  assert.deepEqual(second.asked, ["listed", "delisted", "paused"]);
  assert.deepEqual(rig.evidence("stock-list/1d/"), ["baostock"]);
  const old = { command: "bar_snapshot", params: { code: late, start_date: "20091228", end_date: "20091228" } };
  assert.equal((await rig.send(old)).word, "stored");
  await assert.rejects(
    rig.send({ command: "bar_snapshot", params: { code: "600009.SH", days: 1 } }),
    (error) => error instanceof MessageError && error.reason === "unknown-code",
  );
});

test("while everybody with a list is out what is stored serves; with nothing stored a drain gives back what waits", async () => {
  const second = new Lister();
  await using rig = await openTwo(second);
  await rig.send({ command: "stockinfo", params: {} });
  rig.setClock("2026-03-03T04:00:00Z");
  second.isDown = true;
  for (const api of LISTS) {
    rig.simulator.injectFault(DOWN, { api, times: 1_000_000 });
  }
  const friday = { code: A, start_date: "20260227", end_date: "20260227" };
  assert.equal((await rig.send({ command: "bar_snapshot", params: friday })).word, "stored");
  assert.equal(rig.logged.filter((line) => /what is stored serves/.test(line)).length, 2, "one line a list");

  const alone = new Lister();
  alone.isDown = true;
  await using bare = await openTwo(alone);
  bare.simulator.injectFault(DOWN, { api: "stock_basic", times: 1_000_000 });
  const held = Promise.allSettled([bare.send(LAST_DAY), bare.send(LAST_DAY)]);
  const outOf = (): number => bare.breakers().filter(({ state }) => state !== "closed").length;
  await waitFor(() => outOf() === 2, { timeoutMs: 20_000, everyMs: 5, what: "both are out" });
  bare.letGoInOutages();
  const ended = await held;
  assert.ok(
    ended.every((one) => one.status === "rejected" && one.reason instanceof GivenBackError),
    JSON.stringify(ended[0]),
  );
});

/** Until delisted and paused codes are there as well. */
async function whole(rig: CoreRig): Promise<void> {
  await waitFor(() => rig.states("stock-list/1d/").every((state) => state.endsWith("present")), {
    timeoutMs: 20_000,
    everyMs: 5,
    what: "the whole stock list",
  });
}

async function openTwo(
  second: Lister,
  { bars = false, ...options }: Partial<CoreRigOptions> & { readonly bars?: boolean } = {},
): Promise<CoreRig> {
  if (bars) {
    second.capabilities = [...second.capabilities, BARS];
  }
  return await openCoreRig({
    now: NOON,
    rows,
    others: [second],
    env: { GINKGO_PROVIDERS_CHAIN: "tushare,baostock" },
    ...options,
  });
}

const LIST: Omit<Capability, "dataSet" | "api"> = {
  frequency: "1d",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 0,
  byDay: false,
  completeFrom: "00:00",
  zone: SHANGHAI,
  exchanges: ["SH", "SZ"],
  kinds: ["stock"],
  since: undefined,
};
const BARS: Capability = { ...LIST, dataSet: "bars", api: "bars", completeFrom: "17:00", codesMax: 1 };

/** Another provider with lists of its own, and a bar for whoever asks. */
class Lister implements Source {
  readonly provider = "baostock";
  capabilities: readonly Capability[] = [
    { ...LIST, dataSet: "stock-list", api: "query_stock_basic" },
    { ...LIST, dataSet: "trading-calendar", api: "query_trade_dates" },
  ];
  codes: readonly string[] = CODES;
  delisted: readonly string[] = [];
  isDown = false;
  readonly asked: string[] = [];

  async fetch(call: Parameters<Source["fetch"]>[0]): Promise<never> {
    this.asked.push(call.selection.by === "status" ? call.selection.status : call.dataSet);
    if (this.isDown) {
      throw new TransientError("asking: the connection was reset");
    }
    const page: Page = { dataSet: call.dataSet, rows: this.#rows(call), rejected: [], received: 1, rest: [] };
    // The caller asked for this data set.
    return page as never;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #rows({ dataSet, selection }: Parameters<Source["fetch"]>[0]): RowOf[DataSet][] {
    if (dataSet === "trading-calendar") {
      const open: CalendarDay = {
        market: MARKET.CHINA,
        day: parseDay("2026-02-27"),
        isOpen: true,
        source: SOURCE.BAOSTOCK,
      };
      return [open];
    }
    if (selection.by === "status") {
      const of = { listed: this.codes, delisted: this.delisted, paused: [] }[selection.status];
      return of.map((code) => instrumentOf(code, selection.status));
    }
    return selection.by === "codes" ? selection.codes.map(barOf) : [];
  }
}

const ONE = parseDecimal("1");

function barOf(code: SecurityCode): Bar {
  return {
    code,
    frequency: "1d",
    tradingDay: parseDay("2026-02-27"),
    time: "2026-02-27 00:00:00",
    zone: SHANGHAI,
    open: ONE,
    high: ONE,
    low: ONE,
    close: ONE,
    preClose: undefined,
    volume: ONE,
    turnover: undefined,
    source: SOURCE.BAOSTOCK,
    flags: 0,
  };
}

function instrumentOf(code: string, status: Instrument["status"]): Instrument {
  return {
    code: parseSecurityCode(code),
    name: code,
    industry: "",
    market: MARKET.CHINA,
    currency: CURRENCY.CNY,
    status,
    listedOn: parseDay("2000-01-04"),
    delistedOn: status === "delisted" ? parseDay("2009-12-29") : undefined,
    source: SOURCE.BAOSTOCK,
  };
}
