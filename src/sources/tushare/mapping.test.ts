import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { PermanentError } from "../../base/errors.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import { parseBody } from "../http/json-text.ts";
import { readEnvelope, readTable, type TushareTable } from "./envelope.ts";
import { mapTable, type Mapped } from "./mapping.ts";

const DAILY = [
  "ts_code",
  "trade_date",
  "open",
  "high",
  "low",
  "close",
  "pre_close",
  "change",
  "pct_chg",
  "vol",
  "amount",
];

/** Maps rows given as the JSON text the server would send. */
function map<D extends DataSet>(
  dataSet: D,
  fields: readonly string[],
  rows: readonly string[],
  frequency: Frequency = "1d",
): Mapped<D> {
  const body = `{"code":0,"msg":"","data":{"fields":${JSON.stringify(fields)},"items":[${rows.join(",")}]}}`;
  const table: TushareTable = readTable(readEnvelope(parseBody(body))?.data, "mapping");
  return mapTable(dataSet, frequency, table);
}

test("a daily row of the provider's own documentation becomes a bar in shares and yuan", () => {
  const { rows, rejected } = map("bars", DAILY, [
    `["000001.SZ","20180718",8.75,8.85,8.69,8.70,8.72,-0.02,-0.23,525152.77,460697.377]`,
  ]);
  assert.deepEqual(rejected, []);
  assert.deepEqual(rows, [
    {
      code: "000001.SZ",
      frequency: "1d",
      tradingDay: "2018-07-18",
      time: "2018-07-18 00:00:00",
      zone: "Asia/Shanghai",
      open: "8.75",
      high: "8.85",
      low: "8.69",
      close: "8.7",
      preClose: "8.72",
      volume: "52515277",
      turnover: "460697377",
      source: 7,
      flags: 0,
    },
  ]);
});

test("columns are found by the answer's own list, in whatever order", () => {
  const row = { ts_code: `"000001.SZ"`, trade_date: `"19910404"`, open: "48.76", high: "48.76", low: "48.76" };
  const cells: Readonly<Record<string, string>> = {
    ...row,
    close: "48.76",
    pre_close: "49.0",
    vol: "3.0",
    amount: "15.0",
  };
  const fields = Object.keys(cells).toReversed();
  const { rows } = map("bars", ["extra", ...fields], [`[null,${fields.map((field) => cells[field]).join(",")}]`]);
  assert.equal(rows[0]?.volume, "300");
  assert.equal(rows[0]?.turnover, "15000");
  assert.equal(rows[0]?.preClose, "49");
});

test("numbers no float could hold are exact in canonical units", () => {
  const { rows } = map("bars", DAILY, [
    `["000001.SZ","20250102",0.1234,1e3,0.1,1E-1,null,0,0,90071992547409.93,123456789012.3456]`,
    `["000001.SZ","20250103",1,1,1,1,1,0,0,0,null]`,
  ]);
  assert.equal(rows[0]?.volume, "9007199254740993");
  assert.equal(rows[0]?.turnover, "123456789012345.6");
  assert.equal(rows[0]?.open, "0.1234");
  assert.equal(rows[0]?.high, "1000");
  assert.equal(rows[0]?.close, "0.1");
  assert.equal(rows[0]?.preClose, undefined);
  assert.equal(rows[1]?.turnover, undefined);
  assert.equal(rows[1]?.flags, 32);
});

test("a row that cannot be read is set aside with its reason and its neighbours go on", () => {
  const good = `["000001.SZ","20250102",1,1,1,1,1,0,0,1.01,1.5]`;
  const bad: readonly (readonly [string, string, RegExp])[] = [
    [`["000001.SZ","20250102",null,1,1,1,1,0,0,1,1]`, "not-parseable", /open/],
    [`["000001.SZ","20250102","a",1,1,1,1,0,0,1,1]`, "not-parseable", /open/],
    [`["1.SZ","20250102",1,1,1,1,1,0,0,1,1]`, "not-parseable", /ts_code/],
    [`["000001.SZ","20250230",1,1,1,1,1,0,0,1,1]`, "not-parseable", /trade_date/],
    [`["000001.SZ","20250102",1,1,1,1,1,0,0,1.005,1]`, "volume-not-whole", /100.5 shares/],
    [`["000001.SZ","20250102",1,1,1,1,1,0,0,-1,1]`, "out-of-range", /vol/],
    [`["000001.SZ","20250102",1,1,1,1,1,0,0,92233720368547758.08,1]`, "out-of-range", /vol/],
    [`["000001.SZ","20250102",1.00001,1,1,1,1,0,0,1,1]`, "out-of-range", /open/],
    [`["000001.SZ","20250102",1,1,1,1,1,0,0,1,12345678901234.5]`, "out-of-range", /amount/],
    [`["000001.SZ","20250102",1,1,1,1,1,0,0,1,1.12345678]`, "out-of-range", /amount/],
    [`["000001.SZ","20250102",1e9999,1,1,1,1,0,0,1,1]`, "not-parseable", /open/],
    [`["000001.SZ","20250102",1,1]`, "not-parseable", /11 cells, got 4/],
    [`["000001.SZ","20250102",1,1,1,{"a":1},1,0,0,1,1]`, "not-parseable", /close/],
  ];
  const { rows, rejected } = map("bars", DAILY, [good, ...bad.map(([row]) => row), good]);
  assert.equal(rows.length, 2);
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    bad.map(([, reason]) => reason),
  );
  for (const [index, [row, , detail]] of bad.entries()) {
    assert.match(rejected[index]?.detail ?? "", detail);
    // The object cell holds a number that arrives as text; every other row is written as it came.
    assert.ok(row.includes("{") || rejected[index]?.raw === row, rejected[index]?.raw);
  }
  assert.equal(rejected[0]?.code, "000001.SZ");
  assert.equal(rejected[0]?.day, "2025-01-02");
});

