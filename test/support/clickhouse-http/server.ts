import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { sendError, sendResult, type AnswerContext } from "./answer.ts";
import { openBody } from "./body.ts";
import { Engine, type EngineFacts } from "./engine.ts";
import { EngineError, toEngineError } from "./engine-error.ts";
import { FaultDesk, faultSchema, type Fault } from "./faults.ts";
import { readQuery, type ReadQuery } from "./query.ts";
import { authenticate, serverUserSchema, type ServerUser } from "./users.ts";

export const serverOptionsSchema = z.object({
  port: z.int(),
  dataFolder: z.string(),
  /** Where the data of inserts lie until the engine has read them. */
  exchangeFolder: z.string(),
  users: z.array(serverUserSchema).readonly(),
});
export type ServerOptions = Readonly<z.infer<typeof serverOptionsSchema>>;

/** Below this path stand the orders of the tests; a real server has nothing there. */
export const RIG_PATH = "/rig/";

interface Parts {
  readonly engine: Engine;
  readonly facts: EngineFacts;
  readonly desk: FaultDesk;
  readonly options: ServerOptions;
}

/**
 * A test server that speaks ClickHouse's HTTP interface over the real engine (chDB). It is not ClickHouse's own HTTP
 * code: an answer is sent when it is complete (so an error always has its status and never ends a half-sent body),
 * users are a list, and there is no query log, no cancelling of a query whose client left and no block compression.
 */
export async function openServer(options: ServerOptions): Promise<{ server: Server; engine: Engine }> {
  const engine = new Engine(options.dataFolder);
  const parts: Parts = { engine, facts: await engine.facts(), desk: new FaultDesk(), options };
  const server = createServer((request, response) => {
    answer(request, response, parts).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return { server, engine };
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.startsWith(RIG_PATH)) {
    await takeOrder(request, response, url, parts.desk);
  } else if (url.pathname === "/ping" || url.pathname === "/replicas_status") {
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
  { engine, facts, desk, options }: Parts,
): Promise<void> {
  const startedMs = performance.now();
  const body = openBody(request);
  const isCompressed =
    (params.get("enable_http_compression") ?? (facts.isCompressionDefault ? "1" : "0")) === "1" ||
    params.get("enable_http_compression") === "true";
  let context: AnswerContext = {
    queryId: params.get("query_id") ?? randomUUID(),
    format: "TabSeparated",
    timezone: params.get("session_timezone") ?? facts.timezone,
    version: facts.version,
    isInsert: false,
    acceptEncoding: isCompressed ? (request.headers["accept-encoding"] ?? "") : "",
  };
  let id: number | undefined;
  let user: ServerUser | undefined;
  let query: ReadQuery | undefined;
  try {
    user = authenticate(request, params, options.users);
    query = await readQuery(request, params, body, user, options.exchangeFolder);
    context = { ...context, format: query.format, isInsert: query.dataFile !== undefined };
    const { text, isInsert } = query;
    id = desk.begin({ method: request.method ?? "", query: text, user: user.name, isInsert });
    desk.update(id, { bytes: body.wireBytes() });
    const fault = desk.take(text, isInsert);
    if (fault !== undefined && (fault.kind === "hang" || fault.kind === "refuse")) {
      await refuseOrHang(fault, response, desk, id);
      return;
    }
    const answer = await engine.run(query.engineQuery);
    desk.update(id, { rows: answer.rowsRead, ms: performance.now() - startedMs });
    if (fault?.kind === "drop-answer") {
      desk.update(id, { state: "dropped" });
      response.destroy();
      return;
    }
    if (fault?.kind === "hold-answer") {
      desk.update(id, { state: "held" });
      await desk.released;
    }
    sendResult(response, answer, context);
    desk.update(id, { state: "answered" });
  } catch (error) {
    // A body that was not read would be taken for the next request.
    request.resume();
    const failure = withGrants(toEngineError(error), user);
    if (id !== undefined) {
      const state = failure instanceof RefusedError ? "refused" : "answered";
      desk.update(id, { state, code: failure.code, ms: performance.now() - startedMs });
    }
    sendError(response, failure, context);
  } finally {
    if (query?.dataFile !== undefined) {
      await rm(query.dataFile, { force: true });
    }
  }
}

class RefusedError extends EngineError {}

async function refuseOrHang(
  fault: Extract<Fault, { kind: "hang" | "refuse" }>,
  response: ServerResponse,
  desk: FaultDesk,
  id: number,
): Promise<void> {
  if (fault.kind === "refuse") {
    const text = fault.text.startsWith("Code:") ? fault.text : `Code: ${fault.code}. DB::Exception: ${fault.text}`;
    throw new RefusedError(fault.code, text);
  }
  desk.update(id, { state: "hung" });
  await desk.released;
  response.destroy();
}

/** A user without the grant hears so where the engine, which has no users here, says that it is read-only. */
function withGrants(error: EngineError, user: ServerUser | undefined): EngineError {
  if (error.code !== 164 || user?.may !== "read-by-grants") {
    return error;
  }
  const text = `${user.name}: Not enough privileges. To execute this query, it's necessary to have the grant for it.`;
  return new EngineError(497, `Code: 497. DB::Exception: ${text} (ACCESS_DENIED)`);
}

/** `POST /rig/faults` orders one, `POST /rig/release` ends what hangs, `GET /rig/requests?match=` tells what was asked. */
async function takeOrder(request: IncomingMessage, response: ServerResponse, url: URL, desk: FaultDesk): Promise<void> {
  const body = await openBody(request).read();
  switch (url.pathname.slice(RIG_PATH.length)) {
    case "faults":
      desk.order(faultSchema.parse(JSON.parse(body.toString())));
      sendText(response, 200, "Ok.\n");
      break;
    case "release":
      desk.release();
      // What hung ends before the order is answered.
      await sleep(0);
      sendText(response, 200, "Ok.\n");
      break;
    case "requests":
      sendText(response, 200, JSON.stringify(desk.records(url.searchParams.get("match") ?? "")));
      break;
    default:
      sendText(response, 404, "no such order\n");
  }
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=UTF-8" });
  response.end(text);
}
