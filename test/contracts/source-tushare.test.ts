import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { systemClock } from "../../src/base/clock.ts";
import { addDays, compactDay, parseDay, type Day } from "../../src/domain/day.ts";
import type { DataSet } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Call, Selection } from "../../src/domain/unit.ts";
import { openTushareSource, TUSHARE_ROW_CAPS } from "../../src/sources/tushare/source.ts";
import { testSourceContract, type CutCall, type SourceFault, type SourceRig } from "./source-contract.ts";

/**
 * The smallest server that cuts answers as Tushare does: rows of five codes on twenty days, newest first, at most `CAP`
 * a page. It shares nothing with the simulator.
 */
const TOKEN = "0123456789abcdef".repeat(3) + "01234567";
const CAP = 4;
const CODES = ["000001.SZ", "000002.SZ", "600000.SH", "600001.SH", "920002.BJ"].map((code) => parseSecurityCode(code));
const BEGIN = parseDay("2024-12-25");
const DAYS = Array.from({ length: 20 }, (_, index) => addDays(BEGIN, index));
const END = DAYS.at(-1) ?? BEGIN;
/** More than a page holds, so that a day itself is cut. */
const MINUTES = ["09:30", "10:30", "11:30", "14:00", "15:00"];

type Params = Readonly<Record<string, string | undefined>>;
type Row = Readonly<Record<string, string | number | null>>;

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  daily: pairs((ts_code, trade_date, index) => {
    const prices = { open: 8.75, high: 8.85, low: 8.69, close: 8.7, pre_close: 8.72 };
    return { ts_code, trade_date, ...prices, vol: index + 0.25, amount: index + 0.125 };
  }),
  index_daily: days("000001.SH"),
  fund_daily: days("510300.SH"),
  stk_mins: DAYS.flatMap((day, dayIndex) =>
    MINUTES.map((minute, index) => {
      const prices = { open: 8.75, high: 8.85, low: 8.69, close: 8.7 };
      const row = { ts_code: "600000.SH", trade_time: `${day} ${minute}:00`, ...prices };
      return { ...row, vol: 100 * index, amount: dayIndex + 0.5 };
    }),
  ),
  adj_factor: pairs((ts_code, trade_date, index) => ({ ts_code, trade_date, adj_factor: 1 + index / 4 })),
  suspend_d: pairs((ts_code, trade_date) => ({ ts_code, trade_date, suspend_timing: null, suspend_type: "S" })),
  trade_cal: DAYS.map((day) => ({ exchange: "SSE", cal_date: compactDay(day), is_open: 1 })),
  stock_basic: Array.from({ length: 20 }, (_, index) => ({
    ts_code: `${600_100 + index}.SH`,
    name: `n${index}`,
    industry: null,
    curr_type: "CNY",
    list_status: "L",
    list_date: "19991110",
    delist_date: null,
  })),
};

function days(code: string): readonly Row[] {
  return DAYS.map((day, index) => {
    const prices = { open: 3.1234, high: 3.5, low: 3, close: 3.25, pre_close: 3 };
    return { ts_code: code, trade_date: compactDay(day), ...prices, vol: index + 0.25, amount: index + 0.125 };
  });
}

function pairs(toRow: (code: string, day: string, index: number) => Row): readonly Row[] {
  return DAYS.flatMap((day, dayIndex) =>
    CODES.map((code, index) => toRow(code, compactDay(day), dayIndex * CODES.length + index)),
  );
}

const FAULT_BODIES: Readonly<Partial<Record<SourceFault, string>>> = {
  "refused-credentials": `{"code":40101,"msg":"您的token不对，请确认。${TOKEN}","data":null}`,
  "no-right-to-api": `{"code":40203,"msg":"抱歉，您没有接口(daily)访问权限，权限的具体详情访问：x","data":null}`,
  "rate-limit": `{"code":40203,"msg":"抱歉，您每分钟最多访问该接口200次，权限的具体详情访问：x","data":null}`,
  "bad-request": `{"code":40101,"msg":"ts_code required","data":null}`,
  "server-error": `{"code":50101,"msg":"系统未知错误，欢迎上报！ 谢谢！","data":null}`,
  "html-page": "<html><body>502</body></html>",
};

