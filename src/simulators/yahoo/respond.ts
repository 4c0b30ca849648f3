import type { IncomingMessage, ServerResponse } from "node:http";
import { brotliCompressSync, gzipSync } from "node:zlib";

import type { Clock } from "../../base/clock.ts";
import { readText, resetAfter } from "../serve-http.ts";
import type { Answerer } from "./answer-request.ts";
import type { Answer, Reply } from "./reply.ts";

export interface RespondParts {
  readonly answer: Answerer;
  readonly clock: Clock;
  readonly latencyMs: number;
  /** Aborts when the client hangs up or the simulator closes. */
  readonly signal: AbortSignal;
}

/** Speaks HTTP for one request: body, latency, compression, and the faults that befall the connection. */
export async function respond(request: IncomingMessage, response: ServerResponse, parts: RespondParts): Promise<void> {
  const body = await readText(request, BODY_BYTES_MAX, parts.signal);
  const startedMs = parts.clock.elapsedMs();
  const answer = parts.answer({
    method: request.method ?? "",
    url: request.url ?? "/",
    headers: request.headers,
    body,
    address: request.socket.remoteAddress ?? "",
  });
  await send(request, response, answer, parts);
  answer.entry.latencyMs = Math.round(parts.clock.elapsedMs() - startedMs);
}

const BODY_BYTES_MAX = 65_536;

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  { clock, latencyMs, signal }: RespondParts,
): Promise<void> {
  const { fault, entry } = answer;
  const waitMs = latencyMs + (fault?.kind === "slow" ? fault.ms : 0);
  if (waitMs > 0) {
    await clock.sleep(waitMs, signal);
  }
  if (fault?.kind === "reset") {
    resetAfter(response, answer, Buffer.from(answer.body), fault.afterBytes);
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
