import test from "node:test";

import { isFullRun } from "../support/sizes.ts";
import type { RandomFault as BaostockFault } from "../../src/simulators/baostock/faults.ts";
import type { RandomFault as TdxFault } from "../../src/simulators/tdx/faults.ts";
import { HIT_PER_MILLE, runWithFault, type FaultRun } from "./fault-runs.ts";

/** Of what no single answer shows: a third look at the same thing is right. */
const LOOKS_SPOILT_MAX = 2;

const BAOSTOCK: Readonly<Record<string, BaostockFault["fault"]>> = {
  slow: { kind: "slow", ms: 200 },
  "session-lost": { kind: "session-lost" },
  blacklist: { kind: "blacklist" },
  "logins used up": { kind: "refused", code: "10001005" },
  "server failed": { kind: "refused", code: "10005001", under: "own" },
  reset: { kind: "reset", afterBytes: 40 },
  cut: { kind: "cut", afterBytes: 60 },
  silence: { kind: "silence" },
  "idle-close": { kind: "idle-close" },
  "wrong-length": { kind: "wrong-length", by: -3 },
  "too long": { kind: "wrong-length", by: 5 },
  "wrong-crc": { kind: "wrong-crc" },
  "bad-zlib": { kind: "bad-zlib", where: "stream" },
  "bad zlib checksum": { kind: "bad-zlib", where: "checksum" },
  charset: { kind: "charset" },
  "other-method": { kind: "other-method" },
  previous: { kind: "previous" },
  late: { kind: "late" },
  garbage: { kind: "garbage" },
  drip: { kind: "drip", everyMs: 0 },
  empty: { kind: "empty" },
  stale: { kind: "stale", days: 1 },
  truncated: { kind: "truncated", rows: 3 },
};

const TDX: Readonly<Record<string, TdxFault["fault"]>> = {
  slow: { kind: "slow", ms: 200 },
  silence: { kind: "silence" },
  hollow: { kind: "hollow" },
  "hollow of none": { kind: "hollow", rows: "zero" },
  empty: { kind: "empty" },
  refused: { kind: "refused" },
  close: { kind: "close" },
  reset: { kind: "reset" },
  drip: { kind: "drip", bytes: 64 },
  merged: { kind: "merged" },
  "wrong-magic": { kind: "wrong-magic" },
  "wrong-length": { kind: "wrong-length", wire: -3 },
  "wrong inflated length": { kind: "wrong-length", inflated: 9 },
  "corrupt-zlib": { kind: "corrupt-zlib" },
  garbage: { kind: "garbage" },
  late: { kind: "late" },
  stale: { kind: "stale" },
  "missing-page": { kind: "missing-page" },
  "short-page": { kind: "short-page", rows: 7 },
  "bad-charset": { kind: "bad-charset" },
};

/** What passes for an answer and is not the whole one. */
const SILENT = new Set(["empty", "stale", "truncated", "short-page", "missing-page", "hollow of none"]);

const ONLY = process.env["FAULT"]?.split(",");

function alone(provider: "baostock" | "tdx", name: string): FaultRun {
  const rest = { perMille: HIT_PER_MILLE, ...(SILENT.has(name) ? { inARowMax: LOOKS_SPOILT_MAX } : {}) };
  const [ours, theirs] = [BAOSTOCK[name], TDX[name]];
  if (provider === "baostock" && ours !== undefined) {
    return { provider, name, faults: [{ fault: ours, ...rest }] };
  }
  if (provider === "tdx" && theirs !== undefined) {
    return { provider, name, faults: [{ fault: theirs, ...rest }] };
  }
  throw new RangeError(`${provider} has no fault ${name}`);
}

for (const provider of ["baostock", "tdx"] as const) {
  for (const name of Object.keys(provider === "baostock" ? BAOSTOCK : TDX)) {
    if (
      ONLY === undefined
        ? isFullRun
        : ONLY.includes(name) || ONLY.includes(`${provider}:${name}`) || ONLY.includes(provider)
    ) {
      test(`${provider} with ${name} in one answer of five: every cell as the market has it, once`, (t) =>
        runWithFault(t, alone(provider, name)));
    }
  }
}
