import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { describeError } from "../../base/errors.ts";
import { faultOrderSchema, type Fault, type FaultMatch } from "./faults.ts";
import type { SimulatedRequest } from "./request-log.ts";

/** What may be done to a simulator while it runs. */
export interface Administered {
  readonly requests: readonly SimulatedRequest[];
  injectFault(fault: Fault, match?: FaultMatch): void;
  clearFaults(): void;
  clearRequests(): void;
}

/** How a connection begins that is not for the protocol but for the paths below `/_sim/`. */
const ADMIN = /^(?:GET|POST|DELETE) \/_sim\//;

export function isForAdmin(first: Buffer): boolean {
  return ADMIN.test(first.subarray(0, 32).toString("latin1"));
}

/** Listens nowhere: it is handed the connections that are for it, each for one request. */
export function createAdmin(simulator: Administered): Server {
  return createServer({ keepAlive: false }, (request, response) => {
    void handleAdmin(request, response, simulator);
  });
}

/** Never rejects. */
async function handleAdmin(request: IncomingMessage, response: ServerResponse, simulator: Administered): Promise<void> {
  const route = `${request.method ?? ""} ${new URL(request.url ?? "/", "http://127.0.0.1").pathname}`;
  try {
    if (route === "GET /_sim/requests") {
      sendJson(response, 200, { requests: simulator.requests });
    } else if (route === "DELETE /_sim/requests") {
      simulator.clearRequests();
      sendJson(response, 200, {});
    } else if (route === "POST /_sim/faults") {
      const { fault, ...match } = faultOrderSchema.parse(JSON.parse(await text(request)));
      simulator.injectFault(fault, match);
      sendJson(response, 200, {});
    } else if (route === "DELETE /_sim/faults") {
      simulator.clearFaults();
      sendJson(response, 200, {});
    } else {
      sendJson(response, 404, { error: `no such path: ${route}` });
    }
  } catch (error) {
    sendJson(response, 400, { error: describeError(error) });
  }
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", connection: "close" });
  response.end(JSON.stringify(value));
}
