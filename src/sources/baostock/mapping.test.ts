import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError } from "../../base/errors.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { mapTable, parseWireCode, toWireCode, type Mapped } from "./mapping.ts";

const DAILY = [
  "date",
  "code",
  "open",
  "high",
  "low",
  "close",
  "preclose",
  "volume",
  "amount",
  "adjustflag",
  "tradestatus",
];
const DAY = {
  date: "2024-01-02",
  code: "sh.600000",
  open: "6.6300",
  high: "6.6500",
  low: "6.6000",
  close: "6.6000",
  preclose: "6.6200",
  volume: "22066700",
  amount: "146066303.7200",
  adjustflag: "3",
  tradestatus: "1",
};
const MINUTES = ["date", "time", "code", "open", "high", "low", "close", "volume", "amount", "adjustflag"];
const MINUTE = { ...DAY, time: "20240102093500000" };

type Row = Readonly<Record<string, unknown>>;

function map<D extends DataSet>(
  dataSet: D,
  columns: readonly string[],
  rows: readonly Row[],
  frequency: Frequency = "1d",
): Mapped<D> {
  const items = rows.map((row) => columns.map((column) => row[column]));
  return mapTable(dataSet, frequency, { fields: columns, items });
}

function rejectOf(change: Row, columns = DAILY, frequency: Frequency = "1d"): readonly [string, string] {
  const { rows, rejected, suspensions } = map("bars", columns, [{ ...MINUTE, ...change }, MINUTE], frequency);
  assert.equal(rows.length, 1, "its neighbour");
  assert.equal(rejected.length, 1, JSON.stringify(change));
  assert.deepEqual(suspensions, []);
  return [rejected[0]?.reason ?? "", rejected[0]?.detail ?? ""];
}

test("a daily bar in canonical units, whatever the order of columns", () => {
  const bar = {
    code: "600000.SH",
    frequency: "1d",
    tradingDay: "2024-01-02",
    time: "2024-01-02 00:00:00",
    zone: "Asia/Shanghai",
    open: "6.63",
    high: "6.65",
    low: "6.6",
    close: "6.6",
    preClose: "6.62",
    volume: "22066700",
    turnover: "146066303.72",
    source: 4,
    flags: 0,
  };
  for (const columns of [DAILY, DAILY.toReversed()]) {
    assert.deepEqual(map("bars", columns, [DAY]), { rows: [bar], rejected: [], suspensions: [] });
  }
  // An index has neither of these.
  const ofIndex = DAILY.filter((column) => column !== "adjustflag" && column !== "tradestatus");
  assert.deepEqual(map("bars", ofIndex, [DAY]).rows, [bar]);
  assert.equal(map("bars", DAILY, [{ ...DAY, preclose: "" }]).rows[0]?.preClose, undefined);
});

test("a bar of minutes stands at the end of its interval", () => {
  for (const [frequency, time, expected] of [
    ["5m", "20240102093500000", "2024-01-02 09:35:00"],
    ["60m", "20240102150000000", "2024-01-02 15:00:00"],
  ] as const) {
    const [bar] = map("bars", MINUTES, [{ ...MINUTE, time }], frequency).rows;
    assert.equal(bar?.time, expected);
    assert.equal(bar.frequency, frequency);
    assert.equal(bar.preClose, undefined);
  }
});

test("a day without trading is a suspension and no bar, however its volume is written", () => {
  const rows = [
    { ...DAY, date: "2024-01-03", tradestatus: "0", volume: "", amount: "" },
    { ...DAY, date: "2024-01-04", tradestatus: "0", volume: "0", amount: "0.0000" },
    DAY,
  ];
  const mapped = map("bars", DAILY, rows);
  assert.equal(mapped.rows.length, 1);
  assert.deepEqual(mapped.rejected, []);
  assert.deepEqual(mapped.suspensions, [
    { code: "600000.SH", day: "2024-01-03" },
    { code: "600000.SH", day: "2024-01-04" },
  ]);
});