/** `hasMore` says whether the server sends has_more at all: old ones do not. */
async function openRig(hasMore: boolean): Promise<SourceRig> {
  let fault: SourceFault | undefined;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const met = fault;
      fault = undefined;
      if (met !== undefined) {
        fail(met, request, response);
        return;
      }
      response.end(JSON.stringify(answer(JSON.parse(Buffer.concat(pieces).toString("utf8")), hasMore)));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const source = openTushareSource({
    token: TOKEN,
    clock: systemClock,
    baseUrl: `http://127.0.0.1:${address.port}`,
    callMsMax: 500,
    rowCaps: Object.fromEntries(Object.keys(TUSHARE_ROW_CAPS).map((api) => [api, CAP])),
  });
  return {
    source,
    secrets: [TOKEN],
    emptyCall: { dataSet: "bars", frequency: "1d", selection: { by: "day", day: addDays(END, 1) } },
    cutCalls: cutCalls(),
    failNext: (next) => {
      fault = next;
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function fail(fault: SourceFault, request: IncomingMessage, response: ServerResponse): void {
  if (fault === "no-answer") {
    return;
  }
  if (fault === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  response.writeHead(fault === "html-page" ? 502 : 200).end(FAULT_BODIES[fault]);
}

interface Asked {
  readonly api_name: string;
  readonly params: Params;
  readonly fields: string;
}

function answer({ api_name: api, params, fields }: Asked, hasMore: boolean): unknown {
  const columns = fields.split(",");
  const { ts_code: codes, trade_date: day, start_date: from, end_date: to } = params;
  const found = (TABLES[api] ?? [])
    .filter((row) => codes === undefined || codes.split(",").includes(String(row["ts_code"])))
    .filter((row) => day === undefined || row["trade_date"] === day)
    .filter((row) => {
      const own = String(row["trade_date"] ?? row["trade_time"] ?? row["cal_date"] ?? "");
      return own === "" || (own >= (from ?? "") && own <= (to ?? "9"));
    })
    .toReversed();
  const offset = Number(params["offset"] ?? 0);
  const page = found.slice(offset, offset + CAP);
  const items = page.map((row) => columns.map((column) => row[column] ?? null));
  const more = hasMore ? { has_more: found.length > offset + CAP } : {};
  return { request_id: "x", code: 0, msg: "", data: { fields: columns, items, ...more } };
}

function toCall<D extends DataSet>(dataSet: D, selection: Selection): Call<D> {
  return { dataSet, frequency: "1d", selection };
}

function keysOf(dataSet: DataSet, codes: readonly string[], days: readonly Day[]): ReadonlySet<string> {
  const timeOf = (day: Day): string => (dataSet === "bars" ? ` ${day} 00:00:00` : "");
  return new Set(days.flatMap((day) => codes.map((code) => `${dataSet} ${code} ${day}${timeOf(day)}`)));
}

function cutCalls(): readonly CutCall[] {
  const span = { from: BEGIN, to: END };
  return [
    {
      call: toCall("bars", { by: "codes", codes: CODES, ...span }),
      keys: keysOf("bars", CODES, DAYS),
    },
    {
      call: toCall("adjustment-factors", { by: "codes", codes: CODES.slice(0, 1), ...span }),
      keys: keysOf("adjustment-factors", CODES.slice(0, 1), DAYS),
    },
    ...["000001.SH", "510300.SH"].map((code) => ({
      call: toCall("bars", { by: "codes", codes: [parseSecurityCode(code)], ...span }),
      keys: keysOf("bars", [code], DAYS),
    })),
    {
      call: {
        ...toCall("bars", { by: "codes", codes: [parseSecurityCode("600000.SH")], ...span }),
        frequency: "60m",
      } as const,
      keys: new Set(DAYS.flatMap((day) => MINUTES.map((minute) => `bars 600000.SH ${day} ${day} ${minute}:00`))),
    },
    { call: toCall("bars", { by: "day", day: BEGIN }), keys: keysOf("bars", CODES, [BEGIN]) },
    { call: toCall("suspensions", { by: "range", ...span }), keys: keysOf("suspensions", CODES, DAYS) },
    {
      call: toCall("trading-calendar", { by: "range", ...span }),
      keys: new Set(DAYS.map((day) => `trading-calendar  ${day}`)),
    },
    {
      call: toCall("stock-list", { by: "status", status: "listed" }),
      keys: new Set((TABLES["stock_basic"] ?? []).map((row) => `stock-list ${String(row["ts_code"])}`)),
    },
  ];
}

testSourceContract("tushare", () => openRig(true));
testSourceContract("tushare of old, which does not say that there is more", () => openRig(false));
