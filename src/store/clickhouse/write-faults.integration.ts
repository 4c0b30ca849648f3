import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";

import {
  startClickHouseHttp,
  whyNoClickHouse,
  type ClickHouseHttpService,
} from "../../../test/support/services/clickhouse-http.ts";
import { barModel, weekdays } from "../../../test/support/models.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { systemClock, type Clock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { SOURCE } from "../../domain/enums.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Model, RowOutcome } from "../../ports/store.ts";
import { BATCH_LIMITS_DEFAULT, type BatchLimits } from "../batching/limits.ts";
import { withBatching, type BatchingStore } from "../batching/with-batching.ts";
import { openClickHouse, type ClickHouse } from "./client.ts";
import { translate } from "./errors.ts";
import { ensureSchema } from "./schema.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;
const INSERT_MS = 2_000;
/** Waits of seconds become waits of milliseconds; what the network and the engine take stays as it is. */
const SPEED = 200;
const fastClock: Clock = {
  ...systemClock,
  elapsedMs: () => systemClock.elapsedMs() * SPEED,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
};

const BAD_CLOSE = "13";

suite("writing over HTTP to a server that does wrong", { skip: whyNoClickHouse() ?? false }, () => {
  let server: ClickHouseHttpService;
  before(async () => {
    server = await startClickHouseHttp();
  });
  after(() => server.stop());

  /** A database of its own for each test, in which a close of 13 violates a constraint. */
  async function open(database: string): Promise<ClickHouse> {
    const { url } = server;
    const timeouts = { requestMs: 60_000, insertMs: INSERT_MS };
    const clickhouse = await openClickHouse({ kind: "http", url, user: "default", password: "", database, timeouts });
    await prepare(clickhouse);
    return clickhouse;
  }

  const insertsOf = async (database: string) =>
    (await server.requests(`INSERT INTO ${database}.bar_row`)).map(({ state, code, bytes }) => ({
      state,
      code,
      bytes,
    }));

  test("an insert that was applied five times without an answer leaves each row once for a plain SELECT", async () => {
    await using clickhouse = await open("lost");
    await using store = storeOver(clickhouse);
    for (let count = 0; count < 5; count += 1) {
      await server.dropNextAnswer("lost.bar_row");
    }
    const models = history("000001.SZ", 500);
    assert.deepEqual(new Set(await store.addBatch(models, never)), new Set(["new"]), "as the first try would answer");
    const inserts = await insertsOf("lost");
    assert.deepEqual(
      inserts.map(({ state }) => state),
      ["dropped", "dropped", "dropped", "dropped", "dropped", "answered"],
    );
    assert.equal(new Set(inserts.map(({ bytes }) => bytes)).size, 1);
    await holdsExactly(clickhouse, models, []);
  });

  test(
    "a server that hangs is left at the insert's deadline, and the insert repeated",
    { timeout: 60_000 },
    async () => {
      await using clickhouse = await open("hung");
      await using store = storeOver(clickhouse);
      await server.hangNext("INSERT INTO hung.bar_row");
      const models = history("000001.SZ", 300);
      const startedMs = performance.now();
      await store.addBatch(models, never);
      assert.ok(performance.now() - startedMs >= INSERT_MS - 5);
      const inserts = await insertsOf("hung");
      assert.deepEqual(
        inserts.map(({ state }) => state),
        ["hung", "answered"],
        "a batch of the usual size is repeated whole",
      );
      assert.equal(new Set(inserts.map(({ bytes }) => bytes)).size, 1);
      await server.release();
      await holdsExactly(clickhouse, models, []);
    },
  );

  test("one bad row among 1,000, too little memory and a lost answer together: 999 stored, one in quarantine", async () => {
    await using clickhouse = await open("mixed");
    await using store = storeOver(clickhouse);
    const models = history("000001.SZ", 1_000, (index) => index === 617);
    await server.dropNextAnswer("mixed.bar_row");
    await server.limitMemory(20_000, "mixed.bar_row");
    const outcomes = await store.addBatch(models, never);
    assert.deepEqual(rejectedOf(outcomes), [617]);
    const inserts = await insertsOf("mixed");
    const [refused, stored] = [inserts.filter(({ code }) => code === 241), inserts.filter(({ code }) => code === 0)];
    assert.ok(refused.length >= 2 && refused.every(({ bytes }) => bytes > 20_000), JSON.stringify(refused));
    assert.ok(
      stored.every(({ bytes }) => bytes <= 20_000),
      "nothing larger than the server takes was stored",
    );
    await server.release();
    await holdsExactly(clickhouse, models, [617]);
    const [table] = store.health().tables;
    assert.equal(table?.pressure, "memory");
  });

  test("inserts shrink until a server short of memory takes them, none twice, and grow back when it has more", async () => {
    await using clickhouse = await open("memory");
    await using store = storeOver(clickhouse);
    await server.limitMemory(20_000, "memory.bar_row");
    const models = history("000001.SZ", 2_000);
    await store.addBatch(models, never);
    const inserts = await insertsOf("memory");
    const refused = inserts.filter(({ code }) => code === 241);
    assert.ok(refused.length <= 6, `${refused.length} refusals for a batch that is halved each time`);
    const shrunkTo = store.health().tables[0]?.batchRowsMax ?? 0;
    assert.ok(shrunkTo < 500, `${shrunkTo} rows`);
    await server.release();
    for (let day = 0; store.health().tables[0]?.pressure !== undefined; day += 1) {
      assert.ok(day < 60, "the pressure ends");
      await store.addBatch(
        history("600000.SH", 1, () => false, day),
        never,
      );
    }
    assert.equal(store.health().tables[0]?.batchRowsMax, BATCH_LIMITS_DEFAULT.rowsMax);
    await holdsExactly(clickhouse, models, [], "000001.SZ");
  });

  test("too many parts: the batch is repeated whole and never cut, since smaller inserts make more parts", async () => {
    await using clickhouse = await open("parts");
    await using store = storeOver(clickhouse);
    const text = "Too many parts (301). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)";
    await server.refuseNextInserts({ code: 252, text, count: 4, match: "parts.bar_row" });
    const models = history("000001.SZ", 800);
    const adding = store.addBatch(models, never);
    const outcomes = await adding;
    assert.deepEqual(new Set(outcomes), new Set(["new"]));
    const inserts = await insertsOf("parts");
    assert.deepEqual(
      inserts.map(({ code }) => code),
      [252, 252, 252, 252, 0],
    );
    assert.equal(new Set(inserts.map(({ bytes }) => bytes)).size, 1);
    const { outageMs, isAway, tables } = store.health();
    assert.ok(!isAway && outageMs >= 1_000 + 2_000 + 4_000 + 8_000, `away for ${outageMs} ms of its clock`);
    assert.deepEqual([tables[0]?.pressure, tables[0]?.gather], ["parts", 8]);
    await holdsExactly(clickhouse, models, []);
  });

  test(
    "faults of every kind in a third of all statements lose nothing and store nothing twice",
    { timeout: 900_000 },
    async (t) => {
      await using clickhouse = await open("storm");
      await server.storm({ percent: 30, seed: sizes.seed, match: "storm." });
      const written = await writeFromManyCallers(t, clickhouse);
      await server.release();
      const requests = await server.requests("storm.");
      const states = Map.groupBy(requests, ({ state, code }) => `${state} ${code}`);
      t.diagnostic(Array.from(states, ([state, all]) => `${all.length} ${state}`).join(", "));
      for (const state of [
        "dropped 0",
        "reset 0",
        "hung 0",
        "refused 252",
        "refused 241",
        "refused 202",
        "answered 469",
      ]) {
        assert.ok(states.has(state), `no statement was ${state}`);
      }
      await holdsExactly(clickhouse, written.models, written.bad);
    },
  );
});

