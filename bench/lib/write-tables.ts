import { toScaled, type DecimalText } from "../../src/base/decimal.ts";
import { silentLog } from "../../src/base/log.ts";
import { FREQUENCY, SOURCE } from "../../src/domain/enums.ts";
import { FREQUENCY_NUMBERS } from "../../src/domain/frequency.ts";
import type { ClickHouse } from "../../src/store/clickhouse/client.ts";
import { decimalColumn, wholeColumn } from "../../src/store/clickhouse/encode/decimal-column.ts";
import { barColumns, type BarModel } from "../../src/store/clickhouse/encode/model-columns.ts";
import { enumColumn, uint64Column } from "../../src/store/clickhouse/encode/number-columns.ts";
import { textColumn } from "../../src/store/clickhouse/encode/text-column.ts";
import { instantColumn } from "../../src/store/clickhouse/encode/time-columns.ts";
import { createWallClocks } from "../../src/store/clickhouse/encode/wall-clock.ts";
import type { RowWriter } from "../../src/store/clickhouse/insert.ts";
import { ensureSchema } from "../../src/store/clickhouse/schema.ts";
import { BAR_ROW } from "../../src/store/clickhouse/tables.ts";
import type { Checksum } from "./bars.ts";

const never = new AbortController().signal;

/** Where typed rows go is `typed`, where ready bytes go is `ready`, and `sink` takes everything and keeps nothing. */
export interface WriteTables {
  /** `bar_row` as the product has it, or the peers' columns on a server too old for ours. */
  readonly columns: "product" | "peers";
  readonly writer: RowWriter<BarModel>;
  readonly names: { readonly typed: string; readonly ready: string; readonly sink: string };
  /** Makes all three anew. */
  reset(): Promise<void>;
}

/** A server older than this has no LowCardinality, no Nullable(Decimal) and no codecs. */
const MAJOR_MIN = 21;

export async function openWriteTables(clickhouse: ClickHouse): Promise<WriteTables> {
  const major = Number.parseInt(clickhouse.serverVersion(), 10);
  if (major >= MAJOR_MIN) {
    return await productTables(clickhouse);
  }
  await clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${clickhouse.database}`, {}, never);
  return peersTables(clickhouse);
}

/** Throws unless the table has exactly what was sent. */
export async function verifyStored(clickhouse: ClickHouse, table: string, expected: Checksum): Promise<void> {
  const prices = ["open", "high", "low", "close"];
  const sums = ["volume", "amount", ...prices].map((name) => `toString(sum(${name})) AS ${name}_sum`);
  const sql = `SELECT toString(count()) AS rows, toString(countDistinct(code, timestamp)) AS keys, ${sums.join(", ")} FROM ${clickhouse.database}.${table}`;
  const [found] = await clickhouse.query<Readonly<Record<string, DecimalText>>>(sql, {}, never);
  const scaled = (name: string) => toScaled(found?.[`${name}_sum`] ?? ("0" as DecimalText), 4);
  const actual: Checksum = {
    rows: Number.parseInt(found?.["rows"] ?? "-1", 10),
    volume: scaled("volume") / 10_000n,
    prices: prices.reduce((sum, name) => sum + scaled(name), 0n),
    turnover: scaled("amount"),
  };
  const isWhole =
    actual.rows === expected.rows &&
    found?.["keys"] === String(expected.rows) &&
    actual.volume === expected.volume &&
    actual.prices === expected.prices &&
    actual.turnover === expected.turnover;
  if (!isWhole) {
    throw new Error(`reading back ${table}: sent ${show(expected)}, found ${show(actual)}, ${found?.["keys"]} keys`);
  }
}

function show(checksum: Checksum): string {
  return `${checksum.rows} rows, volume ${checksum.volume}, prices ${checksum.prices}, turnover ${checksum.turnover}`;
}

async function productTables(clickhouse: ClickHouse): Promise<WriteTables> {
  const { database } = clickhouse;
  const names = { typed: BAR_ROW.name, ready: "bar_ready", sink: "bar_sink" };
  const options = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
  await ensureSchema(clickhouse, options, silentLog, never);
  await clickhouse.command(
    `CREATE TABLE IF NOT EXISTS ${database}.${names.ready} AS ${database}.${names.typed}`,
    {},
    never,
  );
  const sink = `CREATE TABLE IF NOT EXISTS ${database}.${names.sink} AS ${database}.${names.typed} ENGINE = Null`;
  await clickhouse.command(sink, {}, never).catch(async () => {
    // Codecs and keys of the copied table do not suit every version's Null; its columns alone do.
    const columns = BAR_ROW.columns.map(({ name, type }) => `${name} ${type}`).join(", ");
    await clickhouse.command(`CREATE TABLE ${database}.${names.sink} (${columns}) ENGINE = Null`, {}, never);
  });
  return {
    columns: "product",
    writer: {
      table: names.typed,
      columns: barColumns(createWallClocks()),
      partitionOf: ({ row }) => Number.parseInt(row.time.slice(0, 4), 10),
    },
    names,
    reset: async () => {
      for (const name of [names.typed, names.ready]) {
        await clickhouse.command(`TRUNCATE TABLE ${database}.${name}`, {}, never);
      }
    },
  };
}

const PEERS_COLUMNS =
  "code String, timestamp DateTime, frequency Int8, open Decimal(18, 4), high Decimal(18, 4), low Decimal(18, 4), " +
  "close Decimal(18, 4), volume Int64, amount Decimal(20, 4), source Int8, version UInt64";
const PEERS_ENGINE = "ReplacingMergeTree(version) PARTITION BY toYear(timestamp) ORDER BY (code, frequency, timestamp)";

function peersTables(clickhouse: ClickHouse): WriteTables {
  const { database } = clickhouse;
  const clocks = createWallClocks();
  const names = { typed: "gdw_bench_typed", ready: "gdw_bench_ready", sink: "gdw_bench_sink" };
  return {
    columns: "peers",
    writer: {
      table: names.typed,
      columns: [
        textColumn("code", ({ row }) => row.code),
        instantColumn(
          "timestamp",
          clocks,
          ({ row }) => row.time,
          ({ row }) => row.zone,
        ),
        enumColumn("frequency", FREQUENCY, ({ row }) => FREQUENCY_NUMBERS[row.frequency]),
        decimalColumn("open", 18, 4, ({ row }) => row.open),
        decimalColumn("high", 18, 4, ({ row }) => row.high),
        decimalColumn("low", 18, 4, ({ row }) => row.low),
        decimalColumn("close", 18, 4, ({ row }) => row.close),
        wholeColumn("volume", ({ row }) => row.volume),
        decimalColumn("amount", 20, 4, ({ row }) => row.turnover ?? row.close),
        enumColumn("source", SOURCE, ({ row }) => row.source),
        uint64Column("version", ({ provenance }) => provenance.version),
      ],
      partitionOf: ({ row }) => Number.parseInt(row.time.slice(0, 4), 10),
    },
    names,
    reset: async () => {
      for (const [name, engine] of [
        [names.typed, PEERS_ENGINE],
        [names.ready, PEERS_ENGINE],
        [names.sink, "Null"],
      ] as const) {
        await clickhouse.command(`DROP TABLE IF EXISTS ${database}.${name}`, {}, never);
        await clickhouse.command(`CREATE TABLE ${database}.${name} (${PEERS_COLUMNS}) ENGINE = ${engine}`, {}, never);
      }
    },
  };
}
