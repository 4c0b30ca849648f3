import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";

import { TransientError } from "../../base/errors.ts";
import { cut, translate } from "./errors.ts";
import { quoteString } from "./quote.ts";

/** The calls of `@clickhouse/client` that we use, with errors translated. Settings go with every call. */
export interface Link {
  readonly transport: "embedded" | "http";
  /** Embedded only: where binary bodies are put for the engine to read. */
  readonly scratchPath: string | undefined;
  /** `doing` begins the message of an error; an excerpt of the statement unless given. */
  query<Row>(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings,
    signal: AbortSignal,
    doing?: string,
  ): Promise<readonly Row[]>;
  command(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings,
    signal: AbortSignal,
  ): Promise<void>;
  /** The answer to a SELECT as the format's own bytes, whole or not at all: it begins when the engine has all of it. */
  raw(sql: string, format: string, settings: ClickHouseSettings, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** `sql` ends with the FORMAT clause; the body follows it. */
  send(sql: string, body: Iterable<Buffer>, settings: ClickHouseSettings, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How the body of an insert gets to the engine. */
export type SendBody = (
  sql: string,
  body: Iterable<Buffer>,
  settings: ClickHouseSettings,
  signal: AbortSignal,
) => Promise<void>;

export interface LinkParts {
  readonly transport: Link["transport"];
  readonly client: ClickHouseClient;
  readonly scratchPath: string | undefined;
  readonly sendBody: SendBody;
  /**
   * How long a question or a command may take in all; undefined sets no limit. The library's own time-out begins anew with
   * each byte and ends with the head of the answer, so a server that drips or stops half way would hold us for ever.
   */
  readonly requestMs: number | undefined;
  /** Closes what stands besides the client, and waits until the engine has let go of its folder. */
  readonly closeRest: () => Promise<void>;
}

export function createLink({ transport, client, scratchPath, sendBody, requestMs, closeRest }: LinkParts): Link {
  const link: Link = {
    transport,
    scratchPath,
    query: <Row>(
      sql: string,
      params: Readonly<Record<string, unknown>>,
      settings: ClickHouseSettings,
      signal: AbortSignal,
      doing = `asking ClickHouse: ${excerpt(sql)}`,
    ) =>
      runWithin(requestMs, doing, signal, async (signal) => {
        const answer = await client.query({
          query: sql,
          format: "JSONEachRow",
          query_params: { ...params },
          clickhouse_settings: settings,
          abort_signal: signal,
        });
        // The library listens to its signal until the head of the answer has come.
        using _ = onAbort(signal, () => answer.close());
        return await answer.json<Row>();
      }),
    command: (sql, params, settings, signal) =>
      runWithin(requestMs, `commanding ClickHouse: ${excerpt(sql)}`, signal, async (signal) => {
        const call = { query: sql, query_params: { ...params }, abort_signal: signal };
        if (transport === "embedded") {
          await client.command({ ...call, clickhouse_settings: settings });
          return;
        }
        // The server answers with its verdict and not with a promise of one; chDB knows nothing else.
        const { stream } = await client.exec({ ...call, clickhouse_settings: { ...settings, wait_end_of_query: 1 } });
        await drain(stream, signal);
      }),
    raw: (sql, format, settings, signal) =>
      scratchPath === undefined
        ? rawByHttp(client, sql, format, settings, signal)
        : rawByFile(link, scratchPath, sql, format, settings, signal),
    send: (sql, body, settings, signal) =>
      run(`inserting into ClickHouse: ${excerpt(sql)}`, signal, () => sendBody(sql, body, settings, signal)),
    close: async () => {
      await client.close();
      await closeRest();
    },
  };
  return link;
}

async function* rawByHttp(
  client: ClickHouseClient,
  sql: string,
  format: string,
  settings: ClickHouseSettings,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const doing = `asking ClickHouse: ${excerpt(sql)}`;
  const { stream } = await run(doing, signal, () =>
    client.exec({
      query: `${sql}\nFORMAT ${format}`,
      // A failure half way is then an error and not a file that looks whole.
      clickhouse_settings: { ...settings, wait_end_of_query: 1 },
      abort_signal: signal,
    }),
  );
  try {
    const pieces: AsyncIterable<Uint8Array> = stream;
    yield* pieces;
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, doing);
  }
}

/** chDB answers in text only, yet writes every format to a file. It is there as long as it is read. */
async function* rawByFile(
  link: Link,
  scratchPath: string,
  sql: string,
  format: string,
  settings: ClickHouseSettings,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const file = join(scratchPath, `${randomUUID()}.out`);
  try {
    await link.command(`${sql}\nINTO OUTFILE ${quoteString(file)} FORMAT ${format}`, {}, settings, signal);
    const pieces: AsyncIterable<Buffer> = createReadStream(file, { signal });
    yield* pieces;
  } finally {
    await rm(file, { force: true });
  }
}

/** Through the client library; chDB gets the body as part of the statement. */
export function sendByClient(client: ClickHouseClient): SendBody {
  return async (sql, body, settings, signal) => {
    const answer = await client.exec({
      query: sql,
      values: Readable.from(body, { objectMode: true }),
      clickhouse_settings: settings,
      abort_signal: signal,
    });
    // The acknowledgement is the end of the answer, not its head.
    await drain(answer.stream, signal);
  };
}

async function drain(stream: Readable, signal: AbortSignal): Promise<void> {
  using _ = onAbort(signal, () => stream.destroy());
  for await (const _ of stream) {
    signal.throwIfAborted();
  }
}

function onAbort(signal: AbortSignal, act: () => void): Disposable {
  signal.addEventListener("abort", act, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", act) };
}

/** Aborting is the caller's own doing, so its reason comes out as it is; everything else gets its kind. */
async function run<Answer>(doing: string, signal: AbortSignal, call: () => Promise<Answer>): Promise<Answer> {
  signal.throwIfAborted();
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, doing);
  }
}

/** The same with a deadline; it holds also where the library does not listen to its signal. */
async function runWithin<Answer>(
  ms: number | undefined,
  doing: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  if (ms === undefined) {
    return run(doing, signal, () => call(signal));
  }
  const over = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new TransientError(`${doing}: no whole answer within ${ms} ms (clickhouse.request_timeout_ms)`);
    late.reject(error);
    over.abort(error);
  }, ms);
  try {
    return await run(doing, signal, () => Promise.race([call(AbortSignal.any([signal, over.signal])), late.promise]));
  } finally {
    clearTimeout(timer);
  }
}

function excerpt(sql: string): string {
  return cut(sql, 120);
}
