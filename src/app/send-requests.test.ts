import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "../base/log.ts";
import { loadConfig } from "../config.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { Outcomes } from "../ports/store.ts";
import type { RequestPlan, RequestProgress } from "./app-api.ts";
import { sendRequests } from "./send-requests.ts";

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
    const parts = { producer, outcomes, reference: undefined, log: silentLog, quietMs: 0 };
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
