import assert from "node:assert/strict";
import { test } from "node:test";

import {
  barsFrame,
  packedFrame,
  ScriptedBaostock,
  tableFrame,
  type BaostockAsked,
  type BaostockScript,
} from "../../../test/support/scripted-baostock.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError } from "../../base/errors.ts";
import { dayAt, parseDay, SHANGHAI } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import type { Source } from "../../ports/source.ts";
import { baostockCapabilities, openBaostockSource } from "./source.ts";

const never = new AbortController().signal;
const STOCK = parseSecurityCode("600000.SH");
const DAY = parseDay("2024-01-02");
const RANGE = { from: DAY, to: parseDay("2024-12-31") };

class Rig implements AsyncDisposable {
  readonly server: ScriptedBaostock;
  readonly source: Source;

  private constructor(server: ScriptedBaostock) {
    this.server = server;
    const { port } = server;
    const common = { host: "127.0.0.1", port, user: "anonymous", password: "123456", clock: systemClock };
    this.source = openBaostockSource({ ...common, loginPauseMs: 0 });
  }

  static async open(script: BaostockScript): Promise<Rig> {
    return new Rig(await ScriptedBaostock.open(script));
  }

  /** The last request but that of the login, its parameters behind the user. */
  get last(): readonly string[] {
    const { type = "", fields = [] } = this.server.asked.at(-1) ?? {};
    return [type, fields[0] ?? "", ...fields.slice(2)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

function toCall<D extends DataSet>(dataSet: D, selection: Selection, frequency: Frequency = "1d"): Call<D> {
  return { dataSet, frequency, selection };
}

const codes = (code = "600000.SH"): Selection => ({ by: "codes", codes: [parseSecurityCode(code)], ...RANGE });

const DAY_FIELDS =
  "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,peTTM,pbMRQ,psTTM,pcfNcfTTM,isST";
const dayRow = (code: string, status = "1"): readonly string[] => [
  "2024-01-02",
  code,
  "6.63",
  "6.65",
  "6.6",
  "6.6",
  "6.62",
  "100",
  "660.0000",
  "3",
  "0.1",
  status,
  "",
  "",
  "",
  "",
  "",
  "0",
];
const dayFrame = (fields: readonly string[], rows: readonly (readonly string[])[]): Buffer =>
  packedFrame("99", [
    "0",
    "success",
    fields[0] ?? "",
    "anonymous",
    JSON.stringify({ record: rows }),
    DAY_FIELDS,
    "2024-01-02",
  ]);

test("each call asks as the page says", async () => {
  await using rig = await Rig.open((asked) => {
    if (asked.type === "98") {
      return dayFrame(asked.fields, []);
    }
    const columns: Readonly<Record<string, string>> = {
      "15": "code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFactor",
      "33": "calendar_date, is_trading_day",
      "45": "code, code_name, ipoDate, outDate, type, status",
    };
    const list = columns[asked.type];
    return list === undefined ? barsFrame(asked, []) : tableFrame(asked, list, [], asked.fields.length - 4);
  });
  const ask = async (call: Call): Promise<readonly string[]> => {
    await rig.source.fetch(call, never);
    return rig.last;
  };
  const K = ["95", "query_history_k_data_plus", "1", "2000"];
  const ofDay = "date,code,open,high,low,close,preclose,volume,amount";
  const ofMinutes = "date,time,code,open,high,low,close,volume,amount,adjustflag";
  const span = ["2024-01-02", "2024-12-31"];
  const stockDay = `${ofDay},adjustflag,tradestatus`;
  assert.deepEqual(await ask(toCall("bars", codes())), [...K, "sh.600000", stockDay, ...span, "d", "3"]);
  assert.deepEqual(await ask(toCall("bars", codes("159915.SZ"))), [...K, "sz.159915", stockDay, ...span, "d", "3"]);
  assert.deepEqual(await ask(toCall("bars", codes("000001.SH"))), [...K, "sh.000001", ofDay, ...span, "d", "3"]);
  for (const [frequency, letter] of [
    ["5m", "5"],
    ["15m", "15"],
    ["30m", "30"],
    ["60m", "60"],
  ] as const) {
    const asked = await ask(toCall("bars", codes(), frequency));
    assert.deepEqual(asked, [...K, "sh.600000", ofMinutes, ...span, letter, "3"]);
  }
  assert.deepEqual(await ask(toCall("bars", { by: "day", day: DAY })), [
    "98",
    "query_daily_history_k_AStock",
    "2024-01-02",
  ]);
  const factors = [
    "15",
    "query_adjust_factor",
    "1",
    "2000",
    "sh.600000",
    "1990-01-01",
    dayAt(systemClock.now(), SHANGHAI),
  ];
  assert.deepEqual(await ask(toCall("adjustment-factors", codes())), factors);
  const list = await ask(toCall("stock-list", { by: "status", status: "listed" }));
  assert.deepEqual(list, ["45", "query_stock_basic", "1", "2000", "", ""]);
  const calendar = await ask({ ...toCall("trading-calendar", { by: "range", ...RANGE }), offset: 4_000 });
  assert.deepEqual(calendar, ["33", "query_trade_dates", "3", "2000", ...span]);
});

test("the market of a day is one request, with suspensions beside the bars", async () => {
  await using rig = await Rig.open(({ fields }) => dayFrame(fields, [dayRow("sh.600000"), dayRow("sz.000001", "0")]));
  const page = await rig.source.fetch(toCall("bars", { by: "day", day: DAY }), never);
  assert.deepEqual(
    page.rows.map(({ code }) => code),
    ["600000.SH"],
  );
  assert.deepEqual(page.suspensions, [{ code: "000001.SZ", day: "2024-01-02" }]);
  assert.equal(page.received, 2);
  assert.deepEqual(page.rest, []);
});

test("a day that fills the server's room is cut, and nothing splits it", async () => {
  const rows = Array.from({ length: 20_000 }, () => dayRow("sh.600000"));
  await using rig = await Rig.open(({ fields }) =>
    dayFrame(fields, fields.at(-1) === "2024-01-02" ? rows : rows.slice(1)),
  );
  await assert.rejects(rig.source.fetch(toCall("bars", { by: "day", day: DAY }), never), DataError);
  const page = await rig.source.fetch(toCall("bars", { by: "day", day: parseDay("2024-01-03") }), never);
  assert.equal(page.received, 19_999);
});

test("a list is filtered by status, and counts all that came", async () => {
  await using rig = await Rig.open((asked) =>
    tableFrame(
      asked,
      "code, code_name, ipoDate, outDate, type, status",
      [
        ["sh.600000", "a", "1999-11-10", "", "1", "1"],
        ["sh.600001", "b", "1998-01-22", "2009-12-29", "1", "0"],
        ["sh.000001", "c", "1991-07-15", "", "2", "1"],
      ],
      2,
    ),
  );
  const ask = async (status: "listed" | "delisted" | "paused"): Promise<readonly string[]> => {
    const page = await rig.source.fetch(toCall("stock-list", { by: "status", status }), never);
    assert.equal(page.received, status === "paused" ? 0 : 3);
    return page.rows.map(({ code }) => code);
  };
  assert.deepEqual(await ask("listed"), ["600000.SH", "000001.SH"]);
  assert.deepEqual(await ask("delisted"), ["600001.SH"]);
  assert.deepEqual(await ask("paused"), []);
});

test("pages go on while they are full, and not for ever", async () => {
  const full = (asked: BaostockAsked): Buffer =>
    tableFrame(
      asked,
      "calendar_date, is_trading_day",
      Array.from({ length: 2_000 }, () => ["2024-01-02", "1"]),
      2,
    );
  await using rig = await Rig.open(full);
  const call = toCall("trading-calendar", { by: "range", ...RANGE });
  const first = await rig.source.fetch(call, never);
  assert.deepEqual(first.rest, [{ ...call, offset: 2_000 }]);
  await assert.rejects(rig.source.fetch({ ...call, offset: 198_000 }, never), DataError);
  await assert.rejects(rig.source.fetch({ ...call, offset: 1 }, never), RangeError);
});

test("what it never offered is the caller's defect and reaches no server", async () => {
  await using rig = await Rig.open(() => undefined);
  const wrong: readonly Call[] = [
    toCall("bars", codes("920002.BJ")),
    toCall("bars", codes("000001.SH"), "5m"),
    toCall("bars", codes("110059.SH")),
    toCall("bars", codes(), "1m"),
    toCall("bars", codes(), "1w"),
    toCall("bars", { by: "day", day: DAY }, "5m"),
    toCall("bars", { by: "codes", codes: [STOCK, STOCK], ...RANGE }),
    toCall("bars", { by: "codes", codes: [], ...RANGE }),
    toCall("adjustment-factors", { by: "day", day: DAY }),
    toCall("adjustment-factors", codes("159915.SZ")),
    toCall("ticks", codes()),
    toCall("suspensions", { by: "day", day: DAY }),
    toCall("stock-list", { by: "range", ...RANGE }),
  ];
  for (const call of wrong) {
    await assert.rejects(rig.source.fetch(call, never), RangeError, JSON.stringify(call));
  }
  assert.equal(rig.server.connections, 0);
});

test("every call of what is offered fits one page", () => {
  const offers = baostockCapabilities();
  assert.ok(offers.every(({ api, rowsMax }) => api === "baostock" && rowsMax < 2_000));
  assert.ok(offers.every(({ exchanges }) => !exchanges.includes("BJ")));
  assert.deepEqual(
    offers.filter(({ byDay }) => byDay).map(({ dataSet, frequency, kinds }) => [dataSet, frequency, kinds]),
    [["bars", "1d", ["stock"]]],
  );
  const since = offers
    .filter(({ dataSet }) => dataSet === "bars")
    .map(({ frequency, kinds, since }) => [frequency, kinds[0], since]);
  assert.deepEqual(since.slice(0, 5), [
    ["1d", "stock", undefined],
    ["1d", "index", "2006-01-01"],
    ["1d", "etf", "2026-01-05"],
    ["5m", "stock", "2020-01-03"],
    ["5m", "etf", "2026-01-05"],
  ]);
});

test("a list of factors that does not end with the newest event is asked for again, and the longest is taken", async () => {
  const columns = "code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFactor";
  const event = (day: string, forward: string, back: string): readonly string[] => [
    "sh.600000",
    day,
    forward,
    back,
    back,
  ];
  const whole = [event("2023-07-21", "0.900000", "1.100000"), event("2024-07-21", "1.000000", "1.222222")];
  const beyond = [...whole, event("2025-07-21", "1.000000", "1.300000")];
  const cases = [
    { answers: [whole], rows: 2, asked: 1 },
    { answers: [[], whole], rows: 2, asked: 2 },
    { answers: [whole.slice(0, 1), [], whole], rows: 2, asked: 3 },
    { answers: [[], [], []], rows: 0, asked: 3 },
    { answers: [whole.slice(0, 1), [], []], rows: 1, asked: 3 },
    { answers: [beyond], rows: 2, asked: 1 },
  ];
  for (const { answers, rows, asked } of cases) {
    let looks = 0;
    await using rig = await Rig.open((request) => tableFrame(request, columns, answers[looks++] ?? [], 3));
    const page = await rig.source.fetch(toCall("adjustment-factors", codes()), never);
    assert.deepEqual([page.rows.length, looks], [rows, asked]);
  }
});
