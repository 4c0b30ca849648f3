import { randomUUID } from "node:crypto";

import { Session } from "chdb";

import { EngineError, toEngineError } from "./engine-error.ts";
import { Turns } from "./turns.ts";

export interface EngineQuery {
  readonly sql: string;
  readonly format: string;
  readonly database: string | undefined;
  readonly params: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** 0 for everything, 1 for reading with the settings as they are, 2 for reading with settings. */
  readonly readonly: 0 | 1 | 2;
  /** Statements with the same session id share settings and temporary tables. */
  readonly sessionId: string | undefined;
  readonly mustSessionExist: boolean;
}

export interface EngineAnswer {
  readonly bytes: Uint8Array;
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly elapsedMs: number;
}

export interface EngineFacts {
  readonly version: string;
  readonly timezone: string;
  readonly isCompressionDefault: boolean;
}

const SESSIONS_MAX = 100;
// As a server has it: a word alone is no query.
const CONNECTION_ARGS = ["--implicit_select=0"];
/** What a request or a statement may change: a query that nobody bounded ends, and an answer fits into memory. */
const DEFAULTS = {
  max_execution_time: "300",
  max_result_bytes: String(256 * 1024 ** 2),
  result_overflow_mode: "throw",
};

/** One connection, and the word by which its running query is found when it has to be cancelled. */
class Connection {
  readonly session: Session;
  readonly #tag = randomUUID();
  #isPrepared = false;

  constructor(folder: string) {
    this.session = new Session(folder, { connectionArgs: CONNECTION_ARGS });
  }

  async prepare(query: EngineQuery): Promise<void> {
    if (!this.#isPrepared) {
      // Before a read-only user is bound: afterwards nobody may set anything.
      await this.session.queryAsync(setAll(Object.entries({ ...DEFAULTS, log_comment: this.#tag })));
      this.#isPrepared = true;
    }
    for (const statement of preparations(query)) {
      await this.session.queryAsync(statement);
    }
  }

  /** Nothing happens when nothing runs, or when the request brought a log_comment of its own. */
  async cancelBy(folder: string): Promise<void> {
    const other = new Session(folder, { connectionArgs: CONNECTION_ARGS });
    try {
      await other.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quote(this.#tag)} ASYNC`);
    } finally {
      other.close();
    }
  }
}

/**
 * The engine over one data folder. Each query has a connection of its own (about a millisecond), so that its
 * settings, parameters and database hold for it and for nothing else.
 */
export class Engine {
  readonly #folder: string;
  /** Keeps the engine running between queries. */
  readonly #root: Session;
  readonly #sessions = new Map<string, { readonly connection: Connection; isBusy: boolean }>();
  readonly #turns = new Turns();

  constructor(folder: string) {
    this.#folder = folder;
    this.#root = new Session(folder, { connectionArgs: CONNECTION_ARGS });
  }

  async facts(): Promise<EngineFacts> {
    const result = await this.#root.queryAsync(
      "SELECT version(), timezone(), (SELECT value FROM system.settings WHERE name = 'enable_http_compression')",
      { format: "TabSeparated" },
    );
    const [version = "", timezone = "", compression = "0"] = result.text().trim().split("\t");
    return { version, timezone, isCompressionDefault: compression === "1" };
  }

  /** Waits for its turn. When the signal aborts, a waiting query leaves and a running one is cancelled. */
  async run(query: EngineQuery, signal: AbortSignal): Promise<EngineAnswer> {
    try {
      return await this.#turns.run(() => this.#runNow(query, signal), signal);
    } catch (error) {
      throw toEngineError(error);
    }
  }

  /** Resolves when no query runs, or when the signal aborts. */
  idle(signal: AbortSignal): Promise<void> {
    return this.#turns.idle(signal);
  }

  async #runNow(query: EngineQuery, signal: AbortSignal): Promise<EngineAnswer> {
    const { connection, giveBack } = this.#take(query);
    let cancelled: Promise<void> | undefined;
    const cancel = (): void => {
      // What cannot be cancelled ends by itself, at the latest after max_execution_time.
      cancelled = connection.cancelBy(this.#folder).catch(() => undefined);
    };
    try {
      await connection.prepare(query);
      signal.throwIfAborted();
      signal.addEventListener("abort", cancel, { once: true });
      const result = await connection.session.queryAsync(query.sql, { format: query.format });
      return {
        bytes: result.bytes(),
        rowsRead: result.rowsRead,
        bytesRead: result.bytesRead,
        elapsedMs: result.elapsed * 1_000,
      };
    } finally {
      signal.removeEventListener("abort", cancel);
      await cancelled;
      giveBack();
    }
  }

  close(): void {
    for (const { connection } of this.#sessions.values()) {
      connection.session.close();
    }
    this.#root.close();
  }

  #take({ sessionId, mustSessionExist }: EngineQuery): Taken {
    if (sessionId === undefined) {
      const connection = new Connection(this.#folder);
      return {
        connection,
        giveBack: () => {
          connection.session.close();
        },
      };
    }
    let entry = this.#sessions.get(sessionId);
    if (entry === undefined && mustSessionExist) {
      throw new EngineError(372, `Code: 372. DB::Exception: Session ${sessionId} not found. (SESSION_NOT_FOUND)`);
    }
    if (entry?.isBusy === true) {
      const text = `Code: 373. DB::Exception: Session ${sessionId} is locked by a concurrent client. (SESSION_IS_LOCKED)`;
      throw new EngineError(373, text);
    }
    if (entry === undefined) {
      if (this.#sessions.size >= SESSIONS_MAX) {
        throw new EngineError(202, "Code: 202. DB::Exception: Too many sessions. (TOO_MANY_SIMULTANEOUS_QUERIES)");
      }
      entry = { connection: new Connection(this.#folder), isBusy: true };
      this.#sessions.set(sessionId, entry);
    }
    const taken = entry;
    taken.isBusy = true;
    return {
      connection: taken.connection,
      giveBack: () => {
        taken.isBusy = false;
      },
    };
  }
}

interface Taken {
  readonly connection: Connection;
  readonly giveBack: () => void;
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
