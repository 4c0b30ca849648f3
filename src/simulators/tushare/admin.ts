import type { IncomingMessage, ServerResponse } from "node:http";

import { z } from "zod";

import { describeError } from "../../base/errors.ts";
import { faultOrderSchema, type FaultPlan } from "./faults.ts";
import type { RequestLog } from "./request-log.ts";
import { readText } from "./respond.ts";

/** The simulator's own paths below `/_sim/`, no part of Tushare's protocol. Never rejects. */
export async function handleAdmin(
  request: IncomingMessage,
  response: ServerResponse,
  log: RequestLog,
  faults: FaultPlan,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const route = `${request.method ?? ""} ${pathname}`;
  try {
    if (route === "GET /_sim/requests") {
      sendJson(response, 200, { requests: log.requests });
    } else if (route === "GET /_sim/summary") {
      sendJson(response, 200, summarize(log, windowMsSchema.parse(searchParams.get("windowMs") ?? undefined)));
    } else if (route === "DELETE /_sim/requests") {
      log.clear();
      sendJson(response, 200, {});
    } else if (route === "POST /_sim/faults") {
      const { fault, ...match } = faultOrderSchema.parse(
        JSON.parse(await readText(request, AbortSignal.timeout(5_000))),
      );
      faults.order(fault, match);
      sendJson(response, 200, {});
    } else if (route === "DELETE /_sim/faults") {
      faults.clear();
      sendJson(response, 200, {});
    } else {
      sendJson(response, 404, { error: `no such path: ${route}` });
    }
  } catch (error) {
    sendJson(response, 400, { error: describeError(error) });
  }
}

const windowMsSchema = z.coerce.number().positive().default(60_000);

function summarize(log: RequestLog, windowMs: number): object {
  const callsByApi = Object.fromEntries(
    [...Map.groupBy(log.requests, ({ api }) => api)].map(([api, requests]) => [api, requests.length]),
  );
  return {
    calls: log.requests.length,
    callsByApi,
    rateLimited: log.requests.filter(({ isRateLimited }) => isRateLimited).length,
    windowMs,
    maxCallsInAnyWindow: log.maxCallsInAnyWindow(windowMs),
  };
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}