suite("writing to the engine in this process, which fails at random", { skip: whyNoClickHouse() ?? false }, () => {
  let path = "";
  before(async () => {
    path = await mkdtemp(join(tmpdir(), "gdw-faults-"));
  });
  after(() => rm(path, { recursive: true, force: true }));

  test("faults in a third of all statements lose nothing and store nothing twice", { timeout: 900_000 }, async (t) => {
    await using clickhouse = await openClickHouse({ kind: "embedded", path, database: "storm" });
    await prepare(clickhouse);
    const written = await writeFromManyCallers(t, failingAtRandom(clickhouse));
    await holdsExactly(clickhouse, written.models, written.bad);
  });

  test("an insert that takes longer than its deadline is stopped by the engine, and nothing of it is there", async () => {
    await using clickhouse = await openClickHouse({ kind: "embedded", path, database: "slow", insertMs: 1_000 });
    await prepare(clickhouse);
    await clickhouse.command("ALTER TABLE slow.bar_row ADD CONSTRAINT slow CHECK sleepEachRow(1) = 0", {}, never);
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const models = history("000001.SZ", 3);
    await assert.rejects(store.addBatch(models, never), /159 TIMEOUT_EXCEEDED/);
    await clickhouse.command("ALTER TABLE slow.bar_row DROP CONSTRAINT slow", {}, never);
    assert.deepEqual(await clickhouse.query("SELECT toString(count()) AS rows FROM slow.bar_row", {}, never), [
      { rows: "0" },
    ]);
    await store.addBatch(models, never);
    await holdsExactly(clickhouse, models, []);
  });
});

async function prepare(clickhouse: ClickHouse): Promise<void> {
  const options = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
  await ensureSchema(clickhouse, options, silentLog, never);
  await clickhouse.command(
    `ALTER TABLE ${clickhouse.database}.bar_row ADD CONSTRAINT no_thirteen CHECK close != ${BAD_CLOSE}`,
    {},
    never,
  );
}

function storeOver(clickhouse: ClickHouse, limits: BatchLimits = BATCH_LIMITS_DEFAULT): BatchingStore {
  const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
  return withBatching(store, limits, fastClock, silentLog);
}

