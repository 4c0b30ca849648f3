import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { encodeRequest, FrameReader, readElements, type Frame, type FrameLimits } from "./frame.ts";
import { readTable, requireSuccess, type BaostockRequest } from "./table.ts";
import { GOLDEN, HOURS_REQUEST, PACKED_HOURS } from "../../../test/fixtures/baostock/golden-samples.ts";

/** Captures of 2026-04-22 from github.com/simplerjiang/baostock.NET (MIT), tests/Fixtures, and the samples of the protocol page. */
const CAPTURES = `${process.env["GINKGO_TEST_DATA"] ?? "../shared/data"}/baostock`;
const CAPTURED_VERSION = "00.9.10";
const LIMITS: FrameLimits = { frameBytesMax: 1_000_000, bodyBytesMax: 1_000_000 };
const PAGE = { number: 1, rows: 10_000 };
const MINUTE_FIELDS = "date,time,code,open,high,low,close,volume,amount,adjustflag";
const DAILY_FIELDS = "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,pctChg,isST";

/** What each capture asked, and the count and the first row of what its meta.txt and the page say it answered. */
const ASKED: Readonly<Record<string, BaostockRequest>> = {
  query_trade_dates: {
    type: "33",
    method: "query_trade_dates",
    page: PAGE,
    params: ["2024-01-01", "2024-01-10"],
    fieldsAt: 9,
  },
  query_stock_basic: { type: "45", method: "query_stock_basic", page: PAGE, params: ["sh.600000", ""], fieldsAt: 9 },
  query_adjust_factor: {
    type: "15",
    method: "query_adjust_factor",
    page: PAGE,
    params: ["sh.600000", "2023-01-01", "2023-12-31"],
    fieldsAt: 10,
  },
  query_dividend_data: {
    type: "13",
    method: "query_dividend_data",
    page: PAGE,
    params: ["sh.600000", "2023", "report"],
    fieldsAt: 10,
  },
  query_history_k_data_plus: {
    type: "95",
    method: "query_history_k_data_plus",
    page: PAGE,
    params: ["sh.600000", DAILY_FIELDS, "2024-01-01", "2024-01-31", "d", "2"],
    fieldsAt: 8,
  },
  query_history_k_data_plus_5min: {
    type: "95",
    method: "query_history_k_data_plus",
    page: PAGE,
    params: ["sh.600000", MINUTE_FIELDS, "2024-01-02", "2024-01-03", "5", "2"],
    fieldsAt: 8,
  },
  query_history_k_data_plus_60min: {
    type: "95",
    method: "query_history_k_data_plus",
    page: PAGE,
    params: ["sh.600000", MINUTE_FIELDS, "2024-01-02", "2024-01-03", "60", "2"],
    fieldsAt: 8,
  },
  query_suspended_stocks: {
    type: "69",
    method: "query_suspended_stocks",
    page: PAGE,
    params: ["2024-01-02"],
    fieldsAt: 8,
  },
};
const ROWS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  query_trade_dates: [
    ["2024-01-01", "0"],
    ["2024-01-02", "1"],
  ],
  query_stock_basic: [["sh.600000", "浦发银行", "1999-11-10", "", "1", "1"]],
  query_adjust_factor: [["sh.600000", "2023-07-21", "0.936211", "11.949786", "11.949786"]],
  query_history_k_data_plus: [
    // prettier-ignore
    ["2024-01-02", "sh.600000", "6.2070789300", "6.2258031500", "6.1789926000", "6.1789926000", "6.1977168200", "22066700", "146066303.7200", "2", "0.075200", "1", "-0.302100", "0"],
    // prettier-ignore
    ["2024-01-03", "sh.600000", "6.1696304900", "6.2258031500", "6.1696304900", "6.2164410400", "6.1789926000", "18203654", "120639706.0100", "2", "0.062000", "1", "0.606100", "0"],
  ],
  query_history_k_data_plus_60min: [
    // prettier-ignore
    ["2024-01-02", "20240102103000000", "sh.600000", "6.2070789300", "6.2258031500", "6.1883547100", "6.1977168200", "8628100", "57209414.0000", "2"],
  ],
};