test("an answer without a column we need is the api's failure, not the row's", () => {
  assert.throws(() => map("adjustment-factors", ["ts_code", "trade_date"], []), PermanentError);
});

test("factors, instruments, calendar days and whole-day suspensions are read as recorded", () => {
  const factors = map(
    "adjustment-factors",
    ["ts_code", "trade_date", "adj_factor"],
    [`["000001.SZ","20210107",111.049]`, `["000001.SZ","20210108",0]`, `["000001.SZ","20210109",1.123456789]`],
  );
  assert.deepEqual(factors.rows, [{ code: "000001.SZ", tradingDay: "2021-01-07", factor: "111.049", source: 7 }]);
  assert.deepEqual(
    factors.rejected.map(({ reason }) => reason),
    ["out-of-range", "out-of-range"],
  );

  const list = ["ts_code", "name", "industry", "curr_type", "list_status", "list_date", "delist_date"];
  const instruments = map("stock-list", list, [
    `["000001.SZ","平安银行","银行","CNY","L","19910403",null]`,
    `["000003.SZ","PT金田A",null,"CNY","D","19910703","20020614"]`,
    `["T00018.SH","上港集箱(退)",null,"CNY","D","20000719","20061020"]`,
    `["000004.SZ","x","y","CNY","G","19910703",null]`,
  ]);
  assert.deepEqual(
    instruments.rows.map(({ code, status, listedOn, delistedOn, industry }) => [
      code,
      status,
      listedOn,
      delistedOn,
      industry,
    ]),
    [
      ["000001.SZ", "listed", "1991-04-03", undefined, "银行"],
      ["000003.SZ", "delisted", "1991-07-03", "2002-06-14", ""],
    ],
  );
  assert.equal(instruments.rejected.length, 2);

  const days = map(
    "trading-calendar",
    ["exchange", "cal_date", "is_open", "pretrade_date"],
    [`["SSE","20250105",0,"20250103"]`, `["SSE","20250103","1","20250102"]`, `["SSE","20250102",2,"20250102"]`],
  );
  assert.deepEqual(
    days.rows.map(({ day, isOpen }) => [day, isOpen]),
    [
      ["2025-01-05", false],
      ["2025-01-03", true],
    ],
  );
  assert.equal(days.rejected[0]?.day, "2025-01-02");

  const suspensions = map(
    "suspensions",
    ["ts_code", "trade_date", "suspend_timing", "suspend_type"],
    [
      `["000001.SZ","20250102",null,"S"]`,
      `["000002.SZ","20250102","09:30-10:00","S"]`,
      `["000003.SZ","20250102",null,"R"]`,
    ],
  );
  assert.deepEqual(suspensions, { rows: [{ code: "000001.SZ", day: "2025-01-02" }], rejected: [] });
});

test(
  "every recorded daily row maps without a reject",
  { skip: recordings().length === 0 ? "no recording here" : false },
  () => {
    for (const file of recordings()) {
      const [head = "", ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
      const rows = lines.map((line) => {
        const [code, day, ...numbers] = line.split(",");
        // The recording's own text of each number is what a server that keeps trailing zeros would send.
        return `["${code}","${day}",${numbers.map((text) => (text === "" ? "null" : text)).join(",")}]`;
      });
      const mapped = map("bars", head.split(","), rows);
      assert.equal(mapped.rows.length, lines.length, file);
      assert.deepEqual(mapped.rejected, [], file);
    }
  },
);

function recordings(): readonly string[] {
  const folder = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/tushare/daily`;
  try {
    return readdirSync(folder).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
