import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, constants, deflate, gzip, zstdCompress } from "node:zlib";

import type { EngineAnswer } from "./engine.ts";
import { statusOf, type EngineError } from "./engine-error.ts";

export interface AnswerContext {
  readonly queryId: string;
  readonly format: string;
  readonly timezone: string;
  readonly version: string;
  readonly isInsert: boolean;
  /** What the client takes, when it asked for compressed answers. */
  readonly acceptEncoding: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  json: "application/json; charset=UTF-8",
  jsoncompact: "application/json; charset=UTF-8",
  jsoneachrow: "application/x-ndjson; charset=UTF-8",
  jsoncompacteachrow: "application/x-ndjson; charset=UTF-8",
  csv: "text/csv; charset=UTF-8; header=absent",
  csvwithnames: "text/csv; charset=UTF-8; header=present",
  tabseparated: "text/tab-separated-values; charset=UTF-8",
  tabseparatedwithnames: "text/tab-separated-values; charset=UTF-8",
  native: "application/octet-stream",
  rowbinary: "application/octet-stream",
};

export async function sendResult(
  response: ServerResponse,
  answer: EngineAnswer,
  context: AnswerContext,
): Promise<void> {
  response.setHeader("Content-Type", CONTENT_TYPES[context.format.toLowerCase()] ?? "text/plain; charset=UTF-8");
  response.setHeader("X-ClickHouse-Format", context.format);
  response.setHeader("X-ClickHouse-Timezone", context.timezone);
  response.setHeader("X-ClickHouse-Summary", JSON.stringify(summaryOf(answer, context.isInsert)));
  const { buffer, byteOffset, byteLength } = answer.bytes;
  await send(response, 200, Buffer.from(buffer, byteOffset, byteLength), context);
}

/** The text of the error with the server's version, as a server ends it. */
export async function sendError(response: ServerResponse, error: EngineError, context: AnswerContext): Promise<void> {
  response.setHeader("Content-Type", "text/plain; charset=UTF-8");
  response.setHeader("X-ClickHouse-Exception-Code", `${error.code}`);
  const text = `${error.message} (version ${context.version})\n`;
  await send(response, statusOf(error.code), Buffer.from(text), context);
}

async function send(response: ServerResponse, status: number, bytes: Buffer, context: AnswerContext): Promise<void> {
  response.setHeader("X-ClickHouse-Server-Display-Name", "ginkgo-data-worker");
  response.setHeader("X-ClickHouse-Query-Id", context.queryId);
  const [encoding, body] = await compress(bytes, context.acceptEncoding);
  if (encoding !== undefined) {
    response.setHeader("Content-Encoding", encoding);
  }
  response.setHeader("Content-Length", body.length);
  response.writeHead(status);
  response.end(body);
}

/** Cheapest first, and each at a level that keeps up with the engine; the work is done beside the event loop. */
const COMPRESSIONS: readonly (readonly [string, (bytes: Buffer) => Promise<Buffer>])[] = [
  ["zstd", (bytes) => promisify(zstdCompress)(bytes)],
  ["gzip", (bytes) => promisify(gzip)(bytes, { level: 1 })],
  ["br", (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })],
  ["deflate", (bytes) => promisify(deflate)(bytes, { level: 1 })],
];

async function compress(bytes: Buffer, accepted: string): Promise<readonly [string | undefined, Buffer]> {
  const methods = new Set(accepted.split(",").map((method) => method.split(";")[0]?.trim()));
  const [encoding, work] = COMPRESSIONS.find(([name]) => methods.has(name)) ?? [];
  return work === undefined ? [undefined, bytes] : [encoding, await work(bytes)];
}

/** Numbers as text, as a server writes them. The engine tells no result rows of a query, so those stay 0. */
function summaryOf(answer: EngineAnswer, isInsert: boolean): Readonly<Record<string, string>> {
  const rows = `${answer.rowsRead}`;
  const bytes = `${answer.bytesRead}`;
  return {
    read_rows: rows,
    read_bytes: bytes,
    written_rows: isInsert ? rows : "0",
    written_bytes: isInsert ? bytes : "0",
    total_rows_to_read: "0",
    result_rows: isInsert ? rows : "0",
    result_bytes: isInsert ? bytes : `${answer.bytes.length}`,
    elapsed_ns: `${Math.round(answer.elapsedMs * 1e6)}`,
  };
}
