import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { runAkshareSimulator, type ServedCodes } from "./run-akshare-simulator.ts";
import type { AkshareSimulator } from "./simulator.ts";

test("it serves a generated market until it is told to stop, and then nobody listens", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<{ simulator: AkshareSimulator; served: ServedCodes }>();
  const running = runAkshareSimulator(
    {
      port: 0,
      seed: 3,
      codes: 6,
      days: 10,
      to: parseDay("2026-03-31"),
      callsMax: 2,
      windowMs: 60_000,
      banMs: 60_000,
      latency: { fromMs: 0, toMs: 0 },
      takesAnyClient: true,
      onListening: (simulator, served) => {
        listening.resolve({ simulator, served });
      },
    },
    stop.signal,
  );
  const { simulator, served } = await Promise.race([listening.promise, running.then(() => assert.fail("it ended"))]);
  const path = `${simulator.url}/api/qt/stock/kline/get?secid=1.600000&klt=101&fqt=0`;
  try {
    assert.deepEqual(served, { codes: 10, firstDay: "2026-03-18", lastDay: "2026-03-31" });
    for (let count = 0; count < 2; count += 1) {
      assert.match(await (await fetch(path)).text(), /"2026-03-31,/);
    }
    await assert.rejects(fetch(path), TypeError);
  } finally {
    stop.abort();
    await running;
  }
  const [error]: unknown[] = await once(createConnection(simulator.port, "127.0.0.1"), "error");
  assert.match(String(error), /ECONNREFUSED/);
});
