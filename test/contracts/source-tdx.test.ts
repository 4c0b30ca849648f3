import { systemClock, type Clock } from "../../src/base/clock.ts";
import { parseDay, type Day } from "../../src/domain/day.ts";
import type { Frequency } from "../../src/domain/frequency.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Call } from "../../src/domain/unit.ts";
import { openTdxSource } from "../../src/sources/tdx/source.ts";
import { Temporal } from "temporal-polyfill";
import { weekdays } from "../support/models.ts";
import {
  barsBody,
  HANDSHAKE_BODY,
  pageOf,
  readBarsRequest,
  startTdxServer,
  type ServedBar,
  type TdxFault,
  type TdxReply,
  type TdxRequest,
} from "../support/tdx-server.ts";
import { testSourceContract, type CutCall, type SourceFault, type SourceRig } from "./source-contract.ts";

/**
 * A server of its own with 1,700 days and 1,440 bars of five minutes of one code, newest places first and 800 a page, as
 * the protocol has it. It shares nothing with the simulator.
 */
const CODE = parseSecurityCode("000001.SZ");
const INDEX = "000001.1";
const DAYS = weekdays("2018-06-04", 1_700);
const BEGIN = DAYS[0] ?? parseDay("2018-06-04");
const END = DAYS.at(-1) ?? BEGIN;
const MINUTE_DAYS = DAYS.slice(-30);
const TIMES = Array.from({ length: 48 }, (_, index) => clockOf(index < 24 ? 575 + 5 * index : 785 + 5 * (index - 24)));

const DAILY = DAYS.map((day, index) => bar(day, index));
const FIVE_MINUTES = MINUTE_DAYS.flatMap((day) => TIMES.map((time, index) => bar(`${day} ${time}`, index)));

function bar(time: string, index: number): ServedBar {
  const open = 10_000 + (index % 700) * 10;
  return { time, open, high: open + 50, low: open - 60, close: open + 20, volume: 1_000 + index, amount: 5_000_000 };
}

function clockOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** What this protocol can do wrong; it has neither accounts nor limits nor a word for a request that is refused. */
const FAULTS: Readonly<Partial<Record<SourceFault, TdxFault | "silence">>> = {
  "server-error": "corrupt",
  "html-page": "no-magic",
  reset: "reset",
  "no-answer": "silence",
};

async function openRig(): Promise<SourceRig> {
  let fault: TdxFault | "silence" | undefined;
  const server = await startTdxServer((request: TdxRequest): TdxReply => {
    if (request.type === 0x000d) {
      return HANDSHAKE_BODY;
    }
    const { key, category, start, count } = readBarsRequest(request.body);
    if (key === INDEX) {
      return barsBody(pageOf(DAILY, start, count), true);
    }
    const met = fault;
    fault = undefined;
    if (met !== undefined) {
      return met === "silence" ? undefined : met;
    }
    const rows = key === "000001.0" ? (category === 9 ? DAILY : FIVE_MINUTES) : [];
    return barsBody(pageOf(rows, start, Math.min(count, 800)));
  });
  const clock: Clock = { ...systemClock, now: () => Temporal.Instant.from(`${END}T20:00:00+08:00`) };
  const source = openTdxSource({
    servers: [{ host: "127.0.0.1", port: server.port }],
    clock,
    callMsMax: 500,
    pauseMs: 0,
  });
  return {
    source,
    secrets: [],
    emptyCall: toCall("1d", "000002.SZ", BEGIN),
    cutCalls: cutCalls(),
    failNext: (next) => {
      fault = FAULTS[next];
      return fault !== undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function toCall(frequency: Frequency, code: string, from: Day): Call<"bars"> {
  const selection = { by: "codes", codes: [parseSecurityCode(code)], from, to: END } as const;
  return { dataSet: "bars", frequency, selection };
}

function cutCalls(): readonly CutCall[] {
  const first = MINUTE_DAYS[0] ?? BEGIN;
  return [
    { call: toCall("1d", CODE, BEGIN), keys: new Set(DAYS.map((day) => `bars ${CODE} ${day} ${day} 00:00:00`)) },
    {
      call: toCall("5m", CODE, first),
      keys: new Set(MINUTE_DAYS.flatMap((day) => TIMES.map((time) => `bars ${CODE} ${day} ${day} ${time}:00`))),
    },
  ];
}

testSourceContract("tdx", openRig);
