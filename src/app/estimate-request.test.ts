import assert from "node:assert/strict";
import { test } from "node:test";
import { Temporal } from "temporal-polyfill";

import { loadConfig } from "../config.ts";
import { parseDay } from "../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../domain/enums.ts";
import type { Instrument } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { RequestPlan } from "./app-api.ts";
import { estimateRequest, type RequestEstimate } from "./estimate-request.ts";

const NOW_MS = Temporal.Instant.from("2025-06-30T21:00:00+08:00").epochMilliseconds;
const never = new AbortController().signal;

const STOCK: Instrument = {
  code: parseSecurityCode("600000.SH"),
  name: "",
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: parseDay("1999-11-10"),
  delistedOn: undefined,
  source: SOURCE.BAOSTOCK,
};

/** Nothing is stored but a stock list that is new. */
async function estimate(
  chain: string,
  codes: readonly string[],
  asked: Partial<RequestPlan>,
): Promise<RequestEstimate> {
  const env = { GINKGO_PROVIDERS_CHAIN: chain };
  const { config } = loadConfig({ flags: new Map(), env, settings: {}, readFile: () => undefined });
  const range = { full: false, start: undefined, end: undefined, days: 90 };
  const plan: RequestPlan = {
    kind: "bars",
    codes: codes.map((code) => parseSecurityCode(code)),
    frequency: "1d",
    range,
    force: false,
    provider: undefined,
    wait: false,
    ...asked,
  };
  return await estimateRequest(
    config,
    plan,
    {
      ledger: { read: () => Promise.resolve(new Map()) },
      reference: { instruments: () => Promise.resolve([STOCK]), calendar: () => Promise.resolve([]) },
      namedLimits: () => Promise.resolve([]),
      nowMs: NOW_MS,
    },
    never,
  );
}

function callsOf({ apis }: RequestEstimate, provider: string): number {
  return apis.filter((one) => one.provider === provider).reduce((sum, { calls }) => sum + calls, 0);
}

test("each page of a call counts where a provider counts it: 90 days of minutes in pages of 792 new rows are 28", async () => {
  const minutes = await estimate("baostock,tdx", ["600000.SH"], { frequency: "1m" });
  assert.equal(callsOf(minutes, "tdx"), Math.ceil((90 * 240) / 792));
  const days = await estimate("baostock,tdx", ["600000.SH"], { provider: "tdx" });
  assert.equal(callsOf(days, "tdx"), 1);
});

test("each code is counted at the provider who would be asked for it", async () => {
  const said = await estimate("tushare,tdx", ["600000.SH", "113050.SH", "430047.BJ"], {});
  assert.equal(callsOf(said, "tdx"), 1, "the bond");
  assert.deepEqual([said.unknownCodes, said.unservedCodes], [["430047.BJ"], []]);
  const served = await estimate("baostock,tdx", ["920047.BJ"], {});
  assert.deepEqual([served.unknownCodes, served.unservedCodes, callsOf(served, "tdx")], [[], [], 1]);
});

test("codes of a kind that nobody who is asked has are named, and what nobody has of any kind is an error", async () => {
  const said = await estimate("tushare,tdx", ["600000.SH", "000001.SH"], { kind: "ticks" });
  assert.deepEqual([said.unservedCodes, callsOf(said, "tdx")], [["000001.SH"], 90]);
  await assert.rejects(estimate("tushare", ["600000.SH"], { kind: "ticks" }), /has ticks at 1d/);
});
