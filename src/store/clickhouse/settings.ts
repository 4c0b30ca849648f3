import type { ClickHouseSettings } from "@clickhouse/client";

import { PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { saidByEngine } from "./errors.ts";
import type { Link } from "./link.ts";

/** Who gathers rows: `sync` is us, so that the answer to an insert is the answer about its rows; `async` is the engine. */
export type InsertMode = "sync" | "async";

/** What the engine really runs with, after our wishes and its profile. */
export interface ServerSettings {
  readonly insertMode: InsertMode;
  /** More partitions in one insert are refused (code 252); Infinity where there is no limit. */
  readonly partitionsPerInsertMax: number;
  /** Replicas that have a row when its insert is acknowledged: a number, or `auto` for most of them; 0 is the same as 1. */
  readonly insertQuorum: string;
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

/** What few profiles change, and what would break if one did; sent only where one does. */
const GUARDED: Readonly<Record<string, string>> = {
  // Rows that cannot be read would be left out of an insert that is acknowledged.
  input_format_allow_errors_num: "0",
  input_format_allow_errors_ratio: "0",
  // An answer that is cut off would look whole: the ledger and the comparison read it.
  limit: "0",
  offset: "0",
  read_overflow_mode: "throw",
  result_overflow_mode: "throw",
  timeout_overflow_mode: "throw",
  group_by_overflow_mode: "throw",
  sort_overflow_mode: "throw",
  distinct_overflow_mode: "throw",
  set_overflow_mode: "throw",
  // The status of an answer would be sent before the server knows it.
  send_progress_in_http_headers: "0",
};

/** Without these an acknowledged row may be lost, twice or wrong. */
const PROMISED: ReadonlySet<string> = new Set([
  "async_insert",
  "wait_for_async_insert",
  "insert_deduplicate",
  "output_format_json_quote_64bit_integers",
  "output_format_json_quote_decimals",
  ...Object.keys(GUARDED),
]);

const PARTITIONS_SETTING = "max_partitions_per_insert_block";
const PARTITIONS_DEFAULT = 100;

const QUORUM_SETTING = "insert_quorum";
/** They say what an acknowledgement is worth on several replicas, which is for a person to decide. */
const TOLD = [QUORUM_SETTING, "insert_quorum_parallel", "select_sequential_consistency"];

interface Opened {
  readonly version: string;
  readonly settings: ServerSettings;
  /** What to send with every call from now on; empty when the session keeps it. */
  readonly send: ClickHouseSettings;
}

/**
 * Asks which settings the engine has, sends those that matter, and reads back what they became. Throws PermanentError
 * (settings) when its profile overrules one that a guarantee rests on, or lets a writer not write, and
 * NotClickHouseError when no engine answers.
 */
export async function readSettings(
  link: Link,
  mode: InsertMode,
  doing: string,
  log: Log,
  signal: AbortSignal,
  isWriter = false,
): Promise<Opened> {
  const version = await readVersion(link, doing, signal);
  const wanted: ClickHouseSettings = {
    ...WANTED,
    async_insert: mode === "async" ? 1 : 0,
    ...(mode === "async" ? { wait_for_async_insert: 1 } : {}),
  };
  const names = [...Object.keys(wanted), ...Object.keys(GUARDED), ...TOLD, PARTITIONS_SETTING, "readonly"];
  const known = await readValues(link, names, {}, doing, signal);
  if (isWriter && known.get("readonly") !== undefined && known.get("readonly") !== "0") {
    throw overruled([["readonly", known.get("readonly"), "0"]]);
  }
  const guarded = Object.entries(GUARDED).filter(
    ([name, value]) => known.has(name) && !isEqual(known.get(name), value),
  );
  const send = Object.fromEntries([...Object.entries(wanted).filter(([name]) => known.has(name)), ...guarded]);
  const effective = await readEffective(link, known, send, doing, signal);
  const broken = differing(send, effective).filter(([name]) => PROMISED.has(name));
  if (broken.length > 0) {
    throw overruled(broken);
  }
  log.info("clickhouse opened", {
    transport: link.transport,
    version,
    settings: Object.fromEntries([...effective].filter(([name]) => !(name in GUARDED) || name in send)),
    unknownSettings: Object.keys(wanted).filter((name) => !known.has(name)),
  });
  // Embedded there is one session: what was set once stays, and setting it again costs a statement each time.
  return {
    version,
    settings: {
      insertMode: mode,
      partitionsPerInsertMax: partitionsOf(effective.get(PARTITIONS_SETTING)),
      insertQuorum: effective.get(QUORUM_SETTING) ?? "0",
    },
    send: link.transport === "embedded" ? {} : send,
  };
}

/** What a person should know who has made replicated tables; undefined when an acknowledged row is on several replicas. */
export function quorumWarning({ insertQuorum }: ServerSettings): string | undefined {
  return insertQuorum === "0" || insertQuorum === "1"
    ? `insert_quorum is ${insertQuorum}: a row that is acknowledged is on one replica until the others have fetched it, and lost ` +
        "with that one's disk before; set insert_quorum to 2 or 'auto' in the settings profile of clickhouse.user to wait for them"
    : undefined;
}

type Differing = readonly [name: string, is: string | undefined, must: string];

function differing(send: ClickHouseSettings, effective: ReadonlyMap<string, string>): readonly Differing[] {
  return Object.entries(send)
    .map(([name, value]): Differing => [name, effective.get(name), String(value)])
    .filter(([, is, must]) => !isEqual(is, must));
}

function isEqual(is: string | undefined, must: string): boolean {
  return is !== undefined && plain(is) === plain(must);
}

/** Versions of the server say 0 and 0.0, 1 and true. */
function plain(text: string): string {
  return text.replace(/^true$/, "1").replace(/^(?:false|0\.0+)$/, "0");
}

/** 0 is the server's word for no limit. */
function partitionsOf(text: string | undefined): number {
  const limit = text === undefined ? PARTITIONS_DEFAULT : parseInt(text, 10);
  return limit === 0 ? Infinity : limit;
}

const SETTING_CONSTRAINT_VIOLATION = 452;

/**
 * What the settings became. A profile that lets a setting not be changed refuses the question itself; a user who may only
 * read is refused with another code, whichever setting it is, and that error says so.
 */
async function readEffective(
  link: Link,
  known: ReadonlyMap<string, string>,
  send: ClickHouseSettings,
  doing: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  try {
    return await readValues(link, [...known.keys()], send, doing, signal);
  } catch (error) {
    const broken = differing(send, known).filter(([name]) => PROMISED.has(name));
    const isFixed = saidByEngine(error)?.code === SETTING_CONSTRAINT_VIOLATION && broken.length > 0;
    // The engine's own error: with ours between, the message would say twice what to do.
    throw isFixed && error instanceof Error ? overruled(broken, error.cause) : error;
  }
}

function overruled(broken: readonly Differing[], cause?: unknown): PermanentError {
  const words = broken.map(([name, is, must]) => `${name} is ${is ?? "unknown"} and must be ${must}`).join(", ");
  return tellingWhatToDo(
    new PermanentError(
      `reading ClickHouse's settings: a settings profile of our user overrules what is needed for no row to be lost: ${words}: ` +
        "change it in that profile (users.xml, or ALTER SETTINGS PROFILE; system.settings_profile_elements shows which one), " +
        "or name another user with clickhouse.user",
      "settings",
      { cause },
    ),
  );
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
