import type { Session } from "chdb";

import { systemClock } from "../../../base/clock.ts";
import { Connection, openSession } from "./connection.ts";
import { toEngineError } from "./engine-error.ts";
import { type SessionWish, Sessions, type Taken } from "./sessions.ts";
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
  readonly session: SessionWish | undefined;
  /** True when nothing is half done where it stops half way. */
  readonly isCancellable: boolean;
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

/**
 * The engine over one data folder. Each query has a connection of its own (about a millisecond), so that its
 * settings, parameters and database hold for it and for nothing else.
 */
export class Engine {
  readonly #folder: string;
  /** Keeps the engine running between queries. */
  readonly #root: Session;
  readonly #sessions: Sessions<Connection>;
  readonly #turns = new Turns();

  constructor(folder: string) {
    this.#folder = folder;
    this.#root = openSession(folder);
    this.#sessions = new Sessions(() => new Connection(folder), systemClock);
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
      cancelled = query.isCancellable ? connection.cancel().catch(() => undefined) : undefined;
    };
    try {
      await connection.prepare(query);
      signal.throwIfAborted();
      signal.addEventListener("abort", cancel, { once: true });
      return await connection.run(query);
    } finally {
      signal.removeEventListener("abort", cancel);
      await cancelled;
      giveBack();
    }
  }

  close(): void {
    this.#sessions.close();
    this.#root.close();
  }

  #take({ session }: EngineQuery): Taken<Connection> {
    if (session !== undefined) {
      return this.#sessions.take(session);
    }
    const connection = new Connection(this.#folder);
    return { connection, giveBack: () => connection.close() };
  }
}
