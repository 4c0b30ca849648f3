import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { passToAdmin } from "./admin.ts";
import { closeServer, HOST, listen } from "./listen.ts";

export interface HttpParts {
  /** 0, the default, takes a free one. */
  readonly port: number | undefined;
  /** Gets what is asked below `/_sim/`. */
  readonly admin: Server;
  /**
   * Answers one request. The signal aborts when the client hangs up or the simulator closes; what is thrown before is a
   * defect, and shown to the client.
   */
  readonly respond: (request: IncomingMessage, response: ServerResponse, signal: AbortSignal) => Promise<void>;
}

export interface HttpServing extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
}

/** Serves until it is disposed of, which drops every connection. */
export async function serveHttp({ port: asked, admin, respond }: HttpParts): Promise<HttpServing> {
  const closing = new AbortController();
  const server = createServer((request, response) => {
    if (!passToAdmin(admin, request, response)) {
      void guard(request, response, closing.signal, respond);
    }
  });
  const port = await listen(server, asked);
  return {
    url: `http://${HOST}:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await closeServer(server, () => {
        server.closeAllConnections();
      });
    },
  };
}

/** Never rejects. */
async function guard(
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
  respond: HttpParts["respond"],
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  const signal = AbortSignal.any([closing, gone.signal]);
  try {
    await respond(request, response, signal);
  } catch (error) {
    if (signal.aborted || response.headersSent) {
      response.destroy();
    } else {
      response.writeHead(500, { "content-type": "text/plain; charset=utf-8" });
      response.end(error instanceof Error ? (error.stack ?? error.message) : "");
    }
  }
}

/** The body as UTF-8; RangeError on a longer one. */
export async function readText(request: IncomingMessage, bytesMax: number, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    if (!Buffer.isBuffer(part)) {
      continue;
    }
    bytes += part.length;
    if (bytes > bytesMax) {
      throw new RangeError(`reading a request: its body is longer than ${bytesMax} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

export interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | readonly string[]>>;
}

/** Sends the head and some bytes of the body, then resets the connection; with 0 bytes not even the head. */
export function resetAfter(
  response: ServerResponse,
  { status, headers }: Head,
  body: Buffer,
  afterBytes: number,
): void {
  const { socket } = response;
  if (afterBytes === 0 || body.length === 0) {
    socket?.resetAndDestroy();
    return;
  }
  response.writeHead(status, { ...headers, "content-length": body.length });
  // At least one byte stays unsent: a reset after the last one would be a whole answer.
  response.write(body.subarray(0, Math.min(afterBytes, body.length - 1)), () => {
    socket?.resetAndDestroy();
  });
}
