import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import path from "node:path";

import type { Body } from "./body.ts";
import type { EngineQuery } from "./engine.ts";
import { EngineError } from "./engine-error.ts";
import { scanStatement, withInfile, type Statement } from "./statement.ts";
import type { SessionWish } from "./sessions.ts";
import type { StoreUser } from "./users.ts";

/** What a server reads itself; every other parameter of the URL is a setting, and the engine knows whether it exists. */
const RESERVED = new Set([
  "query",
  "database",
  "default_format",
  "query_id",
  "session_id",
  "session_timeout",
  "session_check",
  "close_session",
  "user",
  "password",
  "quota_key",
  "role",
  "stacktrace",
  "buffer_size",
  "wait_end_of_query",
  "compress",
  "decompress",
  "client_protocol_version",
]);

export interface ReadQuery {
  /** The statement without its data, for matching and for the log. */
  readonly text: string;
  readonly isInsert: boolean;
  readonly format: string;
  readonly engineQuery: EngineQuery;
  /** The file that holds the data, to be removed after; undefined when there are none. */
  readonly dataFile: string | undefined;
}

/** Puts the statement together from URL and body; the bytes of a data insert go to a file, whatever their format. */
export async function readQuery(
  request: IncomingMessage,
  inUrl: URLSearchParams,
  body: Body,
  user: StoreUser,
  exchangeFolder: string,
): Promise<ReadQuery> {
  refuseUnsupported(inUrl);
  const form = isForm(request) ? await readForm(request, body) : undefined;
  const params = form === undefined ? inUrl : new URLSearchParams([...inUrl, ...form]);
  const format = params.get("default_format") ?? header(request, "x-clickhouse-format") ?? "TabSeparated";
  const fromUrl = params.get("query")?.trim() ?? "";
  // Positions are bytes: everything a scan looks for is ASCII.
  let text = Buffer.from(fromUrl === "" ? "" : `${fromUrl}\n`).toString("latin1");
  let statement = scanStatement(text);
  const dataFile = path.join(exchangeFolder, `${randomUUID()}.bin`);
  let hasData = false;
  if (statement.isDataInsert && form !== undefined) {
    throw notImplemented("inserts whose parameters come in a form");
  }
  if (statement.isDataInsert) {
    await body.write(dataFile, Buffer.from(text.slice(statement.end), "latin1"));
    hasData = true;
  } else {
    const rest = form === undefined ? await body.read() : Buffer.alloc(0);
    text += rest.toString("latin1");
    statement = scanStatement(text);
    if (statement.isDataInsert) {
      await writeFile(dataFile, Buffer.from(text.slice(statement.end), "latin1"));
      hasData = true;
    }
  }
  refuseTwo(text, statement);
  const sql = hasData ? withInfile(text, statement, dataFile) : text;
  return {
    text: utf8(text.slice(0, statement.end)),
    isInsert: statement.isInsert,
    format: statement.isInsert ? format : (statement.format ?? format),
    dataFile: hasData ? dataFile : undefined,
    engineQuery: {
      sql: utf8(sql),
      format: statement.isInsert ? format : (statement.format ?? format),
      database: params.get("database") ?? header(request, "x-clickhouse-database"),
      params: named(params, (name) => (name.startsWith("param_") ? name.slice("param_".length) : undefined)),
      settings: named(params, (name) => (RESERVED.has(name) || name.startsWith("param_") ? undefined : name)),
      readonly: readonlyOf(request, user),
      session: sessionOf(params),
      isCancellable: /^\s*(?:SELECT|WITH)\b/i.test(text),
    },
  };
}

function readonlyOf(request: IncomingMessage, user: StoreUser): 0 | 1 | 2 {
  if (user.may === "read-by-profile") {
    return 1;
  }
  // A GET changes nothing, and yet its settings hold.
  return user.may === "read-by-grants" || request.method !== "POST" ? 2 : 0;
}

const SESSION_SECONDS_DEFAULT = 60;
const SESSION_SECONDS_MAX = 3_600;

function sessionOf(params: URLSearchParams): SessionWish | undefined {
  const id = params.get("session_id");
  if (id === null || id === "") {
    return undefined;
  }
  const seconds = params.get("session_timeout") ?? `${SESSION_SECONDS_DEFAULT}`;
  if (!/^\d{1,9}$/.test(seconds) || parseInt(seconds, 10) > SESSION_SECONDS_MAX) {
    throw new EngineError(
      374,
      `Code: 374. DB::Exception: Invalid session timeout: '${seconds}', the most is ${SESSION_SECONDS_MAX} seconds. (INVALID_SESSION_TIMEOUT)`,
    );
  }
  return {
    id,
    timeoutMs: parseInt(seconds, 10) * 1_000,
    mustExist: params.get("session_check") === "1",
    isLast: params.get("close_session") === "1",
  };
}

function isForm(request: IncomingMessage): boolean {
  return (request.headers["content-type"] ?? "").startsWith("multipart/form-data");
}

/** Clients put parameters that are too long for a URL into a form. */
async function readForm(request: IncomingMessage, body: Body): Promise<URLSearchParams> {
  const answer = new Response(await body.read(), {
    headers: { "content-type": request.headers["content-type"] ?? "" },
  });
  const fields = new URLSearchParams();
  for (const [name, value] of await answer.formData()) {
    if (typeof value !== "string") {
      throw notImplemented("external tables in a form");
    }
    fields.append(name, value);
  }
  return fields;
}

function refuseUnsupported(params: URLSearchParams): void {
  if (params.get("compress") === "1" || params.get("decompress") === "1") {
    throw notImplemented("ClickHouse's own block compression");
  }
}

function refuseTwo(text: string, { secondAt }: Statement): void {
  if (secondAt !== undefined) {
    throw new EngineError(
      62,
      `Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed): failed at position ${secondAt}: ${utf8(text.slice(secondAt, secondAt + 60))}. (SYNTAX_ERROR)`,
    );
  }
}

function notImplemented(what: string): EngineError {
  return new EngineError(48, `Code: 48. DB::Exception: The embedded store has no ${what}. (NOT_IMPLEMENTED)`);
}

/** The parameters that `rename` keeps, under the names it gives; a name must be a plain word. */
function named(params: URLSearchParams, rename: (name: string) => string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of params) {
    const kept = rename(name);
    if (kept !== undefined) {
      if (!/^\w+$/.test(kept)) {
        throw new EngineError(115, `Code: 115. DB::Exception: Unknown setting '${kept}'. (UNKNOWN_SETTING)`);
      }
      found.set(kept, value);
    }
  }
  return found;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString();
}
