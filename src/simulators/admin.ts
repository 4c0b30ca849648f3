import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";

import { describeError } from "../base/errors.ts";

/** What may be asked of a simulator while it runs. */
export interface Administered {
  readonly requests: readonly object[];
  /** Takes an order of a fault as it came; throws on one that is none. */
  orderFault(order: unknown): void;
  clearFaults(): void;
  clearRequests(): void;
}

/** What a simulator shows beside its requests, by path: `/_sim/summary`. Throws on a query that it cannot read. */
export type AdminPages = Readonly<Record<string, (query: URLSearchParams) => object>>;

const ADMIN = /^(?:GET|POST|DELETE) \/_sim\//;

/** Whether a connection that begins so is not for the protocol but for the paths below `/_sim/`. */
export function isForAdmin(first: Buffer): boolean {
  return ADMIN.test(first.subarray(0, 32).toString("latin1"));
}

/**
 * Hands a connection to the protocol or, where it begins with a request for `/_sim/`, to the administration: whoever
 * watches a simulator needs no second port. The admin server listens nowhere.
 */
export function meetConnection(socket: Socket, admin: Server, serve: () => void): void {
  socket.once("readable", () => {
    const first: unknown = socket.read();
    if (!(first instanceof Buffer)) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    if (isForAdmin(first)) {
      admin.emit("connection", socket);
    } else {
      serve();
    }
  });
}

export function createAdmin(simulator: Administered, pages: AdminPages = {}): Server {
  return createServer({ keepAlive: false }, (request, response) => {
    void handleAdmin(request, response, simulator, pages);
  });
}

/** Whether a request is for the admin server; if so, it has it. For simulators that speak HTTP themselves. */
export function passToAdmin(admin: Server, request: IncomingMessage, response: ServerResponse): boolean {
  const isForIt = request.url?.startsWith("/_sim/") === true;
  if (isForIt) {
    admin.emit("request", request, response);
  }
  return isForIt;
}

/** Never rejects. */
async function handleAdmin(
  request: IncomingMessage,
  response: ServerResponse,
  simulator: Administered,
  pages: AdminPages,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const route = `${request.method ?? ""} ${pathname}`;
  const page = request.method === "GET" && Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
  try {
    if (page !== undefined) {
      sendJson(response, 200, page(searchParams));
      return;
    }
    switch (route) {
      case "GET /_sim/requests":
        sendJson(response, 200, { requests: simulator.requests });
        return;
      case "POST /_sim/faults":
        simulator.orderFault(JSON.parse(await text(request)));
        break;
      case "DELETE /_sim/faults":
        simulator.clearFaults();
        break;
      case "DELETE /_sim/requests":
        simulator.clearRequests();
        break;
      default:
        sendJson(response, 404, { error: `no such path: ${route}` });
        return;
    }
    sendJson(response, 200, {});
  } catch (error) {
    sendJson(response, 400, { error: describeError(error) });
  }
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", connection: "close" });
  response.end(JSON.stringify(value));
}
