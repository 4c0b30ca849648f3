import { Session } from "chdb";

import { EngineError, toEngineError } from "./engine-error.ts";

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

/**
 * The engine over one data folder. Each query has a connection of its own (about a millisecond), so that its
 * settings, parameters and database hold for it and for nothing else.
 */
export class Engine {
  readonly #folder: string;
  /** Keeps the engine running between queries. */
  readonly #root: Session;
  readonly #sessions = new Map<string, { readonly session: Session; isBusy: boolean }>();

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

  async run(query: EngineQuery): Promise<EngineAnswer> {
    const { session, giveBack } = this.#take(query);
    try {
      for (const statement of preparations(query)) {
        await session.queryAsync(statement);
      }
      const result = await session.queryAsync(query.sql, { format: query.format });
      return {
        bytes: result.bytes(),
        rowsRead: result.rowsRead,
        bytesRead: result.bytesRead,
        elapsedMs: result.elapsed * 1_000,
      };
    } catch (error) {
      throw toEngineError(error);
    } finally {
      giveBack();
    }
  }

  close(): void {
    for (const { session } of this.#sessions.values()) {
      session.close();
    }
    this.#root.close();
  }

  #take({ sessionId, mustSessionExist }: EngineQuery): { readonly session: Session; readonly giveBack: () => void } {
    if (sessionId === undefined) {
      const session = new Session(this.#folder, { connectionArgs: CONNECTION_ARGS });
      return {
        session,
        giveBack: () => {
          session.close();
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
      entry = { session: new Session(this.#folder, { connectionArgs: CONNECTION_ARGS }), isBusy: true };
      this.#sessions.set(sessionId, entry);
    }
    const taken = entry;
    taken.isBusy = true;
    return {
      session: taken.session,
      giveBack: () => {
        taken.isBusy = false;
      },
    };
  }
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
    statements.push(`SET ${[...settings].map(([name, value]) => `${name} = ${quote(value)}`).join(", ")}`);
  }
  return statements;
}

function quote(value: string): string {
  return `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