const DAYS = weekdays("2015-01-05", 2_000);

/** Daily bars of one code, each with a value of its own. */
function history(code: string, count: number, isBad: (index: number) => boolean = () => false, from = 0): Model[] {
  return DAYS.slice(from, from + count).map((tradingDay, index) =>
    barModel({
      code: parseSecurityCode(code),
      tradingDay,
      close: parseDecimal(isBad(index) ? BAD_CLOSE : `${20 + from + index}.${1000 + (index % 9)}`),
    }),
  );
}

interface Written {
  readonly models: readonly Model[];
  /** Indexes of those that the engine cannot take. */
  readonly bad: readonly number[];
}

/** Callers side by side, each with a code of its own, one small batch after the other; some rows are bad. */
async function writeFromManyCallers(t: TestContext, clickhouse: ClickHouse): Promise<Written> {
  const callers = 8;
  const calls = sizes.stormBatches;
  let batches = 0;
  const limits = { ...BATCH_LIMITS_DEFAULT, rowsReady: 4, rowsMax: 16 };
  const inner = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
  await using store = withBatching(inner, limits, fastClock, silentLog, () => (batches += 1));
  const all = await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      const own: { readonly model: Model; readonly isBad: boolean }[] = [];
      for (let call = 0, day = 0; call < calls; call += 1) {
        const rows = 1 + ((caller + call) % 5);
        const isBad = (index: number) => (caller * 7 + day + index) % 41 === 0;
        const models = history(`60000${caller}.SH`, rows, isBad, day % (DAYS.length - 5));
        assert.deepEqual(
          await store.addBatch(models, never),
          models.map((_model, index): RowOutcome => (isBad(index) ? "rejected" : "new")),
        );
        models.forEach((model, index) => own.push({ model, isBad: isBad(index) }));
        day += rows;
      }
      return own;
    }),
  );
  const { rowsInHand, oldestMs, isAway, outageMs } = store.health();
  assert.deepEqual([rowsInHand, oldestMs, isAway], [0, undefined, false]);
  const rows = all.flat();
  t.diagnostic(`${rows.length} rows in ${batches} batches; failing for ${Math.round(outageMs / 1_000)} s of its clock`);
  return {
    models: rows.map(({ model }) => model),
    bad: rows.flatMap(({ isBad }, index) => (isBad ? [index] : [])),
  };
}

/** The engine, with answers that get lost and refusals of every kind, at thirty in a hundred. */
function failingAtRandom(clickhouse: ClickHouse): ClickHouse {
  let state = sizes.seed;
  const draw = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const refusals = [252, 241, 202, 159, 745, 210].map(
    (code) => `Code: ${code}. DB::Exception: Too many parts, or the like`,
  );
  const refuse = (): never => {
    throw translate(new Error(refusals[Math.floor(draw() * refusals.length)]), "asking");
  };
  return {
    ...clickhouse,
    query: (sql, params, signal) => (draw() < 0.15 ? refuse() : clickhouse.query(sql, params, signal)),
    async insertEncoded(table, columns, encoded, signal) {
      const fate = draw();
      if (fate < 0.15) {
        refuse();
      }
      await clickhouse.insertEncoded(table, columns, encoded, signal);
      if (fate < 0.3) {
        throw new TransientError("inserting: the answer was lost");
      }
    },
  };
}

function rejectedOf(outcomes: readonly RowOutcome[]): readonly number[] {
  return outcomes.flatMap((outcome, index) => (outcome === "rejected" ? [index] : []));
}

/** Every good row once for a plain SELECT, with its own value; every bad one once in quarantine; nothing else anywhere. */
async function holdsExactly(
  clickhouse: ClickHouse,
  models: readonly Model[],
  bad: readonly number[],
  code?: string,
): Promise<void> {
  const isBad = new Set(bad);
  const keyOf = (model: Model) =>
    model.model === "bar" ? `${model.row.code} ${model.row.tradingDay} ${model.row.close}` : model.model;
  const of = code === undefined ? "" : ` WHERE code = '${code}'`;
  const stored = await clickhouse.query<{ readonly key: string }>(
    `SELECT concat(code, ' ', toString(toDate(timestamp)), ' ', toString(close)) AS key FROM ${clickhouse.database}.bar${of}`,
    {},
    never,
  );
  const wanted = models.filter((_, index) => !isBad.has(index)).map(keyOf);
  assert.equal(stored.length, wanted.length, "rows of a plain SELECT");
  assert.deepEqual(stored.map(({ key }) => key).toSorted(), wanted.toSorted());
  const aside = await clickhouse.query<{ readonly key: string }>(
    `SELECT concat(code, ' ', JSONExtractString(raw, 'tradingDay'), ' ', JSONExtractString(raw, 'close')) AS key FROM ${clickhouse.database}.quarantine_row FINAL`,
    {},
    never,
  );
  assert.deepEqual(
    aside.map(({ key }) => key).toSorted(),
    models
      .filter((_, index) => isBad.has(index))
      .map(keyOf)
      .toSorted(),
  );
}
