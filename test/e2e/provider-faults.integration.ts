import test from "node:test";

import type { RandomFault as BaostockFault } from "../../src/simulators/baostock/faults.ts";
import type { RandomFault as TdxFault } from "../../src/simulators/tdx/faults.ts";
import { isFullRun } from "../support/sizes.ts";
import { runWithFault, type FaultRun } from "./fault-runs.ts";

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

const RUNS: readonly FaultRun[] = [
  ...(isFullRun
    ? [...alone("baostock", BAOSTOCK_OPEN), ...alone("tdx", TDX_OPEN)]
    : [mixed("baostock", "what shows in an answer", BAOSTOCK_OPEN), mixed("tdx", "what shows in an answer", TDX_OPEN)]),
  ...alone("baostock", BAOSTOCK_SILENT, LOOKS_SPOILT_MAX),
  ...(isFullRun
    ? alone("tdx", TDX_SILENT, LOOKS_SPOILT_MAX)
    : [
        ...alone("tdx", { stale, "short-page": shortPage }, LOOKS_SPOILT_MAX),
        mixed("tdx", "what does not", NOTHING_SAID, LOOKS_SPOILT_MAX),
      ]),
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

/** A run for each of them. */
function alone<Provider extends FaultRun["provider"]>(
  provider: Provider,
  faults: Readonly<Record<string, FaultOf<Provider>["fault"]>>,
  inARowMax?: number,
): readonly FaultRun[] {
  return Object.entries(faults).map(([name, fault]) => runOf(provider, name, [fault], inARowMax));
}

/** One run of all of them, each as often as any other. */
function mixed<Provider extends FaultRun["provider"]>(
  provider: Provider,
  name: string,
  faults: Readonly<Record<string, FaultOf<Provider>["fault"]>>,
  inARowMax?: number,
): FaultRun {
  return runOf(provider, name, Object.values(faults), inARowMax);
}

function runOf(
  provider: FaultRun["provider"],
  name: string,
  faults: readonly (BaostockFault | TdxFault)["fault"][],
  inARowMax = Infinity,
): FaultRun {
  const perMille = Math.ceil(HIT_PER_MILLE / faults.length);
  // The tables above are of one provider each.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { provider, name, faults: faults.map((fault) => ({ fault, perMille, inARowMax })) } as FaultRun;
}

type FaultOf<Provider extends FaultRun["provider"]> = Provider extends "baostock" ? BaostockFault : TdxFault;
