import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { generateFrom } from "../run.ts";
import { marketData } from "./market-data.ts";
import { runTdxSimulator, type ServedMarket } from "./run-tdx-simulator.ts";

test("it says what there is to ask for, and serves until it is told to stop", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<ServedMarket>();
  const to = parseDay("2026-03-31");
  const flags = { port: 0, seed: 3, codes: 6, days: 10, to, latency: { fromMs: 0, toMs: 0 } };
  const running = runTdxSimulator(
    {
      ...flags,
      dataFolder: undefined,
      refusesUpgrade: false,
      onListening: (_simulator, served) => listening.resolve(served),
    },
    stop.signal,
  );
  const served = await Promise.race([listening.promise, running.then(() => assert.fail("it ended"))]);
  stop.abort();
  await running;
  const listed = marketData(generateFrom(flags)).securities(to);
  assert.deepEqual(served, { codes: listed.length, days: 10, firstDay: "2026-03-18", lastDay: to });
  assert.ok(listed.length >= flags.codes);
});
