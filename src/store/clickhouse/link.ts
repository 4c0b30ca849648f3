import { Readable } from "node:stream";

import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";

import { translate } from "./errors.ts";

/** The calls of `@clickhouse/client` that we use, with errors translated. Settings go with every call. */
export interface Link {
  readonly transport: "embedded" | "http";
  /** Embedded only: where binary bodies are put for the engine to read. */
  readonly scratchPath: string | undefined;
  query<Row>(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings,
    signal: AbortSignal,
  ): Promise<readonly Row[]>;
  command(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings,
    signal: AbortSignal,
  ): Promise<void>;
  /** `sql` ends with the FORMAT clause; the body follows it. */
  send(
    sql: string,
    body: readonly (Buffer | string)[],
    settings: ClickHouseSettings,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

/** `drain` resolves when the engine has let go of its folder. */
export function createLink(
  transport: Link["transport"],
  client: ClickHouseClient,
  scratchPath: string | undefined,
  drain: () => Promise<void>,
): Link {
  /** The server answers with its verdict and not with a promise of one; chDB knows nothing else. */
  const untilDone = (settings: ClickHouseSettings): ClickHouseSettings =>
    transport === "http" ? { ...settings, wait_end_of_query: 1 } : settings;
  return {
    transport,
    scratchPath,
    query: <Row>(
      sql: string,
      params: Readonly<Record<string, unknown>>,
      settings: ClickHouseSettings,
      signal: AbortSignal,
    ) =>
      run(`asking ClickHouse: ${excerpt(sql)}`, signal, async () => {
        const answer = await client.query({
          query: sql,
          format: "JSONEachRow",
          query_params: { ...params },
          clickhouse_settings: settings,
          abort_signal: signal,
        });
        return answer.json<Row>();
      }),
    command: (sql, params, settings, signal) =>
      run(`commanding ClickHouse: ${excerpt(sql)}`, signal, async () => {
        await client.command({
          query: sql,
          query_params: { ...params },
          clickhouse_settings: untilDone(settings),
          abort_signal: signal,
        });
      }),
    send: (sql, body, settings, signal) =>
      run(`inserting into ClickHouse: ${excerpt(sql)}`, signal, async () => {
        const answer = await client.exec({
          query: sql,
          values: Readable.from(body, { objectMode: true }),
          clickhouse_settings: untilDone(settings),
          abort_signal: signal,
        });
        // The acknowledgement is the end of the answer, not its head.
        for await (const _ of answer.stream) {
          signal.throwIfAborted();
        }
      }),
    close: async () => {
      await client.close();
      await drain();
    },
  };
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

function excerpt(sql: string): string {
  return sql.replaceAll(/\s+/g, " ").trim().slice(0, 120);
}
