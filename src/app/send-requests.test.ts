import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { loadConfig } from "../config.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import type { OutcomeRecord, Outcomes } from "../ports/store.ts";
import type { RequestPlan, RequestProgress } from "./app-api.ts";
import { sendRequests } from "./send-requests.ts";
import type { WorkerSaid } from "./status/worker-said.ts";

const { config } = loadConfig({ flags: new Map(), env: {}, readFile: () => undefined });
const plan: RequestPlan = {
  kind: "bars",
  codes: [parseSecurityCode("000001.SZ")],
  frequency: "1d",
  range: { full: false, start: undefined, end: undefined, days: undefined },
  force: false,
  provider: undefined,
  wait: true,
};

test("a request of which nothing is settled says so once and goes on waiting", async () => {
  const stop = new AbortController();
  let asked = 0;
  const outcomes: Outcomes = {
    record: () => assert.fail("a request records nothing"),
    settledFrom: () => assert.fail("a request asks for its own messages only"),
    byRequest: () => {
      asked += 1;
      if (asked === 3) {
        stop.abort(new Error("enough"));
      }
      return Promise.resolve([]);
    },
  };
  const producer = { publish: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  const states: RequestProgress[] = [];
  await assert.rejects(async () => {
    const parts = { producer, outcomes, reference: undefined, log: silentLog, quietMs: 0, tellEveryMs: 60_000 };
    for await (const state of sendRequests(config, plan, parts, stop.signal)) {
      states.push(state);
    }
  }, /^Error: enough$/);
  assert.deepEqual(
    states.map(({ published, settled, isQuiet }) => [published, settled, isQuiet]),
    [
      [1, 0, undefined],
      [1, 0, true],
    ],
  );
});

test("waiting outlives a worker's restart: outcomes are read from the one that runs by then", async () => {
  const nobody = { record: () => assert.fail("records"), settledFrom: () => assert.fail("settles") };
  const away = new TransientError("connection refused");
  const refused = new PermanentError("516", "store", { isCredentials: true });
  for (const [error, isAwayFirst] of [
    [away, true],
    [refused, false],
  ] as const) {
    const stop = new AbortController();
    let reopened = 0;
    let asked = 0;
    const producer = { publish: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
    const parts = {
      producer,
      outcomes: { ...nobody, byRequest: () => Promise.reject(error) },
      reopenOutcomes: () => {
        reopened += 1;
        const byRequest = () => {
          asked += 1;
          stop.abort(new Error("enough"));
          return Promise.resolve([]);
        };
        return isAwayFirst && reopened === 1 ? Promise.reject(away) : Promise.resolve({ ...nobody, byRequest });
      },
      reference: undefined,
      log: silentLog,
    };
    await assert.rejects(async () => {
      await Array.fromAsync(sendRequests(config, plan, parts, stop.signal));
    }, /^Error: enough$/);
    assert.deepEqual([reopened, asked], [isAwayFirst ? 2 : 1, 1]);
  }
});

test("a request that waits while a provider is out says so, not that it is quiet, and when that is over", async () => {
  const stop = new AbortController();
  const out = { provider: "tushare", api: "daily", state: "open", since: "2026-03-02T01:00:00Z" } as const;
  let isOut = true;
  const outcomes: Outcomes = {
    record: () => assert.fail("a request records nothing"),
    settledFrom: () => assert.fail("a request asks for its own messages only"),
    byRequest: () => Promise.resolve([]),
  };
  const producer = { publish: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  const askWorkers = () => Promise.resolve([saying({ outages: isOut ? [out] : [] })]);
  const more = { askWorkers, askWorkersEveryMs: 1, tellEveryMs: 60_000, quietMs: 0 };
  const parts = { producer, outcomes, reference: undefined, log: silentLog, ...more };
  const states: RequestProgress[] = [];
  await assert.rejects(async () => {
    for await (const state of sendRequests(config, plan, parts, stop.signal)) {
      states.push(state);
      isOut &&= states.length < 2;
      if (state.isQuiet === true) {
        stop.abort(new Error("enough"));
      }
    }
  }, /^Error: enough$/);
  const { provider, api, since } = out;
  assert.deepEqual(
    states.map(({ outages, isQuiet }) => [outages, isQuiet]),
    [
      [undefined, undefined],
      [[{ provider, api, since }], undefined],
      [undefined, undefined],
      [undefined, true],
    ],
  );
});

test("between two messages that settle a request says what the workers have under way, until all is settled", async () => {
  const calls = [{ provider: "baostock", api: "baostock", underWay: 1, waiting: 2 }];
  let settled: readonly OutcomeRecord[] = [];
  const outcomes: Outcomes = {
    record: () => assert.fail("a request records nothing"),
    settledFrom: () => assert.fail("a request asks for its own messages only"),
    byRequest: () => Promise.resolve(settled),
  };
  const producer = { publish: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  const askWorkers = () => Promise.resolve([saying({ calls })]);
  const more = { askWorkers, askWorkersEveryMs: 1, tellEveryMs: 0, quietMs: 0 };
  const states: RequestProgress[] = [];
  for await (const state of sendRequests(
    config,
    plan,
    { producer, outcomes, reference: undefined, log: silentLog, ...more },
    new AbortController().signal,
  )) {
    states.push(state);
    settled = states.length < 3 ? [] : [RECORD];
  }
  assert.deepEqual(
    states.map((state) => [state.settled, state.callsNow, state.isQuiet]),
    [
      [0, undefined, undefined],
      [0, calls, undefined],
      [0, calls, undefined],
      [1, undefined, undefined],
    ],
  );
});

const RECORD: OutcomeRecord = {
  message: { topic: "t", partition: 0, offset: 0n, fingerprint: "" },
  requestId: "r",
  command: "sync-bars",
  codes: [],
  outcome: {
    word: "stored",
    rows: NO_ROWS,
    callIds: [],
    provider: undefined,
    ms: 0,
    pendingDays: 0,
    unexplainedDays: 0,
    reason: undefined,
  },
  settledAtMs: 0,
  reason: undefined,
};

function saying(said: Partial<WorkerSaid>): WorkerSaid {
  return { state: "running", outages: [], calls: [], held: undefined, ...said };
}