test("what cannot be read is rejected with its reason and its neighbours go on", () => {
  const cases: readonly (readonly [Row, string, RegExp])[] = [
    [{ volume: "" }, "not-parseable", /volume/],
    [{ amount: "" }, "not-parseable", /amount/],
    [{ open: "" }, "not-parseable", /open/],
    [{ open: 6.63 }, "not-parseable", /open/],
    [{ close: null }, "not-parseable", /close/],
    [{ open: "6.2070789300" }, "out-of-range", /open: 6\.20707893/],
    [{ high: "123456789012345" }, "out-of-range", /high/],
    [{ volume: "100.5" }, "volume-not-whole", /100\.5/],
    [{ volume: "-1" }, "out-of-range", /volume/],
    [{ volume: "9223372036854775808" }, "out-of-range", /volume/],
    [{ amount: "-0.01" }, "out-of-range", /amount/],
    [{ adjustflag: "2" }, "not-parseable", /adjustflag/],
    [{ tradestatus: "" }, "not-parseable", /tradestatus/],
    [{ code: "sh.60000" }, "not-parseable", /code/],
    [{ code: "600000.SH" }, "not-parseable", /code/],
    [{ date: "2024-02-30" }, "not-parseable", /2024-02-30/],
  ];
  for (const [change, reason, detail] of cases) {
    const [given, said] = rejectOf(change);
    assert.equal(given, reason, JSON.stringify(change));
    assert.match(said, detail);
  }
  for (const time of ["20240103093500000", "2024010209350000", "20240102243500000", "", null]) {
    assert.equal(rejectOf({ time }, MINUTES, "5m")[0], "not-parseable", `${time}`);
  }
});

test("a rejected row says whose it is, and is kept as it came", () => {
  const { rejected } = map("bars", DAILY, [{ ...DAY, volume: "many" }]);
  const [row] = rejected;
  assert.equal(row?.code, "600000.SH");
  assert.equal(row.day, "2024-01-02");
  assert.equal(
    row.raw,
    JSON.stringify(DAILY.map((column) => ({ ...DAY, volume: "many" })[column as keyof typeof DAY])),
  );
  const short = mapTable("bars", "1d", { fields: DAILY, items: [["2024-01-02"]] });
  assert.equal(short.rejected[0]?.detail, "expected 11 cells, got 1");
});

test("an answer that lacks a column is of another protocol", () => {
  const fields = DAILY.filter((column) => column !== "volume");
  assert.throws(() => map("bars", fields, [DAY]), PermanentError);
  assert.throws(() => map("bars", DAILY, [DAY], "5m"), /lacks time/);
});

test("factors are the backward ones, on their ex-days", () => {
  const columns = ["code", "dividOperateDate", "foreAdjustFactor", "backAdjustFactor", "adjustFactor"];
  const row = {
    code: "sh.600000",
    dividOperateDate: "2023-07-21",
    foreAdjustFactor: "0.936211",
    backAdjustFactor: "11.949786",
  };
  const { rows } = map("adjustment-factors", columns, [{ ...row, adjustFactor: "1" }]);
  assert.deepEqual(rows, [{ code: "600000.SH", tradingDay: "2023-07-21", factor: "11.949786", source: 4 }]);
  const { rejected } = map("adjustment-factors", columns, [{ ...row, backAdjustFactor: "0.000000" }]);
  assert.equal(rejected[0]?.reason, "out-of-range");
});

test("an instrument of any kind, listed or not", () => {
  const columns = ["code", "code_name", "ipoDate", "outDate", "type", "status"];
  const row = { code: "sh.600000", code_name: "浦发 银行", ipoDate: "1999-11-10", outDate: "", type: "1", status: "1" };
  const { rows, rejected } = map("stock-list", columns, [
    row,
    { ...row, code: "sh.600001", outDate: "2009-12-29", status: "0" },
    { ...row, code: "sh.900901" },
    { ...row, code: "sz.200011" },
    { ...row, code: "sz.399001", type: "2" },
    { ...row, status: "2" },
    { ...row, ipoDate: "" },
  ]);
  assert.deepEqual(
    rows.map(({ code, status, currency, delistedOn }) => [code, status, currency, delistedOn]),
    [
      ["600000.SH", "listed", 1, undefined],
      ["600001.SH", "delisted", 1, "2009-12-29"],
      ["900901.SH", "listed", 2, undefined],
      ["200011.SZ", "listed", 0, undefined],
      ["399001.SZ", "listed", 1, undefined],
    ],
  );
  assert.equal(rows[0]?.name, "浦发 银行");
  assert.equal(rejected.length, 2);
});

test("a calendar has every day", () => {
  const columns = ["calendar_date", "is_trading_day"];
  const { rows, rejected } = map("trading-calendar", columns, [
    { calendar_date: "2024-01-01", is_trading_day: "0" },
    { calendar_date: "2024-01-02", is_trading_day: "1" },
    { calendar_date: "2024-01-03", is_trading_day: "" },
  ]);
  assert.deepEqual(
    rows.map(({ day, isOpen }) => [day, isOpen]),
    [
      ["2024-01-01", false],
      ["2024-01-02", true],
    ],
  );
  assert.equal(rejected[0]?.day, "2024-01-03");
});

test("codes go there and back", () => {
  for (const code of ["600000.SH", "000001.SZ", "399001.SZ"].map((text) => parseSecurityCode(text))) {
    assert.equal(parseWireCode(toWireCode(code)), code);
  }
});
