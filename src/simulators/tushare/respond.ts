import type { IncomingMessage, ServerResponse } from "node:http";

import type { Clock } from "../../base/clock.ts";
import type { Answer } from "./answer-call.ts";

export interface RespondParts {
  readonly answer: (requestBody: string) => Answer;
  readonly clock: Clock;
  readonly latencyMs: number;
  /** Aborts when the simulator closes. */
  readonly signal: AbortSignal;
}

/** Speaks HTTP for one call: paths, methods, latency, and the faults that befall the connection. Never rejects. */
export async function respond(request: IncomingMessage, response: ServerResponse, parts: RespondParts): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  const signal = AbortSignal.any([parts.signal, gone.signal]);
  try {
    if (!isKnownPath(request.url ?? "/")) {
      send(response, 404, "text/html", "<html><body><h1>404 Not Found</h1></body></html>");
    } else if (request.method !== "POST") {
      send(response, 405, "text/plain; charset=utf-8", "抱歉, 不合法的请求，(HTTP 405: Method Not Allowed)！");
    } else {
      await sendAnswer(await readText(request, signal), response, parts, signal);
    }
  } catch (error) {
    // Whoever hung up or closed the simulator gets no answer; anything else is a defect and is shown as the server shows its own.
    if (signal.aborted || request.destroyed) {
      response.destroy();
    } else {
      send(response, 500, "text/plain; charset=utf-8", error instanceof Error ? (error.stack ?? error.message) : "");
    }
  }
}

const BODY_BYTES_MAX = 1_048_576;

export async function readText(request: IncomingMessage, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    if (!Buffer.isBuffer(part)) {
      continue;
    }
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new RangeError(`reading a request: its body is longer than ${BODY_BYTES_MAX} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function isKnownPath(url: string): boolean {
  return /^\/(?:dataapi(?:\/[A-Za-z0-9_]*)?)?(?:\?.*)?$/.test(url);
}

async function sendAnswer(
  requestBody: string,
  response: ServerResponse,
  { answer, clock, latencyMs }: RespondParts,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = clock.elapsedMs();
  const { body, fault, entry } = answer(requestBody);
  const waitMs = latencyMs + (fault?.kind === "slow" ? fault.ms : 0);
  if (waitMs > 0) {
    await clock.sleep(waitMs, signal);
  }
  if (fault?.kind === "reset") {
    entry.code = undefined;
    reset(response, body, fault.afterBytes);
  } else if (fault?.kind === "gateway") {
    entry.code = undefined;
    send(response, fault.status, "text/html", gatewayPage(fault.status));
  } else if (fault?.kind === "garbage") {
    entry.code = undefined;
    send(response, 200, "text/html", fault.body);
  } else {
    send(response, 200, "application/json; charset=utf-8", body);
  }
  entry.latencyMs = Math.round(clock.elapsedMs() - startedMs);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "content-type": contentType, "content-length": bytes.length });
  response.end(bytes);
}

/** Sends the head and some bytes of the body, then resets the connection; with 0 bytes not even the head. */
function reset(response: ServerResponse, body: string, afterBytes: number): void {
  const bytes = Buffer.from(body);
  const { socket } = response;
  if (afterBytes === 0) {
    socket?.resetAndDestroy();
    return;
  }
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": bytes.length });
  // At least one byte stays unsent: a reset after the last one would be a whole answer.
  response.write(bytes.subarray(0, Math.min(afterBytes, bytes.length - 1)), () => {
    socket?.resetAndDestroy();
  });
}

function gatewayPage(status: number): string {
  return `<html>\r\n<head><title>${status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
}
