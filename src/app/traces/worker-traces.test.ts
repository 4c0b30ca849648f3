import assert from "node:assert/strict";
import test from "node:test";

import { silentLog } from "../../base/log.ts";
import { loadConfig } from "../../config.ts";
import { openWorkerTraces, withTraces } from "./worker-traces.ts";

test("without an endpoint nothing is opened, and the worker's parts are the very same", async () => {
  const { config } = loadConfig({ flags: new Map(), env: {}, readFile: () => undefined });
  const traces = await openWorkerTraces(config, String, silentLog);
  assert.equal(traces, undefined);
  const unused = (): never => assert.fail("nothing is asked");
  const parts: Parameters<typeof withTraces>[1] = {
    queue: {
      subscribe: unused,
      pull: unused,
      commit: unused,
      isFresh: unused,
      stopDelivery: unused,
      lag: unused,
      health: unused,
      [Symbol.asyncDispose]: unused,
    },
    outcomes: { record: unused, settledFrom: unused, byRequest: unused },
    perform: unused,
    around: undefined,
  };
  assert.equal(withTraces(traces, parts), parts);
});
