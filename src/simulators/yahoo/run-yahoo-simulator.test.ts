import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { getChart, getYahoo } from "../../../test/support/yahoo-charts.ts";
import { parseDay } from "../../domain/day.ts";
import { runYahooSimulator, type RunYahooSimulatorOptions, type ServedSymbols } from "./run-yahoo-simulator.ts";
import type { YahooSimulator } from "./simulator.ts";

/** Starts it, uses it while it serves, and stops it. */
async function runWith(
  options: Partial<RunYahooSimulatorOptions>,
  use: (simulator: YahooSimulator, served: ServedSymbols) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const listening = Promise.withResolvers<{ simulator: YahooSimulator; served: ServedSymbols }>();
  const running = runYahooSimulator(
    {
      port: 0,
      seed: 3,
      codes: 6,
      days: 10,
      to: parseDay("2026-03-31"),
      dataFolder: undefined,
      requestsMax: 100,
      windowMs: 60_000,
      banMs: 60_000,
      latency: { fromMs: 0, toMs: 0 },
      onListening: (simulator, served) => {
        listening.resolve({ simulator, served });
      },
      ...options,
    },
    stop.signal,
  );
  const { simulator, served } = await Promise.race([listening.promise, running.then(() => assert.fail("it ended"))]);
  try {
    await use(simulator, served);
  } finally {
    stop.abort();
    await running;
  }
}

test("it serves generated markets until it is told to stop, and then nobody listens", async () => {
  let url = "";
  await runWith({ requestsMax: 3 }, async (simulator, served) => {
    ({ url } = simulator);
    assert.deepEqual([served.firstDay, served.lastDay], ["2026-03-18", "2026-03-31"]);
    for (const symbol of ["600000.SS", "0700.HK", "^GSPC"]) {
      assert.equal((await getChart(simulator, symbol, "interval=1d&range=max")).timestamp?.length, 10);
    }
    assert.equal((await getYahoo(simulator, "/v8/finance/chart/AAPL")).status, 429);
  });
  await assert.rejects(getYahoo({ url }, "/"));
});

test("it serves a folder of recorded answers, and refuses one without any", async () => {
  const folder = await mkdtemp(join(tmpdir(), "yahoo-"));
  try {
    await assert.rejects(
      runWith({ dataFolder: folder }, async () => {}),
      /has no .json file/,
    );
    const body = { chart: { result: null, error: { code: "Not Found", description: "No data found" } } };
    const path = "/v8/finance/chart/X?interval=1d&range=1d";
    const file = {
      request: { url: `https://query2.finance.yahoo.com${path}&events=split%7Cdiv&crumb=a` },
      response: { status: 404, headers: { "y-rid": "1", "content-length": "7" }, bodyJson: body },
    };
    await writeFile(join(folder, "one.json"), JSON.stringify(file));
    await runWith({ dataFolder: folder }, async (simulator, served) => {
      assert.equal(served.symbols, 1);
      const got = await getYahoo(simulator, `${path}&events=div,splits`);
      assert.deepEqual([got.status, got.body, got.headers.get("y-rid")], [404, JSON.stringify(body), "1"]);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
