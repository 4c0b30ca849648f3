import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ask, LOGIN, readAnswer, request } from "../../../test/support/baostock-wire.ts";
import { RawConnection } from "../../../test/support/raw-connection.ts";
import { parseDay } from "../../domain/day.ts";
import { runBaostockSimulator, type RunBaostockSimulatorOptions, type ServedCodes } from "./run-baostock-simulator.ts";
import type { BaostockSimulator } from "./simulator.ts";

const BASIC = request("45", "query_stock_basic|anonymous|1|2000|sh.600000|");

/** Starts it, uses it while it serves, and stops it. */
async function runWith(
  options: Partial<RunBaostockSimulatorOptions>,
  use: (simulator: BaostockSimulator, served: ServedCodes) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const listening = Promise.withResolvers<{ simulator: BaostockSimulator; served: ServedCodes }>();
  const running = runBaostockSimulator(
    {
      port: 0,
      seed: 3,
      codes: 6,
      days: 10,
      to: parseDay("2026-03-31"),
      dataFolder: undefined,
      requestsMax: 100,
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

test("it serves a generated market until it is told to stop, and then nobody listens", async () => {
  let port = 0;
  await runWith({ requestsMax: 2 }, async (simulator, served) => {
    ({ port } = simulator);
    assert.deepEqual([served.firstDay, served.lastDay], ["2026-03-18", "2026-03-31"]);
    await using connection = await RawConnection.open(port);
    await ask(connection, LOGIN);
    assert.equal(readAnswer(await ask(connection, BASIC)).rows.length, 1);
    assert.equal(readAnswer(await ask(connection, BASIC)).fields[0], "10001011");
  });
  const [error]: unknown[] = await once(createConnection(port, "127.0.0.1"), "error");
  assert.match(String(error), /ECONNREFUSED/);
});

test("it serves a folder of recorded answers, and refuses one without any", async () => {
  const folder = await mkdtemp(join(tmpdir(), "baostock-"));
  try {
    await assert.rejects(
      runWith({ dataFolder: folder }, async () => {}),
      /has no folder with request.bin/,
    );
    await assert.rejects(
      runWith({ dataFolder: join(folder, "none") }, async () => {}),
      RangeError,
    );
    const answer = await recordedBasic();
    await mkdir(join(folder, "basic"));
    await writeFile(join(folder, "basic", "request.bin"), BASIC);
    await writeFile(join(folder, "basic", "response.bin"), answer);
    await runWith({ dataFolder: folder }, async (simulator, served) => {
      assert.equal(served.codes, 1);
      await using connection = await RawConnection.open(simulator.port);
      await ask(connection, LOGIN);
      assert.ok((await ask(connection, BASIC)).equals(answer));
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** An answer to record. */
async function recordedBasic(): Promise<Buffer> {
  let answer = Buffer.alloc(0);
  await runWith({}, async (simulator) => {
    await using connection = await RawConnection.open(simulator.port);
    await ask(connection, LOGIN);
    answer = Buffer.from(await ask(connection, BASIC));
  });
  return answer;
}
