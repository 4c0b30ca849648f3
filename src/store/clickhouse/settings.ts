import type { ClickHouseSettings } from "@clickhouse/client";

import { PermanentError, TransientError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Link } from "./link.ts";

/** Who gathers rows: `sync` is us, so that the answer to an insert is the answer about its rows; `async` is the engine. */
export type InsertMode = "sync" | "async";

/** What the engine really runs with, after our wishes and its profile. */
export interface ServerSettings {
  readonly insertMode: InsertMode;
  /** More partitions in one insert are refused (code 252). */
  readonly partitionsPerInsertMax: number;
}

/** Sent with every call (embedded: once) where the engine knows them; an old server refuses a call that names a setting it has not. */
const WANTED: ClickHouseSettings = {
  insert_deduplicate: 1,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  // 12.50 is read back as 12.5, the form all our decimal texts have.
  output_format_decimal_trailing_zeros: 0,
  // Our bytes name the plain type (String, DateTime) and the table has the finer one (LowCardinality, with zone).
  input_format_native_allow_types_conversion: 1,
};

/** Without these an acknowledged row may be lost, twice or wrong. */
const PROMISED: ReadonlySet<string> = new Set([
  "async_insert",
  "wait_for_async_insert",
  "insert_deduplicate",
  "output_format_json_quote_64bit_integers",
  "output_format_json_quote_decimals",
]);

const PARTITIONS_SETTING = "max_partitions_per_insert_block";
const PARTITIONS_DEFAULT = 100;

interface Opened {
  readonly version: string;
  readonly settings: ServerSettings;
  /** What to send with every call from now on; empty when the session keeps it. */
  readonly send: ClickHouseSettings;
}

/**
 * Asks which settings the engine has, sends those that matter, and reads back what they became. Throws PermanentError
 * (settings) when its profile overrules one that a guarantee rests on, and NotClickHouseError when no engine answers.
 */
export async function readSettings(
  link: Link,
  mode: InsertMode,
  doing: string,
  log: Log,
  signal: AbortSignal,
): Promise<Opened> {
  const version = await readVersion(link, doing, signal);
  const wanted: ClickHouseSettings = {
    ...WANTED,
    async_insert: mode === "async" ? 1 : 0,
    ...(mode === "async" ? { wait_for_async_insert: 1 } : {}),
  };
  const known = await readValues(link, [...Object.keys(wanted), PARTITIONS_SETTING], {}, doing, signal);
  const send = Object.fromEntries(Object.entries(wanted).filter(([name]) => known.has(name)));
  const effective = await readValues(link, [...known.keys()], send, doing, signal);
  const differing = Object.entries(send).filter(([name, value]) => effective.get(name) !== String(value));
  const broken = differing.filter(([name]) => PROMISED.has(name));
  if (broken.length > 0) {
    const words = broken.map(([name, value]) => `${name} is ${effective.get(name)} and must be ${String(value)}`);
    throw new PermanentError(
      `reading ClickHouse's settings: its profile overrules ours: ${words.join(", ")}`,
      "settings",
    );
  }
  const partitionsPerInsertMax = parseInt(effective.get(PARTITIONS_SETTING) ?? `${PARTITIONS_DEFAULT}`, 10);
  log.info("clickhouse opened", {
    transport: link.transport,
    version,
    settings: Object.fromEntries(effective),
    unknownSettings: Object.keys(wanted).filter((name) => !known.has(name)),
  });
  // Embedded there is one session: what was set once stays, and setting it again costs a statement each time.
  return {
    version,
    settings: { insertMode: mode, partitionsPerInsertMax },
    send: link.transport === "embedded" ? {} : send,
  };
}

async function readValues(
  link: Link,
  names: readonly string[],
  send: ClickHouseSettings,
  doing: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const list = names.map((name) => `'${name}'`).join(", ");
  const sql = `SELECT name, value FROM system.settings WHERE name IN (${list})`;
  const rows = await link.query<{ readonly name: string; readonly value: string }>(sql, {}, send, signal, doing);
  return new Map(rows.map((row) => [row.name, row.value]));
}

/** The first question of all, whose answer nobody else would give. */
async function readVersion(link: Link, doing: string, signal: AbortSignal): Promise<string> {
  const rows = await link.query<Readonly<Record<string, unknown>>>(
    "SELECT version() AS version",
    {},
    {},
    signal,
    doing,
  );
  const version = rows.length === 1 ? rows[0]?.["version"] : undefined;
  if (typeof version !== "string") {
    throw new NotClickHouseError(`${doing}: the answer is not one of ClickHouse's`);
  }
  return version;
}

/** Something answered the first question otherwise than the engine does. */
export class NotClickHouseError extends TransientError {
  override readonly name = "NotClickHouseError";
}
