import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ClickHouseLogLevel, createClient, type ClickHouseSettings } from "@clickhouse/client";

import { PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { silentLog, type Log } from "../../base/log.ts";
import { speaksTls } from "../../base/speaks-tls.ts";
import { openEmbeddedConnection } from "./embedded.ts";
import { cut, isReset, isStranger } from "./errors.ts";
import { piecesOf, type EncodedRows } from "./encode/encoded-rows.ts";
import { openHttpInserter } from "./http-insert.ts";
import { createLink, sendByClient, type Link } from "./link.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { NotClickHouseError, readSettings, type InsertMode, type ServerSettings } from "./settings.ts";

/** The ClickHouse engine, in this process or behind HTTP, by one interface. Every error it throws has been translated. */
export interface ClickHouse extends AsyncDisposable {
  readonly transport: "embedded" | "http";
  /** Where our tables are. No session database is set: every name in a statement is qualified with it. */
  readonly database: string;
  /** What the engine really runs with, read back when it was opened. */
  readonly settings: ServerSettings;
  /** Rows of a SELECT; 64-bit integers and decimals arrive as text. Params are ClickHouse's `{name:Type}`. */
  query<Row>(sql: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<readonly Row[]>;
  command(sql: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void>;
  /**
   * The answer to a SELECT (without FORMAT) as the bytes of a format, binary ones such as Parquet included. It begins when
   * the engine has the whole of it, so a failure is thrown before the first piece.
   */
  raw(sql: string, format: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Inserts rows that are already encoded; `table` is a bare name of `database`. Resolves when the engine acknowledged. */
  insertEncoded(table: string, columns: readonly string[], encoded: EncodedRows, signal: AbortSignal): Promise<void>;
  serverVersion(): string;
}

export interface EmbeddedTarget {
  readonly kind: "embedded";
  /** Folder of the engine's data; made when absent. One process holds it at a time. */
  readonly path: string;
  /** `ginkgo` unless given. */
  readonly database?: string;
  /** How long one insert may take. The engine itself stops it then: it hears of no abort. */
  readonly insertMs?: number;
}

export interface HttpTarget {
  readonly kind: "http";
  /** `http://host:8123` or `https://host:8443`, without credentials. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The authority to trust, and where the server wants one a certificate of ours with its key. */
  readonly tls?: TlsFiles;
  readonly timeouts?: Timeouts;
  readonly maxOpenConnections?: number;
}

export interface Timeouts {
  /** How long a question or a command may take in all, and how long a connection may be silent. */
  readonly requestMs: number;
  /** How long one insert may take in all. */
  readonly insertMs: number;
}

export interface TlsFiles {
  readonly ca: Buffer;
  readonly client?: { readonly cert: Buffer; readonly key: Buffer };
}

export type ClickHouseTarget = EmbeddedTarget | HttpTarget;

export interface OpenOptions {
  readonly log?: Log;
  /** `async` only where a person asked for it; the engine then gathers inserts itself, and we wait until it wrote them. */
  readonly insertMode?: InsertMode;
  /** Whether rows are going to be written, which a profile may forbid. */
  readonly isWriter?: boolean;
  readonly signal?: AbortSignal;
}

export const DATABASE_DEFAULT = "ginkgo";
const TIMEOUTS_DEFAULT: Timeouts = { requestMs: 120_000, insertMs: 60_000 };
/** How long the first answers may take. */
const CONNECT_MS_MAX = 10_000;
const CONNECTIONS_DEFAULT = 10;
/** Idle sockets are closed before the server would: its default was 3 s before version 23.11 and is 10 s since. */
const IDLE_SOCKET_MS = 2500;
/** One name for all connections of this process, which may share a folder. */
const SCRATCH_NAME = randomUUID();

/**
 * Opens the engine and asks for its version and settings, so that a wrong address, refused credentials or a profile that
 * breaks our guarantees shows here. Throws TransientError when it cannot be reached, PermanentError otherwise.
 */
export async function openClickHouse(target: ClickHouseTarget, options: OpenOptions = {}): Promise<ClickHouse> {
  const log = options.log ?? silentLog;
  const signal = options.signal ?? new AbortController().signal;
  const link = target.kind === "embedded" ? await openEmbedded(target) : openHttp(target);
  const { insertMode: mode = "sync", isWriter = false } = options;
  try {
    const { version, settings, send } =
      target.kind === "embedded"
        ? await readSettings(link, mode, `opening the engine in ${target.path}`, log, signal, isWriter)
        : await connect(link, target, mode, log, signal, isWriter);
    return createClickHouse(target, link, version, settings, send);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** The first questions over HTTP, within some seconds. A stranger on the port is told from a server that is away. */
async function connect(
  link: Link,
  { url }: HttpTarget,
  mode: InsertMode,
  log: Log,
  signal: AbortSignal,
  isWriter: boolean,
) {
  const doing = `connecting to ClickHouse at ${url}`;
  const late = AbortSignal.timeout(CONNECT_MS_MAX);
  try {
    return await readSettings(link, mode, doing, log, AbortSignal.any([signal, late]), isWriter);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) {
      throw new TransientError(`${doing}: no answer in ${CONNECT_MS_MAX / 1_000} s`);
    }
    const isStrange =
      error instanceof NotClickHouseError || (error instanceof TransientError && isStranger(error.cause));
    if ((isStrange || isReset(error)) && (await expectsTls(url))) {
      const todo = "set clickhouse.https to true, or write https:// in clickhouse.url";
      const text = `the server expects TLS: ${todo}, and name its authority with clickhouse.tls_ca where that is your own`;
      throw tellingWhatToDo(new PermanentError(`${doing}: ${text}`, "store", { cause: error }));
    }
    if (isStrange) {
      const said = error.cause instanceof Error ? ` (it said: ${cut(error.cause.message, 80)})` : "";
      throw tellingWhatToDo(
        new TransientError(
          `${doing}: something answers there, but it is not ClickHouse's HTTP interface${said}: check host and port, and clickhouse.https`,
          { cause: error.cause },
        ),
      );
    }
    throw error;
  }
}

/** Of an address with http, whether TLS is what its port wants. */
async function expectsTls(url: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url);
  return protocol === "http:" && (await speaksTls(hostname.replaceAll(/^\[|\]$/g, ""), parseInt(port || "80", 10)));
}

function createClickHouse(
  target: ClickHouseTarget,
  link: Link,
  version: string,
  settings: ServerSettings,
  send: ClickHouseSettings,
): ClickHouse {
  const database = target.database ?? DATABASE_DEFAULT;
  // Over HTTP the connection is what ends; a profile may well forbid to change this one.
  const within =
    target.kind === "http"
      ? ""
      : ` SETTINGS max_execution_time = ${Math.ceil((target.insertMs ?? TIMEOUTS_DEFAULT.insertMs) / 1_000)}`;
  return {
    transport: link.transport,
    database,
    settings,
    query: (sql, params, signal) => link.query(sql, params, send, signal),
    command: (sql, params, signal) => link.command(sql, params, send, signal),
    raw: (sql, format, signal) => link.raw(sql, format, send, signal),
    insertEncoded: (table, columns, encoded, signal) => {
      const names = columns.map(quoteIdentifier).join(", ");
      const into = `INSERT INTO ${quoteIdentifier(database)}.${quoteIdentifier(table)} (${names})`;
      return link.scratchPath !== undefined && isBinary(encoded)
        ? insertFromFile(link, link.scratchPath, into, within, encoded, send, signal)
        : link.send(`${into}${within} FORMAT ${encoded.format}`, piecesOf(encoded), send, signal);
    },
    serverVersion: () => version,
    [Symbol.asyncDispose]: () => link.close(),
  };
}

/**
 * chDB takes only text inside a statement, yet reads every format from a file, and Native costs it a third of what text
 * costs: 550,000 bars a second against 200,000, and one encoder serves both transports. The file goes away as soon as the
 * engine has answered; after an abort the engine may still run, but then nothing was promised.
 */
async function insertFromFile(
  link: Link,
  scratchPath: string,
  into: string,
  within: string,
  encoded: EncodedRows,
  settings: ClickHouseSettings,
  signal: AbortSignal,
): Promise<void> {
  const file = join(scratchPath, `${randomUUID()}.bin`);
  try {
    await writeFile(file, piecesOf(encoded), { signal });
    await link.command(
      `${into} FROM INFILE ${quoteString(file)}${within} FORMAT ${encoded.format}`,
      {},
      settings,
      signal,
    );
  } finally {
    await rm(file, { force: true });
  }
}

function isBinary(encoded: EncodedRows): boolean {
  return encoded.format === "Native" || encoded.format === "RowBinary";
}

async function openEmbedded(target: EmbeddedTarget): Promise<Link> {
  const { connection, drain } = await openEmbeddedConnection(target.path);
  const scratchPath = await makeScratch(target.path);
  const client = createClient({ connection, log: { level: ClickHouseLogLevel.OFF } });
  const sendBody = sendByClient(client);
  // What the engine has begun it ends, and asked again meanwhile it would only have more to do.
  return createLink({ transport: "embedded", client, scratchPath, sendBody, requestMs: undefined, closeRest: drain });
}

/** A process that was killed leaves its folder behind; only one process holds `path`, so what is not ours is nobody's. */
async function makeScratch(path: string): Promise<string> {
  const all = join(path, ".scratch");
  await mkdir(all, { recursive: true });
  for (const name of await readdir(all)) {
    if (name !== SCRATCH_NAME) {
      await rm(join(all, name), { recursive: true, force: true });
    }
  }
  const own = join(all, SCRATCH_NAME);
  await mkdir(own, { recursive: true });
  return own;
}

function openHttp(target: HttpTarget): Link {
  const { requestMs, insertMs } = target.timeouts ?? TIMEOUTS_DEFAULT;
  const connectionsMax = target.maxOpenConnections ?? CONNECTIONS_DEFAULT;
  const { url, user, password, tls } = target;
  const client = createClient({
    url,
    username: user,
    password,
    request_timeout: requestMs,
    max_open_connections: connectionsMax,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS, eagerly_destroy_stale_sockets: true },
    log: { level: ClickHouseLogLevel.OFF },
    use_multipart_params_auto: true,
    ...(tls === undefined ? {} : { tls: { ca_cert: tls.ca, ...tls.client } }),
  });
  const inserter = openHttpInserter({
    url,
    user,
    password,
    requestMs,
    insertMs,
    connectionsMax,
    tls: tls === undefined ? undefined : { ca: tls.ca, ...tls.client },
  });
  return createLink({
    transport: "http",
    client,
    scratchPath: undefined,
    requestMs,
    sendBody: (sql, body, settings, signal) => inserter.send(sql, body, toTexts(settings), signal),
    closeRest: () => {
      inserter.close();
      return Promise.resolve();
    },
  });
}

function toTexts(settings: ClickHouseSettings): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
}
