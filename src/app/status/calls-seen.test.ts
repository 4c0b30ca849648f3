import assert from "node:assert/strict";
import { test } from "node:test";

import { callsNow } from "./calls-seen.ts";
import { readBeat } from "./worker-said.ts";

test("calls under way and calls that wait are one of each api, none of apis that rest, and survive a beat", () => {
  const lineOf = (provider: "baostock" | "tushare", api: string, callsUnderWay: number) =>
    ({ provider, capability: { api }, callsUnderWay }) as Parameters<typeof callsNow>[0][number];
  const calls = callsNow(
    [
      lineOf("tushare", "daily", 3),
      lineOf("baostock", "baostock", 1),
      lineOf("baostock", "baostock", 1),
      lineOf("tushare", "adj_factor", 0),
    ],
    [
      { key: { provider: "tushare", api: "daily" }, waiting: 2, callsLeft: 0 },
      { key: { provider: "tushare", api: "adj_factor" }, waiting: 0, callsLeft: 9 },
    ],
  );
  assert.deepEqual(calls, [
    { provider: "baostock", api: "baostock", underWay: 2, waiting: 0 },
    { provider: "tushare", api: "daily", underWay: 3, waiting: 2 },
  ]);
  assert.deepEqual(readBeat(JSON.parse(JSON.stringify({ status: "running", calls }))).calls, calls);
  assert.equal(readBeat({ status: "running" }).calls, undefined);
});
