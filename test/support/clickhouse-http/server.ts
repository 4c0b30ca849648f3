import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { openBody } from "../../../src/store/clickhouse/serve/body.ts";
import { Engine } from "../../../src/store/clickhouse/serve/engine.ts";
import { EngineError } from "../../../src/store/clickhouse/serve/engine-error.ts";
import {
  answerStoreRequest,
  type QueryObserver,
  sendText,
  type StoreHandlerParts,
} from "../../../src/store/clickhouse/serve/handler.ts";
import { STORE_RIGHTS } from "../../../src/store/clickhouse/serve/users.ts";
import { FaultDesk, faultSchema } from "./faults.ts";

export const serverOptionsSchema = z.object({
  port: z.int(),
  dataFolder: z.string(),
  /** Where the data of inserts lie until the engine has read them. */
  exchangeFolder: z.string(),
  users: z.array(z.object({ name: z.string(), password: z.string(), may: z.enum(STORE_RIGHTS) })).readonly(),
});
export type ServerOptions = Readonly<z.infer<typeof serverOptionsSchema>>;

/** Below this path stand the orders of the tests; a real server has nothing there. */
export const RIG_PATH = "/rig/";

/** A test server: ClickHouse's HTTP interface over the real engine, as the embedded worker serves it, and faults on demand. */
export async function openServer(options: ServerOptions): Promise<{ server: Server; engine: Engine }> {
  const engine = new Engine(options.dataFolder);
  const desk = new FaultDesk();
  const { users, exchangeFolder } = options;
  const parts: StoreHandlerParts = {
    engine,
    facts: await engine.facts(),
    users,
    exchangeFolder,
    observer: observe(desk),
  };
  const server = createServer((request, response) => {
    answer(request, response, parts, desk).catch((error: unknown) => {
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  parts: StoreHandlerParts,
  desk: FaultDesk,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.startsWith(RIG_PATH)) {
    await takeOrder(request, response, url, desk);
  } else {
    await answerStoreRequest(request, response, parts);
  }
}

/** Meets the orders of the tests, and keeps the log of what was asked. */
function observe(desk: FaultDesk): QueryObserver {
  return {
    begin: async ({ method, text, user, isInsert, wireBytes }) => {
      const id = desk.begin({ method, query: text, user, isInsert });
      desk.update(id, { bytes: wireBytes });
      const fault = desk.take(text, isInsert, wireBytes);
      if (fault?.kind === "reset") {
        desk.update(id, { state: "reset" });
        return "close";
      }
      if (fault?.kind === "hang") {
        desk.update(id, { state: "hung" });
        await desk.released;
        return "close";
      }
      if (fault?.kind === "refuse") {
        const words = fault.text.startsWith("Code:") ? fault.text : `Code: ${fault.code}. DB::Exception: ${fault.text}`;
        desk.update(id, { state: "refused", code: fault.code });
        throw new EngineError(fault.code, words);
      }
      return {
        ran: async ({ rowsRead }, ms) => {
          desk.update(id, { rows: rowsRead, ms });
          if (fault?.kind === "drop-answer") {
            desk.update(id, { state: "dropped" });
            return false;
          }
          if (fault?.kind === "hold-answer") {
            desk.update(id, { state: "held" });
            await desk.released;
          }
          return true;
        },
        answered: () => desk.update(id, { state: "answered" }),
        failed: ({ code }, ms) => desk.update(id, { state: "answered", code, ms }),
      };
    },
  };
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
