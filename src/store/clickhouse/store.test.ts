import assert from "node:assert/strict";
import { test } from "node:test";

import { barModel, weekdays } from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { TransientError } from "../../base/errors.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { BATCH_LIMITS_DEFAULT } from "../batching/limits.ts";
import { withBatching } from "../batching/with-batching.ts";
import { StorePressureError } from "../pressure-error.ts";
import type { ClickHouse } from "./client.ts";
import type { BarModel } from "./encode/model-columns.ts";
import { createWallClocks } from "./encode/wall-clock.ts";
import { INSERT_LIMITS_DEFAULT } from "./insert.ts";
import { createModelTables } from "./model-tables.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;
const refuse = () => Promise.reject(new StorePressureError("241", "memory"));

/** An engine that is short of memory, whatever it is asked. */
const short: ClickHouse = {
  transport: "http",
  database: "ginkgo",
  settings: { insertMode: "sync", partitionsPerInsertMax: 100, insertQuorum: "0" },
  query: refuse,
  command: refuse,
  raw: () => {
    throw new TypeError("not asked for here");
  },
  insertEncoded: refuse,
  serverVersion: () => "26.7.2.1",
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

test("a refusal tells the size of the statement that was refused, which is seldom that of the batch", async () => {
  const models = weekdays("2000-01-03", 2_000).map((tradingDay) => barModel({ tradingDay }));
  const parts = { clickhouse: short, clock: systemClock, log: silentLog };
  const rowsOf = async (adding: Promise<unknown>): Promise<number | undefined> => {
    const error: unknown = await adding.catch((thrown: unknown) => thrown);
    return error instanceof StorePressureError ? error.rows : -1;
  };
  const cut = createClickHouseStore({
    ...parts,
    compare: false,
    limits: { ...INSERT_LIMITS_DEFAULT, partitionsMax: 1 },
  });
  const rows = await rowsOf(cut.addBatch(models, never));
  assert.ok(rows !== undefined && rows > 0 && rows < 300, `one partition has ${rows} rows`);
  const comparing = createClickHouseStore(parts);
  assert.equal(await rowsOf(comparing.addBatch(models, never, { rowsPerInsertMax: 500 })), 500);
});

test("a comparison that fails half way goes on there, and what was revised is said once", async () => {
  const models = weekdays("2024-01-02", 250).map((tradingDay) => barModel({ tradingDay }, 11n));
  const engine = engineWith(models.slice(0, 3).map((model) => barModel({ ...model.row, close: parseDecimal("1") })));
  engine.failQuery = 2;
  const { log, said } = listening();
  const store = createClickHouseStore({ clickhouse: engine, clock: systemClock, log });
  await assert.rejects(store.addBatch(models, never, { rowsPerInsertMax: 100 }), TransientError);
  assert.equal(engine.queries, 2);
  engine.failQuery = 4;
  // In smaller parts, as after a refusal for memory.
  await assert.rejects(store.addBatch(models, never, { rowsPerInsertMax: 60 }), TransientError);
  const outcomes = await store.addBatch(models, never, { rowsPerInsertMax: 60 });
  assert.deepEqual(
    Object.entries(Object.groupBy(outcomes, (outcome) => outcome)).map(([word, all]) => [word, all?.length]),
    [
      ["revised", 3],
      ["new", 247],
    ],
  );
  assert.equal(said.filter((event) => event === "stored value revised").length, 3);
  // 100, then 60, 40 of the second hundred and 50 of the rest, the failed ones twice.
  assert.equal(engine.queries, 6);
  assert.equal(engine.inserted, 250);
});

test("of a batch of two callers that fails after one insert, each gets the outcomes of the first comparison", async () => {
  const old = weekdays("2023-03-01", 5).map((tradingDay) => barModel({ tradingDay }, 11n));
  const young = weekdays("2024-03-01", 4).map((tradingDay) => barModel({ tradingDay }, 11n));
  const engine = engineWith(old.slice(0, 2).map((model) => barModel({ ...model.row, close: parseDecimal("1") })));
  engine.onInsert = (count) => {
    if (count === 1) {
      engine.hold(old);
    } else if (count === 2) {
      throw new TypeError("cannot encode");
    }
  };
  const { log, said } = listening();
  const limits = { ...INSERT_LIMITS_DEFAULT, partitionsMax: 1 };
  const inner = createClickHouseStore({ clickhouse: engine, clock: systemClock, log, limits });
  await using store = withBatching(inner, BATCH_LIMITS_DEFAULT, systemClock, log);
  const outcomes = await Promise.all([store.addBatch(old, never), store.addBatch(young, never)]);
  assert.deepEqual(outcomes, [
    ["revised", "revised", "new", "new", "new"],
    ["new", "new", "new", "new"],
  ]);
  assert.equal(said.filter((event) => event === "stored value revised").length, 2);
  assert.equal(engine.inserted, 9, "what went in before is not written again");
});

test("a row that only a caller who has gone would have written counts for the one who writes it", async () => {
  const tradingDay = weekdays("2024-03-01", 1)[0] ?? barModel().row.tradingDay;
  const engine = engineWith([]);
  engine.onInsert = (count) => {
    if (count === 1) {
      throw new TypeError("cannot encode");
    }
  };
  const store = createClickHouseStore({ clickhouse: engine, clock: systemClock, log: silentLog });
  const both = [barModel({ tradingDay }, 11n), barModel({ tradingDay }, 12n)];
  await assert.rejects(store.addBatch(both, never), TypeError);
  assert.deepEqual(await store.addBatch(both.slice(1), never, { failed: { models: both, from: 1 } }), ["new"]);
});

interface FakeEngine extends ClickHouse {
  /** The number of the query that fails. */
  failQuery: number;
  /** Told of each insert with its number; may throw. */
  onInsert: (count: number) => void;
  queries: number;
  inserted: number;
  hold(models: readonly BarModel[]): void;
}

/** An engine that answers every comparison with the bars it is told to hold. */
function engineWith(bars: readonly BarModel[]): FakeEngine {
  const { compared } = createModelTables(createWallClocks()).bar;
  const held = new Map<string, unknown>();
  let inserts = 0;
  const engine: FakeEngine = {
    ...short,
    failQuery: 0,
    onInsert: () => undefined,
    queries: 0,
    inserted: 0,
    hold: (models) => {
      for (const model of models) {
        const k = compared.keyOf(model);
        held.set(k, { k, v: compared.valueOf(model), n: String(model.provenance.version) });
      }
    },
    query: async <Row>() => {
      engine.queries += 1;
      if (engine.queries === engine.failQuery) {
        throw new TransientError("reading: reset");
      }
      return [...held.values()] as Row[];
    },
    insertEncoded: async (_table, _columns, { rows }) => {
      inserts += 1;
      engine.onInsert(inserts);
      engine.inserted += rows;
    },
  };
  engine.hold(bars);
  return engine;
}

function listening(): { readonly log: Log; readonly said: readonly string[] } {
  const said: string[] = [];
  return { said, log: { ...silentLog, warn: (event) => void said.push(event) } };
}
