import { randomUUID } from "node:crypto";

import { Session } from "chdb";

import type { EngineAnswer, EngineQuery } from "./engine.ts";

// As a server has it: a word alone is no query.
const CONNECTION_ARGS = ["--implicit_select=0"];
/** What a request or a statement may change: a query that nobody bounded ends, and an answer fits into memory. */
const DEFAULTS = {
  max_execution_time: "300",
  max_result_bytes: String(256 * 1024 ** 2),
  result_overflow_mode: "throw",
};

/** One connection, and the word by which its running query is found when it has to be cancelled. */
export class Connection {
  readonly #folder: string;
  readonly #session: Session;
  readonly #tag = randomUUID();
  #isPrepared = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#session = openSession(folder);
  }

  async prepare(query: EngineQuery): Promise<void> {
    if (!this.#isPrepared) {
      // Before a read-only user is bound: afterwards nobody may set anything.
      await this.#session.queryAsync(setAll(Object.entries({ ...DEFAULTS, log_comment: this.#tag })));
      this.#isPrepared = true;
    }
    for (const statement of preparations(query)) {
      await this.#session.queryAsync(statement);
    }
  }

  async run({ sql, format }: EngineQuery): Promise<EngineAnswer> {
    const result = await this.#session.queryAsync(sql, { format });
    return {
      bytes: result.bytes(),
      rowsRead: result.rowsRead,
      bytesRead: result.bytesRead,
      elapsedMs: result.elapsed * 1_000,
    };
  }

  /** Nothing happens when nothing runs, or when the request brought a log_comment of its own. */
  async cancel(): Promise<void> {
    const other = openSession(this.#folder);
    try {
      await other.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quote(this.#tag)} ASYNC`);
    } finally {
      other.close();
    }
  }

  close(): void {
    this.#session.close();
  }
}

export function openSession(folder: string): Session {
  return new Session(folder, { connectionArgs: CONNECTION_ARGS });
}

/** What makes the connection fit the request, in an order in which a read-only user's own settings are refused. */
function preparations({ database, params, settings, readonly }: EngineQuery): readonly string[] {
  const statements: string[] = [];
  if (database !== undefined) {
    statements.push(`USE \`${database.replaceAll(/[\\`]/g, String.raw`\$&`)}\``);
  }
  if (params.size > 0) {
    statements.push(`SET ${[...params].map(([name, value]) => `param_${name} = ${quote(value)}`).join(", ")}`);
  }
  if (readonly !== 0) {
    statements.push(`SET readonly = ${readonly}`);
  }
  if (settings.size > 0) {
    statements.push(setAll([...settings]));
  }
  return statements;
}

function setAll(settings: readonly (readonly [string, string])[]): string {
  return `SET ${settings.map(([name, value]) => `${name} = ${quote(value)}`).join(", ")}`;
}

function quote(value: string): string {
  return `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
