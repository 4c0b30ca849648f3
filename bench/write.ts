import { cpus } from "node:os";

import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import type { ClickHouse } from "../src/store/clickhouse/client.ts";
import type { BlockContext } from "../src/store/clickhouse/encode/column.ts";
import type { EncodedRows } from "../src/store/clickhouse/encode/encoded-rows.ts";
import type { BarModel } from "../src/store/clickhouse/encode/model-columns.ts";
import { encodeNative } from "../src/store/clickhouse/encode/native-block.ts";
import { BLOCK_ROWS, INSERT_LIMITS_DEFAULT, insertRows } from "../src/store/clickhouse/insert.ts";
import { createClickHouseStore } from "../src/store/clickhouse/store.ts";
import { barModels, checksumOf, type BarOrder } from "./lib/bars.ts";
import { collectGarbage } from "./lib/collect-garbage.ts";
import { openEmbeddedTarget, openHttpTarget, type BenchTarget } from "./lib/write-targets.ts";
import { parseWriteOptions, rowsOf, type WriteOptions } from "./lib/options.ts";
import { openWriteTables, verifyStored, type WriteTables } from "./lib/write-tables.ts";

/** Rows made at once: enough for the largest batch, few enough to leave the memory alone. */
const SLAB_ROWS = 100_000;
const never = new AbortController().signal;

/**
 * Bars into ClickHouse. Each cell goes through the rows in slabs; of every slab typed rows and ready bytes are sent one
 * after the other, the first of them in turn, so that whatever else the machine does meets both. Rows and bytes are made
 * before the clock runs. A line is printed once the tables have been read back and are whole.
 */
export async function benchWrite(args: readonly string[]): Promise<void> {
  const options = parseWriteOptions(args);
  for (const transport of options.transports) {
    await using target = await (transport === "embedded" ? openEmbeddedTarget() : openHttpTarget());
    if (target === undefined) {
      process.stderr.write("bench write: no HTTP server: set GINKGO_BENCH_CLICKHOUSE_URL or run npm run services\n");
      continue;
    }
    await benchTarget(target, options);
  }
}

async function benchTarget(target: BenchTarget, options: WriteOptions): Promise<void> {
  const tables = await openWriteTables(target.clickhouse);
  await warmUp(target, tables);
  for (const batchSize of options.batches) {
    for (const order of options.orders) {
      const runs: Spent[] = [];
      for (let run = 0; run < options.runs; run += 1) {
        runs.push(await runCell(target, tables, order, batchSize, rowsOf(batchSize, options.rowsMax)));
      }
      print(target, tables, order, batchSize, rowsOf(batchSize, options.rowsMax), runs);
    }
  }
}

/** Milliseconds of one run of a cell. */
interface Spent {
  typedMs: number;
  readyMs: number;
  /** The same bytes into a table that keeps nothing: wire and parsing. */
  sinkMs: number;
  encodeMs: number;
}

async function runCell(
  target: BenchTarget,
  tables: WriteTables,
  order: BarOrder,
  batchSize: number,
  rows: number,
): Promise<Spent> {
  await tables.reset();
  const spent: Spent = { typedMs: 0, readyMs: 0, sinkMs: 0, encodeMs: 0 };
  const insert = inserterOf(target.clickhouse, tables);
  const names = tables.writer.columns.map(({ name }) => name);
  const slab = Math.max(batchSize, SLAB_ROWS - (SLAB_ROWS % batchSize));
  for (let from = 0, turn = 0; from < rows; from += slab, turn += 1) {
    const batches = cut(barModels(order, from, Math.min(slab, rows - from)), batchSize);
    const context = { ingestedAtMs: systemClock.nowMs() };
    collectGarbage();
    let encoded: readonly EncodedRows[] = [];
    spent.encodeMs += await time(() => {
      encoded = batches.map((batch) => encodeBatch(tables, batch, context));
    });
    const typed = async () => {
      spent.typedMs += await time(() => inTurn(batches, insert));
    };
    const ready = async () => {
      spent.readyMs += await time(() =>
        inTurn(encoded, (bytes) => target.insertReady(tables.names.ready, names, bytes)),
      );
    };
    for (const part of turn % 2 === 0 ? [typed, ready] : [ready, typed]) {
      await part();
    }
    spent.sinkMs += await time(() => inTurn(encoded, (bytes) => target.insertReady(tables.names.sink, names, bytes)));
  }
  const expected = checksumOf(order, rows);
  await verifyStored(target.clickhouse, tables.names.typed, expected);
  await verifyStored(target.clickhouse, tables.names.ready, expected);
  return spent;
}

/** The bytes of one insert as the product makes them, in one piece. */
function encodeBatch(tables: WriteTables, batch: readonly BarModel[], context: BlockContext): EncodedRows {
  const blocks = cut(batch, BLOCK_ROWS).map((rows) => encodeNative(tables.writer.columns, rows, context).bytes);
  return { format: "Native", body: Buffer.concat(blocks), rows: batch.length };
}

/** The product's own way in: the store where the table is ours, the inserter below it where the server is too old. */
function inserterOf(clickhouse: ClickHouse, tables: WriteTables): (batch: readonly BarModel[]) => Promise<unknown> {
  if (tables.columns === "product") {
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog, compare: false });
    return (batch) => store.addBatch(batch, never);
  }
  return (batch) =>
    insertRows(clickhouse, tables.writer, batch, { ingestedAtMs: systemClock.nowMs() }, INSERT_LIMITS_DEFAULT, never);
}

/** The compiler and the engine's caches have seen everything once. */
async function warmUp(target: BenchTarget, tables: WriteTables): Promise<void> {
  await runCell(target, tables, "day", 1_000, 100_000);
  await runCell(target, tables, "code", 10_000, 400_000);
}

function print(
  target: BenchTarget,
  tables: WriteTables,
  order: BarOrder,
  batchSize: number,
  rows: number,
  runs: readonly Spent[],
): void {
  const median = (pick: (spent: Spent) => number) => medianOf(runs.map(pick));
  const ms = median(({ typedMs }) => typedMs);
  const line = {
    bench: "write",
    transport: target.transport,
    order,
    batchSize,
    rows,
    ms: round(ms, 1),
    rowsPerSecond: Math.round((rows / ms) * 1000),
    readyMs: round(
      median(({ readyMs }) => readyMs),
      1,
    ),
    ratioToReady: round(
      median(({ typedMs, readyMs }) => readyMs / typedMs),
      3,
    ),
    shareEncode: round(
      median(({ encodeMs, typedMs }) => encodeMs / typedMs),
      3,
    ),
    shareWire: round(
      median(({ sinkMs, typedMs }) => sinkMs / typedMs),
      3,
    ),
    shareEngine: round(
      median(({ readyMs, sinkMs, typedMs }) => Math.max(0, readyMs - sinkMs) / typedMs),
      3,
    ),
    runs: runs.length,
    msMin: round(Math.min(...runs.map(({ typedMs }) => typedMs)), 1),
    msMax: round(Math.max(...runs.map(({ typedMs }) => typedMs)), 1),
    columns: tables.columns,
    partitionBy: "year",
    node: process.version,
    engine: target.engine,
    cpu: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function time(act: () => unknown): Promise<number> {
  const startedMs = systemClock.elapsedMs();
  await act();
  return systemClock.elapsedMs() - startedMs;
}

async function inTurn<Item>(items: readonly Item[], act: (item: Item) => Promise<unknown>): Promise<void> {
  for (const item of items) {
    await act(item);
  }
}

function cut<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
