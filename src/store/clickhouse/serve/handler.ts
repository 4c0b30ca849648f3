import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";

import { sendError, sendResult, type AnswerContext } from "./answer.ts";
import { openBody } from "./body.ts";
import type { Engine, EngineAnswer, EngineFacts } from "./engine.ts";
import { EngineError, toEngineError } from "./engine-error.ts";
import { readQuery, type ReadQuery } from "./query.ts";
import { authenticate, type StoreUser } from "./users.ts";

/** Looks over the shoulder of every query. Tests use it to make a server do wrong on demand. */
export interface QueryObserver {
  /** Before the statement runs. What it throws is answered, `close` ends the connection; then nothing runs. */
  begin(query: ObservedQuery): Promise<ObservedRun | "close">;
}

export interface ObservedQuery {
  readonly method: string;
  /** Without the data of an insert. */
  readonly text: string;
  readonly user: string;
  readonly isInsert: boolean;
  /** Of the request's body as it came. */
  readonly wireBytes: number;
}

export interface ObservedRun {
  /** The statement ran. Resolving with false closes the connection without an answer. */
  ran(answer: EngineAnswer, ms: number): Promise<boolean>;
  answered(): void;
  failed(error: EngineError, ms: number): void;
}

export interface StoreHandlerParts {
  readonly engine: Engine;
  readonly facts: EngineFacts;
  readonly users: readonly StoreUser[];
  /** Where the data of inserts lie until the engine has read them. */
  readonly exchangeFolder: string;
  readonly observer?: QueryObserver;
}

/**
 * ClickHouse's HTTP interface over the engine of this process, as clients of ClickHouse speak it. It is not ClickHouse's
 * own HTTP code: an answer is sent when it is complete (so an error always has its status and never ends a half-sent
 * body), users are a list, and there is no query log and no block compression.
 */
export async function answerStoreRequest(
  request: IncomingMessage,
  response: ServerResponse,
  parts: StoreHandlerParts,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/ping" || url.pathname === "/replicas_status") {
    sendText(response, 200, "Ok.\n");
  } else if (url.pathname !== "/") {
    sendText(response, 404, `There is no handle ${url.pathname}\n\nUse / or /ping for health checks.\n`);
  } else if (request.method !== "POST" && !url.searchParams.has("query")) {
    sendText(response, 200, "Ok.\n");
  } else {
    await answerQuery(request, response, url.searchParams, parts);
  }
}

async function answerQuery(
  request: IncomingMessage,
  response: ServerResponse,
  params: URLSearchParams,
  { engine, facts, users, exchangeFolder, observer }: StoreHandlerParts,
): Promise<void> {
  const startedMs = performance.now();
  const body = openBody(request);
  let context: AnswerContext = {
    queryId: params.get("query_id") ?? randomUUID(),
    format: "TabSeparated",
    timezone: params.get("session_timezone") ?? facts.timezone,
    version: facts.version,
    isInsert: false,
    acceptEncoding: wantsCompression(params, facts) ? (request.headers["accept-encoding"] ?? "") : "",
  };
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("the client left")));
  let run: ObservedRun | undefined;
  let user: StoreUser | undefined;
  let query: ReadQuery | undefined;
  try {
    user = authenticate(request, params, users);
    query = await readQuery(request, params, body, user, exchangeFolder);
    const { text, isInsert } = query;
    context = { ...context, format: query.format, isInsert: query.dataFile !== undefined };
    const method = request.method ?? "";
    const begun = await observer?.begin({ method, text, user: user.name, isInsert, wireBytes: body.wireBytes() });
    if (begun === "close") {
      response.destroy();
      return;
    }
    run = begun;
    const answer = await engine.run(query.engineQuery, gone.signal);
    if ((await run?.ran(answer, performance.now() - startedMs)) === false) {
      response.destroy();
      return;
    }
    await sendResult(response, answer, context);
    run?.answered();
  } catch (error) {
    // A body that was not read would be taken for the next request.
    request.resume();
    const failure = withGrants(toEngineError(error), user);
    run?.failed(failure, performance.now() - startedMs);
    await sendError(response, failure, context);
  } finally {
    if (query?.dataFile !== undefined) {
      await rm(query.dataFile, { force: true });
    }
  }
}

function wantsCompression(params: URLSearchParams, facts: EngineFacts): boolean {
  const asked = params.get("enable_http_compression") ?? (facts.isCompressionDefault ? "1" : "0");
  return asked === "1" || asked === "true";
}

/** A user without the grant hears so where the engine, which has no users here, says that it is read-only. */
function withGrants(error: EngineError, user: StoreUser | undefined): EngineError {
  if (error.code !== 164 || user?.may !== "read-by-grants") {
    return error;
  }
  const text = `${user.name}: Not enough privileges. To execute this query, it's necessary to have the grant for it.`;
  return new EngineError(497, `Code: 497. DB::Exception: ${text} (ACCESS_DENIED)`);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=UTF-8" });
  response.end(text);
}
