import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

import type { Clock } from "../../base/clock.ts";
import { readText, resetAfter } from "../serve-http.ts";
import type { Answer } from "./answer.ts";
import type { Answered, ReceivedRequest } from "./answer-request.ts";
import { HEARTBEAT } from "./eastmoney-ticks.ts";
import type { SettledFault } from "./faults.ts";

export interface RespondParts {
  readonly answer: (request: ReceivedRequest) => Answered;
  readonly clock: Clock;
  readonly latencyMs: number;
  /** Between two signs of life of a stream. */
  readonly heartbeatMs: number;
  /** Aborts when the client hangs up or the simulator closes. */
  readonly signal: AbortSignal;
}

const BODY_BYTES_MAX = 65_536;

/** Speaks HTTP for one request: latency, compression, and the faults that befall the connection. */
export async function respond(request: IncomingMessage, response: ServerResponse, parts: RespondParts): Promise<void> {
  const { clock, signal } = parts;
  const { answer, fault, entry } = parts.answer({
    method: request.method ?? "",
    url: request.url ?? "/",
    headers: request.headers,
    body: await readText(request, BODY_BYTES_MAX, signal),
  });
  const waitMs = parts.latencyMs + (fault?.kind === "slow" ? fault.ms : 0);
  if (waitMs > 0) {
    await clock.sleep(waitMs, signal);
  }
  if (answer === undefined) {
    response.socket?.destroy();
    return;
  }
  const { bytes, head } = encode(answer, fault, request.headers["accept-encoding"] ?? "");
  if (fault?.kind === "reset") {
    resetAfter(response, { status: answer.status, headers: head }, bytes, fault.afterBytes);
    return;
  }
  entry.status = answer.status;
  response.writeHead(answer.status, head);
  if (answer.isStream !== true) {
    response.end(bytes);
    return;
  }
  response.write(bytes);
  for (;;) {
    await clock.sleep(parts.heartbeatMs, signal);
    response.write(HEARTBEAT);
  }
}

interface Encoded {
  readonly bytes: Buffer;
  readonly head: Readonly<Record<string, string | number>>;
}

function encode(answer: Answer, fault: SettledFault | undefined, accepted: string): Encoded {
  const plain = spoilBytes(Buffer.from(answer.body), fault);
  const head = { "content-type": answer.contentType, ...answer.headers };
  if (answer.isStream === true) {
    return { bytes: plain, head: { ...head, "cache-control": "no-cache" } };
  }
  if (!/\bgzip\b/.test(accepted) || plain.length === 0) {
    return { bytes: plain, head: { ...head, "content-length": plain.length } };
  }
  const bytes = gzipSync(plain);
  return { bytes, head: { ...head, "content-encoding": "gzip", "content-length": bytes.length } };
}

function spoilBytes(bytes: Buffer, fault: SettledFault | undefined): Buffer {
  if (fault?.kind === "truncated") {
    return bytes.subarray(0, fault.bytes);
  }
  if (fault?.kind !== "charset") {
    return bytes;
  }
  // A name has bytes above 7F; where there is none, a place in the middle must do.
  const place = bytes.findIndex((byte) => byte > 0x7f);
  const spoilt = Buffer.from(bytes);
  spoilt[place < 0 ? bytes.length >> 1 : place] = 0xff;
  return spoilt;
}
