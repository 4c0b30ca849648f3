import type { IncomingMessage, ServerResponse } from "node:http";
import { brotliCompressSync, gzipSync } from "node:zlib";

import type { Clock } from "../../base/clock.ts";
import type { Answerer } from "./answer-request.ts";
import type { Answer, Reply } from "./reply.ts";

export interface RespondParts {
  readonly answer: Answerer;
  readonly clock: Clock;
  readonly latencyMs: number;
  /** Aborts when the simulator closes. */
  readonly signal: AbortSignal;
}

/** Speaks HTTP for one request: body, latency, compression, and the faults that befall the connection. Never rejects. */
export async function respond(request: IncomingMessage, response: ServerResponse, parts: RespondParts): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  const signal = AbortSignal.any([parts.signal, gone.signal]);
  try {
    const body = await readText(request, signal);
    const startedMs = parts.clock.elapsedMs();
    const answer = parts.answer({
      method: request.method ?? "",
      url: request.url ?? "/",
      headers: request.headers,
      body,
      address: request.socket.remoteAddress ?? "",
    });
    await send(request, response, answer, parts, signal);
    answer.entry.latencyMs = Math.round(parts.clock.elapsedMs() - startedMs);
  } catch (error) {
    // Whoever hung up or closed the simulator gets no answer; anything else is a defect and is shown.
    if (signal.aborted || request.destroyed || response.headersSent) {
      response.destroy();
    } else {
      const text = error instanceof Error ? (error.stack ?? error.message) : "";
      write(response, { status: 500, headers: { "content-type": "text/plain" }, body: text }, Buffer.from(text));
    }
  }
}

const BODY_BYTES_MAX = 65_536;

async function readText(request: IncomingMessage, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    if (Buffer.isBuffer(part)) {
      bytes += part.length;
      parts.push(part);
    }
    if (bytes > BODY_BYTES_MAX) {
      throw new RangeError(`reading a request: its body is longer than ${BODY_BYTES_MAX} bytes`);
    }
  }
  return Buffer.concat(parts).toString("utf8");
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  { clock, latencyMs }: RespondParts,
  signal: AbortSignal,
): Promise<void> {
  const { fault, entry } = answer;
  const waitMs = latencyMs + (fault?.kind === "slow" ? fault.ms : 0);
  if (waitMs > 0) {
    await clock.sleep(waitMs, signal);
  }
  if (fault?.kind === "reset") {
    reset(response, answer, fault.afterBytes);
    return;
  }
  entry.status = answer.status;
  const { encoding, bytes } = compress(answer.body, request.headers["accept-encoding"] ?? "");
  write(response, encoding === undefined ? answer : withHeader(answer, "content-encoding", encoding), bytes);
}

function withHeader(reply: Reply, name: string, value: string): Reply {
  return { ...reply, headers: { ...reply.headers, [name]: value } };
}

/** Shorter bodies are not worth it. */
const COMPRESSED_FROM = 256;

function compress(body: string, accepted: string): { readonly encoding: string | undefined; readonly bytes: Buffer } {
  const plain = Buffer.from(body);
  if (plain.length < COMPRESSED_FROM) {
    return { encoding: undefined, bytes: plain };
  }
  const names = accepted.split(",").map((part) => part.trim().replace(/;.*$/, "").toLowerCase());
  if (names.includes("gzip")) {
    return { encoding: "gzip", bytes: gzipSync(plain) };
  }
  return names.includes("br")
    ? { encoding: "br", bytes: brotliCompressSync(plain) }
    : { encoding: undefined, bytes: plain };
}

function write(response: ServerResponse, { status, headers }: Reply, bytes: Buffer): void {
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  response.end(bytes);
}

/** Sends the head and some bytes of the body, then resets the connection; with 0 bytes not even the head. */
function reset(response: ServerResponse, { status, headers, body }: Reply, afterBytes: number): void {
  const bytes = Buffer.from(body);
  const { socket } = response;
  if (afterBytes === 0 || bytes.length === 0) {
    socket?.resetAndDestroy();
    return;
  }
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  // At least one byte stays unsent: a reset after the last one would be a whole answer.
  response.write(bytes.subarray(0, Math.min(afterBytes, bytes.length - 1)), () => {
    socket?.resetAndDestroy();
  });
}
