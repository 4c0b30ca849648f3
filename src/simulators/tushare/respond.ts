import type { IncomingMessage, ServerResponse } from "node:http";

import type { Clock } from "../../base/clock.ts";
import { readText, resetAfter } from "../serve-http.ts";
import type { Answer } from "./answer-call.ts";

export interface RespondParts {
  readonly answer: (requestBody: string) => Answer;
  readonly clock: Clock;
  readonly latencyMs: number;
  /** Aborts when the client hangs up or the simulator closes. */
  readonly signal: AbortSignal;
}

/** Speaks HTTP for one call: paths, methods, latency, and the faults that befall the connection. */
export async function respond(request: IncomingMessage, response: ServerResponse, parts: RespondParts): Promise<void> {
  if (!isKnownPath(request.url ?? "/")) {
    send(response, 404, "text/html", "<html><body><h1>404 Not Found</h1></body></html>");
  } else if (request.method !== "POST") {
    send(response, 405, "text/plain; charset=utf-8", "抱歉, 不合法的请求，(HTTP 405: Method Not Allowed)！");
  } else {
    await sendAnswer(await readText(request, BODY_BYTES_MAX, parts.signal), response, parts);
  }
}

const BODY_BYTES_MAX = 1_048_576;
const JSON_HEADERS = { "content-type": "application/json; charset=utf-8" } as const;

function isKnownPath(url: string): boolean {
  return /^\/(?:dataapi(?:\/[A-Za-z0-9_]*)?)?(?:\?.*)?$/.test(url);
}

async function sendAnswer(
  requestBody: string,
  response: ServerResponse,
  { answer, clock, latencyMs, signal }: RespondParts,
): Promise<void> {
  const startedMs = clock.elapsedMs();
  const { body, fault, entry } = answer(requestBody);
  const waitMs = latencyMs + (fault?.kind === "slow" ? fault.ms : 0);
  if (waitMs > 0) {
    await clock.sleep(waitMs, signal);
  }
  if (fault?.kind === "reset") {
    entry.code = undefined;
    resetAfter(response, { status: 200, headers: JSON_HEADERS }, Buffer.from(body), fault.afterBytes);
  } else if (fault?.kind === "gateway") {
    entry.code = undefined;
    send(response, fault.status, "text/html", gatewayPage(fault.status));
  } else if (fault?.kind === "garbage") {
    entry.code = undefined;
    send(response, 200, "text/html", fault.body);
  } else {
    send(response, 200, JSON_HEADERS["content-type"], body);
  }
  entry.latencyMs = Math.round(clock.elapsedMs() - startedMs);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "content-type": contentType, "content-length": bytes.length });
  response.end(bytes);
}

function gatewayPage(status: number): string {
  return `<html>\r\n<head><title>${status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
}
