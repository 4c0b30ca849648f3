import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, isWhole, LOGIN, readAnswer, request } from "../../../test/support/baostock-wire.ts";
import { RawConnection } from "../../../test/support/raw-connection.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { createRandom } from "../../market/random.ts";
import { drawCuts } from "./connection.ts";
import { marketData } from "./market-data.ts";
import { startBaostockSimulator, type BaostockSimulator } from "./simulator.ts";

const data = marketData(generateMarket({ seed: 11, codes: 12, tradingDays: 30 }));
const DAYS = request("33", "query_trade_dates|anonymous|1|2000|2025-12-22|2025-12-31");

async function withSession(
  use: (connection: RawConnection, simulator: BaostockSimulator) => Promise<void>,
): Promise<void> {
  await using simulator = await startBaostockSimulator({ data });
  await using connection = await RawConnection.open(simulator.port);
  await ask(connection, LOGIN);
  await use(connection, simulator);
}

test("requests that come in pieces and several at once are answered in their order", async () => {
  await withSession(async (connection) => {
    const two = Buffer.concat([DAYS, request("35", "query_all_stock|anonymous|1|2000|2025-12-31")]);
    for (const byte of two) {
      connection.send(Buffer.from([byte]));
    }
    const got = await connection.receive((bytes) => bytes.includes("query_all_stock") && isWhole(bytes));
    assert.ok(got.indexOf("query_trade_dates") < got.indexOf("query_all_stock"));
  });
});

test("answers come in pieces, by the seed, and now and then the marker itself is cut", async () => {
  const cuts = (seed: number): readonly (readonly number[])[] => {
    const random = createRandom(seed, "cuts 1");
    return Array.from({ length: 300 }, () => drawCuts(400, random));
  };
  assert.deepEqual(cuts(5), cuts(5));
  assert.notDeepEqual(cuts(5), cuts(6));
  const inMarker = cuts(5).filter((places) => places.some((place) => place > 400 - 13));
  assert.ok(inMarker.length > 60 && inMarker.length < 180, String(inMarker.length));
  assert.ok(cuts(5).every((places) => places.every((place, at) => place > (places[at - 1] ?? 0) && place < 400)));
  await withSession(async (connection) => {
    for (let count = 0; count < 40; count += 1) {
      await ask(connection, DAYS);
    }
    assert.ok(connection.pieces.length > 60, `${connection.pieces.length} pieces of 41 answers`);
  });
});

test("a request without an end is cut off, and a client that goes in the middle of an answer harms nobody", async () => {
  await withSession(async (connection, simulator) => {
    await using endless = await RawConnection.open(simulator.port);
    endless.send("0".repeat(70_000));
    assert.equal((await endless.end()).bytes.length, 0);
    await using leaving = await RawConnection.open(simulator.port);
    await ask(leaving, LOGIN);
    simulator.injectFault({ kind: "drip" });
    leaving.send(DAYS);
    await leaving.receive((bytes) => bytes.length > 0);
    await leaving[Symbol.asyncDispose]();
    assert.equal(readAnswer(await ask(connection, DAYS)).fields[0], "0");
  });
});

test("closing it ends connections that wait for an answer", async () => {
  const simulator = await startBaostockSimulator({ data, latency: { fromMs: 60_000, toMs: 60_000 } });
  await using connection = await RawConnection.open(simulator.port);
  connection.send(LOGIN);
  while (simulator.requests.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await simulator[Symbol.asyncDispose]();
  assert.equal((await connection.end()).bytes.length, 0);
});
