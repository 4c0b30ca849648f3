import test from "node:test";

import type { RandomFault as AkshareFault } from "../../src/simulators/akshare/faults.ts";
import type { RandomFault as BaostockFault } from "../../src/simulators/baostock/faults.ts";
import type { RandomFault as TdxFault } from "../../src/simulators/tdx/faults.ts";
import type { RandomFault as TushareFault } from "../../src/simulators/tushare/faults.ts";
import type { RandomFault as YahooFault } from "../../src/simulators/yahoo/faults.ts";
import { isFullRun } from "../support/sizes.ts";
import { runWithFault, type FaultRun, type FaultsOf } from "./fault-runs.ts";

/** One answer in five. */
const HIT_PER_MILLE = 200;
/** Of what no single answer shows: a third look at the same thing is right. */
const LOOKS_SPOILT_MAX = 2;

/** What shows in the answer, or in that there is none. */
const BAOSTOCK_OPEN: Readonly<Record<string, BaostockFault["fault"]>> = {
  slow: { kind: "slow", ms: 100 },
  "session-lost": { kind: "session-lost" },
  blacklist: { kind: "blacklist" },
  "logins used up": { kind: "refused", code: "10001005" },
  "server failed": { kind: "refused", code: "10005001", under: "own" },
  reset: { kind: "reset", afterBytes: 40 },
  cut: { kind: "cut", afterBytes: 60 },
  silence: { kind: "silence" },
  "idle-close": { kind: "idle-close" },
  "too short a length": { kind: "wrong-length", by: -3 },
  "too great a length": { kind: "wrong-length", by: 5 },
  "wrong-crc": { kind: "wrong-crc" },
  "bad-zlib": { kind: "bad-zlib", where: "stream" },
  "bad checksum in zlib": { kind: "bad-zlib", where: "checksum" },
  charset: { kind: "charset" },
  "other-method": { kind: "other-method" },
  previous: { kind: "previous" },
  late: { kind: "late" },
  garbage: { kind: "garbage" },
  drip: { kind: "drip", everyMs: 0 },
};

/** What passes for a whole answer. */
const BAOSTOCK_SILENT: Readonly<Record<string, BaostockFault["fault"]>> = {
  empty: { kind: "empty" },
  stale: { kind: "stale", days: 1 },
  truncated: { kind: "truncated", rows: 3 },
};

const TDX_OPEN: Readonly<Record<string, TdxFault["fault"]>> = {
  slow: { kind: "slow", ms: 100 },
  silence: { kind: "silence" },
  hollow: { kind: "hollow" },
  refused: { kind: "refused" },
  close: { kind: "close" },
  reset: { kind: "reset" },
  drip: { kind: "drip", bytes: 64 },
  merged: { kind: "merged" },
  "wrong-magic": { kind: "wrong-magic" },
  "wrong length": { kind: "wrong-length", wire: -3 },
  "wrong length inflated": { kind: "wrong-length", inflated: 9 },
  "corrupt-zlib": { kind: "corrupt-zlib" },
  garbage: { kind: "garbage" },
  late: { kind: "late" },
  "bad-charset": { kind: "bad-charset" },
};

const TDX_SILENT = {
  empty: { kind: "empty" },
  "hollow of nothing": { kind: "hollow", rows: "zero" },
  stale: { kind: "stale" },
  "missing-page": { kind: "missing-page" },
  "short-page": { kind: "short-page", rows: 7 },
} as const satisfies Readonly<Record<string, TdxFault["fault"]>>;

const { stale, "short-page": shortPage, ...NOTHING_SAID } = TDX_SILENT;

const TUSHARE_OPEN: Readonly<Record<string, TushareFault["fault"]>> = {
  slow: { kind: "slow", ms: 100 },
  "reset before": { kind: "reset" },
  "reset within": { kind: "reset", afterBytes: 60 },
  gateway: { kind: "gateway" },
  truncated: { kind: "truncated", rows: 2 },
  "no-has-more": { kind: "no-has-more" },
  "null-data": { kind: "null-data" },
  "server failed": { kind: "refused", code: 50101, msg: "系统未知错误，欢迎上报！ 谢谢！" },
  garbage: { kind: "garbage", body: "{" },
};
const TUSHARE_SILENT: Readonly<Record<string, TushareFault["fault"]>> = {
  empty: { kind: "empty" },
};

const AKSHARE_OPEN: Readonly<Record<string, AkshareFault["fault"]>> = {
  slow: { kind: "slow", ms: 100 },
  "reset before": { kind: "reset" },
  "reset within": { kind: "reset", afterBytes: 60 },
  "hang-up": { kind: "hang-up" },
  gateway: { kind: "gateway" },
  waf: { kind: "waf" },
  "waf refused": { kind: "waf", status: 405 },
  garbage: { kind: "garbage" },
  truncated: { kind: "truncated" },
  charset: { kind: "charset" },
  blocked: { kind: "blocked" },
};
const AKSHARE_SILENT: Readonly<Record<string, AkshareFault["fault"]>> = {
  "null-data": { kind: "null-data" },
  "null-data with rc 0": { kind: "null-data", rc: 0 },
  empty: { kind: "empty" },
  stale: { kind: "stale" },
  "lost-rows": { kind: "lost-rows" },
  dash: { kind: "dash" },
};