test("every golden sample of the page is written byte for byte and read to what the page says", async () => {
  let requests = 0;
  let answers = 0;
  for (const { name, request, response } of GOLDEN) {
    if (request !== undefined) {
      assertSent(name, Buffer.from(request.replaceAll("·", "\u0001"), "utf8"));
      requests += 1;
    }
    await assertRead(name, Buffer.from(response.replaceAll("·", "\u0001"), "utf8"));
    answers += 1;
  }
  assertSent("query_history_k_data_plus_60min", Buffer.from(HOURS_REQUEST.replaceAll("·", "\u0001"), "utf8"));
  const hours = Buffer.from(PACKED_HOURS, "hex");
  assert.equal(hours.length, 450);
  const frame = readWhole(hours);
  const elements = await readElements(frame, LIMITS, "reading");
  assert.equal(Buffer.byteLength(elements.join("\u0001")), 1_259);
  await assertRead("query_history_k_data_plus_60min", hours);
  console.log(`baostock page: ${requests + 1} requests identical, ${answers + 1} answers as documented`);
});

test(
  "every capture is sent byte for byte and read whole",
  { skip: existsSync(CAPTURES) ? false : `SKIPPED: no captures of baostock at ${CAPTURES}` },
  async () => {
    const names = readdirSync(CAPTURES);
    assert.ok(names.length >= 8, `only ${names.length} captures`);
    let rows = 0;
    for (const name of names) {
      const folder = `${CAPTURES}/${name}`;
      const meta = new Map(
        readFileSync(`${folder}/meta.txt`, "utf8")
          .trim()
          .split(/\r?\n/)
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      );
      assertSent(name, readFileSync(`${folder}/request.bin`));
      const read = await assertRead(name, readFileSync(`${folder}/response.bin`));
      assert.equal(`${read.items.length}`, meta.get("rows"), name);
      assert.deepEqual(
        read.fields,
        [...(meta.get("fields") ?? "").matchAll(/'([^']+)'/g)].map(([, field]) => field),
      );
      rows += read.items.length;
    }
    console.log(`baostock captures: ${names.length} requests identical, ${names.length} answers, ${rows} rows`);
  },
);

function assertSent(name: string, expected: Buffer): void {
  const text = expected.toString("utf8");
  const asked = ASKED[name];
  if (asked === undefined) {
    // Login and logout have no page; the logout's time and the retired request are the capture's own.
    const body = text.slice(21, text.lastIndexOf("\u0001"));
    const written = encodeRequest(text.slice(8, 10), body.split("\u0001"), CAPTURED_VERSION);
    assert.ok(["login", "logout", "query_st_stocks"].includes(name), name);
    assert.deepEqual(written, expected, name);
    return;
  }
  const { type, method, page, params } = asked;
  const fields = [method, "anonymous", `${page?.number}`, `${page?.rows}`, ...params];
  assert.deepEqual(encodeRequest(type, fields, CAPTURED_VERSION), expected, name);
}

interface Read {
  readonly fields: readonly string[];
  readonly items: readonly (readonly unknown[])[];
}

async function assertRead(name: string, bytes: Buffer): Promise<Read> {
  const elements = await readElements(readWhole(bytes), LIMITS, "reading");
  const asked = ASKED[name];
  if (name === "login" || name === "logout") {
    requireSuccess(elements, name, "reading");
    assert.match(elements[4] ?? "", /^\d{17}$/);
    return { fields: [], items: [] };
  }
  if (asked === undefined) {
    const error = GOLDEN.find((sample) => sample.name === name)?.refusal;
    assert.deepEqual(elements, error, name);
    return { fields: [], items: [] };
  }
  const table = readTable(elements, asked, "reading");
  const expected = ROWS[name] ?? [];
  assert.deepEqual(table.items.slice(0, expected.length), expected, name);
  assert.ok(table.items.every((row) => row.length === table.fields.length));
  return table;
}

/** The same answer whole, byte by byte and cut in two at every place. */
function readWhole(bytes: Buffer): Frame {
  const whole = new FrameReader(LIMITS, "reading").push(bytes);
  assert.ok(whole !== undefined);
  const reader = new FrameReader(LIMITS, "reading");
  let last: Frame | undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    assert.equal(last, undefined, `an answer after ${at} of ${bytes.length} bytes`);
    last = reader.push(bytes.subarray(at, at + 1));
  }
  assert.deepEqual(last, whole);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const halves = new FrameReader(LIMITS, "reading");
    assert.equal(halves.push(bytes.subarray(0, cut)), undefined);
    assert.deepEqual(halves.push(bytes.subarray(cut)), whole);
  }
  return whole;
}
