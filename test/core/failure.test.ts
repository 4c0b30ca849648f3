import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { PermanentError, TransientError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { openWorkScope } from "../../src/base/work-scope.ts";
import { MARKET, SOURCE } from "../../src/domain/enums.ts";
import { parseDay } from "../../src/domain/day.ts";
import { BATCH_LIMITS_DEFAULT } from "../../src/store/batching/limits.ts";
import { withBatching } from "../../src/store/batching/with-batching.ts";

test("after a failure that is no signal, rows that wait for a store that is away do not keep the process", async () => {
  const work = openWorkScope(new AbortController().signal);
  const tried = Promise.withResolvers<void>();
  const store = withBatching(
    {
      addBatch: async () => {
        tried.resolve();
        throw new TransientError("store away", { retryAfterMs: 3_600_000 });
      },
      quarantine: () => Promise.resolve(),
      storedDays: async () => [],
      storedTicks: async () => [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    BATCH_LIMITS_DEFAULT,
    systemClock,
    silentLog,
  );
  const row = { market: MARKET.CHINA, day: parseDay("2024-01-02"), isOpen: true, source: SOURCE.TUSHARE };
  const provenance = { version: 1n, callId: "c", requestId: "r" };
  // A list that many messages wait for is no message's own: nothing but `work` ends it.
  const lost = assert.rejects(store.addBatch([{ model: "calendar-day", row, provenance }], work.signal), /member lost/);
  await tried.promise;
  await assert.rejects(
    work.run(() => Promise.reject(new PermanentError("member lost", "queue"))),
    /member lost/,
  );
  await lost;
  await store[Symbol.asyncDispose]();
});