const YAHOO_OPEN: Readonly<Record<string, YahooFault["fault"]>> = {
  slow: { kind: "slow", ms: 100 },
  "reset before": { kind: "reset" },
  "reset within": { kind: "reset", afterBytes: 60 },
  truncated: { kind: "truncated" },
  gateway: { kind: "gateway" },
  "rate-limited": { kind: "rate-limited" },
  ban: { kind: "ban", ms: 150 },
  garbage: { kind: "garbage" },
  consent: { kind: "consent" },
  "consent elsewhere": { kind: "consent", isRedirect: true },
  "wrong-symbol": { kind: "wrong-symbol" },
  coarse: { kind: "coarse" },
  "half-arrays": { kind: "half-arrays" },
  "live-row": { kind: "live-row" },
  beyond: { kind: "beyond" },
  "after-hours": { kind: "after-hours" },
};
const YAHOO_SILENT: Readonly<Record<string, YahooFault["fault"]>> = {
  "not-found": { kind: "not-found" },
  empty: { kind: "empty" },
  stale: { kind: "stale" },
  gaps: { kind: "gaps" },
  "null-rows": { kind: "null-rows" },
  "coarse untold": { kind: "coarse", isTold: false },
  "bad-number": { kind: "bad-number" },
};

const RUNS: readonly FaultRun[] = [
  ...open("tushare", TUSHARE_OPEN),
  ...open("baostock", BAOSTOCK_OPEN),
  ...open("tdx", TDX_OPEN),
  ...open("akshare", AKSHARE_OPEN),
  ...open("yahoo", YAHOO_OPEN),
  ...alone("tushare", TUSHARE_SILENT, LOOKS_SPOILT_MAX),
  ...(isFullRun
    ? [
        ...alone("baostock", BAOSTOCK_SILENT, LOOKS_SPOILT_MAX),
        ...alone("tdx", TDX_SILENT, LOOKS_SPOILT_MAX),
        ...alone("akshare", AKSHARE_SILENT, LOOKS_SPOILT_MAX),
        ...alone("yahoo", YAHOO_SILENT, LOOKS_SPOILT_MAX),
      ]
    : [
        mixed("baostock", "what does not", BAOSTOCK_SILENT, LOOKS_SPOILT_MAX),
        ...alone("tdx", { stale, "short-page": shortPage }, LOOKS_SPOILT_MAX),
        mixed("tdx", "what does not", NOTHING_SAID, LOOKS_SPOILT_MAX),
        mixed("akshare", "what does not", AKSHARE_SILENT, LOOKS_SPOILT_MAX),
        mixed("yahoo", "what does not", YAHOO_SILENT, LOOKS_SPOILT_MAX),
      ]),
  {
    provider: "yahoo",
    name: "without its splits",
    // A chart that names no split is looked at once more, and no more often than that.
    faults: [{ fault: { kind: "missing-events" }, perMille: HIT_PER_MILLE, inARowMax: 1 }],
  },
  {
    provider: "akshare",
    name: "another code's answer",
    // Sina's bars name no code: of those nothing could tell.
    faults: [{ fault: { kind: "wrong-code" }, perMille: HIT_PER_MILLE, upstream: "eastmoney" }],
  },
  {
    provider: "baostock",
    name: "requests called wrong",
    // Many codes of few days are asked for by day, few by code.
    faults: ["query_daily_history_k_AStock", "query_history_k_data_plus"].map((method) => ({
      fault: { kind: "refused", code: "10004011" },
      perMille: HIT_PER_MILLE,
      method,
      // A message makes three attempts, and one that is called wrong three times is a dead letter.
      inARowMax: LOOKS_SPOILT_MAX,
    })),
  },
];

for (const run of RUNS) {
  test(`${run.provider}, ${run.name}, one answer in five: every cell as the market has it, and once`, (t) =>
    runWithFault(t, run));
}

/** What shows in an answer: each by itself in the long run, all together in the short one. */
function open<P extends keyof FaultsOf>(
  provider: P,
  faults: Readonly<Record<string, FaultsOf[P]["fault"]>>,
): readonly FaultRun[] {
  return isFullRun ? alone(provider, faults) : [mixed(provider, "what shows in an answer", faults)];
}

/** A run for each of them. */
function alone<P extends keyof FaultsOf>(
  provider: P,
  faults: Readonly<Record<string, FaultsOf[P]["fault"]>>,
  inARowMax?: number,
): readonly FaultRun[] {
  return Object.entries(faults).map(([name, fault]) => runOf(provider, name, [fault], inARowMax));
}

/** One run of all of them, each as often as any other. */
function mixed<P extends keyof FaultsOf>(
  provider: P,
  name: string,
  faults: Readonly<Record<string, FaultsOf[P]["fault"]>>,
  inARowMax?: number,
): FaultRun {
  return runOf(provider, name, Object.values(faults), inARowMax);
}

function runOf<P extends keyof FaultsOf>(
  provider: P,
  name: string,
  faults: readonly FaultsOf[P]["fault"][],
  inARowMax = Infinity,
): FaultRun {
  const perMille = Math.ceil(HIT_PER_MILLE / faults.length);
  // The tables above are of one provider each.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { provider, name, faults: faults.map((fault) => ({ fault, perMille, inARowMax })) } as unknown as FaultRun;
}
