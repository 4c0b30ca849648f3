import { systemClock } from "../../src/base/clock.ts";
import { addDays, compactDay, parseDay, type Day } from "../../src/domain/day.ts";
import type { Frequency } from "../../src/domain/frequency.ts";
import type { DataSet } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Call, Selection } from "../../src/domain/unit.ts";
import { openBaostockSource } from "../../src/sources/baostock/source.ts";
import {
  barsFrame,
  loginAnswer,
  refusal,
  ScriptedBaostock,
  tableFrame,
  type BaostockAsked,
} from "../support/scripted-baostock.ts";
import { testSourceContract, type CutCall, type SourceFault, type SourceRig } from "./source-contract.ts";

/** The smallest server that pages as BaoStock does: rows of twenty days, oldest first, in pages as the request wants them. */
const PASSWORD = "a-password-of-mine";
const KEY = "a-key-of-mine";
const ROWS_BY_PAGE = 4;
const STOCK = parseSecurityCode("600000.SH");
const INDEX = parseSecurityCode("399001.SZ");
const ETF = parseSecurityCode("159915.SZ");
const BEGIN = parseDay("2026-02-01");
const DAYS = Array.from({ length: 20 }, (_, index) => addDays(BEGIN, index));
const END = DAYS.at(-1) ?? BEGIN;
const HOURS = ["10:30", "11:30", "14:00", "15:00"];
const EVENTS = ["1995-06-01", "1999-06-01", "2005-06-01", "2012-06-01", "2020-06-01", "2026-02-03"].map((day) =>
  parseDay(day),
);
const LISTED = Array.from({ length: 9 }, (_, index) => `sz.${`${index + 1}`.padStart(6, "0")}`);
const PRICES = { open: "8.7500", high: "8.8500", low: "8.6900", close: "8.7000", preclose: "8.7200" };

type Row = Readonly<Record<string, string>>;

function rowsOf({ method, fields }: BaostockAsked): readonly Row[] {
  const [, , , , code = "", , from = "", to = "", frequency = ""] = fields;
  if (method === "query_history_k_data_plus") {
    const days = DAYS.filter((day) => day >= from && day <= to);
    const bar = { code, ...PRICES, volume: "100", amount: "870.0000", adjustflag: "3", tradestatus: "1" };
    return frequency === "60"
      ? days.flatMap((date) =>
          HOURS.map((time) => ({ ...bar, date, time: `${compactDay(date)}${time.replace(":", "")}00000` })),
        )
      : days.map((date) => ({ ...bar, date }));
  }
  if (method === "query_adjust_factor") {
    const [first = "", last = ""] = fields.slice(5);
    const events = EVENTS.filter((day) => day >= first && day <= last);
    return events.map((day, index) => ({ code, dividOperateDate: day, backAdjustFactor: `${index + 2}.500000` }));
  }
  if (method === "query_trade_dates") {
    return DAYS.filter((day) => day >= code && day <= (fields[5] ?? "")).map((day) => ({
      calendar_date: day,
      is_trading_day: "1",
    }));
  }
  const delisted = { code: "sh.600001", outDate: "2009-12-29", status: "0" };
  return [...LISTED.map((listed) => ({ code: listed, outDate: "", status: "1" })), delisted].map((row) => ({
    ...row,
    code_name: "n",
    ipoDate: "1999-11-10",
    type: "1",
  }));
}

const COLUMNS: Readonly<Record<string, string>> = {
  query_adjust_factor: "code,dividOperateDate,backAdjustFactor",
  query_trade_dates: "calendar_date, is_trading_day",
  query_stock_basic: "code, code_name, ipoDate, outDate, type, status",
};

function answer(asked: BaostockAsked): Buffer {
  const [, , page = "1", perPage = "1"] = asked.fields;
  const columns = COLUMNS[asked.method] ?? asked.fields[5] ?? "";
  const start = (Number(page) - 1) * Number(perPage);
  const rows = rowsOf(asked)
    .slice(start, start + Number(perPage))
    .map((row) => columns.split(",").map((column) => row[column.trim()] ?? ""));
  return asked.type === "95" ? barsFrame(asked, rows) : tableFrame(asked, columns, rows, asked.fields.length - 4);
}

async function openRig(): Promise<SourceRig> {
  let fault: SourceFault | undefined;
  const meet = (asked: BaostockAsked): Buffer | undefined => {
    const met = fault;
    fault = undefined;
    return met === undefined ? answer(asked) : fail(met, asked);
  };
  const server = await ScriptedBaostock.open(meet, () => {
    if (fault !== "refused-credentials") {
      return loginAnswer("me");
    }
    fault = undefined;
    return refusal("10001002", `用户名或密码错误 ${PASSWORD} ${KEY}`);
  });
  const source = openBaostockSource({
    host: "127.0.0.1",
    port: server.port,
    user: "me",
    password: PASSWORD,
    apiKey: KEY,
    clock: systemClock,
    callMsMax: 500,
    loginPauseMs: 0,
    rowsByPage: ROWS_BY_PAGE,
  });
  return {
    source,
    secrets: [PASSWORD, KEY],
    emptyCall: toCall("bars", { by: "codes", codes: [STOCK], from: addDays(END, 1), to: addDays(END, 9) }),
    cutCalls: cutCalls(),
    failNext: (next) => {
      fault = next;
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function fail(fault: SourceFault, { socket }: BaostockAsked): Buffer | undefined {
  switch (fault) {
    case "no-right-to-api":
      return refusal("10001006", "用户权限不足");
    case "rate-limit":
      return refusal("10001011", "黑名单用户，请与管理员联系");
    case "bad-request":
      return refusal("10004006", "请求参数个数不正确");
    case "server-error":
      return refusal("10005001", "系统错误");
    case "html-page":
      return Buffer.from("HTTP/1.1 502 Bad Gateway\r\n\r\n<html><body>502</body></html>");
    case "reset":
      socket.resetAndDestroy();
      return undefined;
    case "refused-credentials":
    case "no-answer":
      return undefined;
  }
}

function toCall<D extends DataSet>(dataSet: D, selection: Selection, frequency: Frequency = "1d"): Call<D> {
  return { dataSet, frequency, selection };
}

function cutCalls(): readonly CutCall[] {
  const span = { from: BEGIN, to: END };
  const daily = [STOCK, INDEX, ETF].map((code) => ({
    call: toCall("bars", { by: "codes", codes: [code], ...span }),
    keys: new Set(DAYS.map((day) => `bars ${code} ${day} ${day} 00:00:00`)),
  }));
  const timesOf = (day: Day): readonly string[] => HOURS.map((time) => `bars ${STOCK} ${day} ${day} ${time}:00`);
  return [
    ...daily,
    {
      call: toCall("bars", { by: "codes", codes: [STOCK], ...span }, "60m"),
      keys: new Set(DAYS.flatMap(timesOf)),
    },
    {
      // The factor of the first day is that of the last event before it, so events are asked for from the beginning.
      call: toCall("adjustment-factors", { by: "codes", codes: [STOCK], ...span }),
      keys: new Set(EVENTS.map((day) => `adjustment-factors ${STOCK} ${day}`)),
    },
    {
      call: toCall("trading-calendar", { by: "range", ...span }),
      keys: new Set(DAYS.map((day) => `trading-calendar  ${day}`)),
    },
    {
      call: toCall("stock-list", { by: "status", status: "listed" }),
      keys: new Set(LISTED.map((code) => `stock-list ${code.slice(3)}.SZ`)),
    },
  ];
}

testSourceContract("baostock", openRig);
