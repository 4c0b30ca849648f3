import type { Clock } from "../../../base/clock.ts";
import { EngineError } from "./engine-error.ts";

export const SESSIONS_MAX = 100;

export interface SessionWish {
  readonly id: string;
  /** So long it is kept after its last statement. */
  readonly timeoutMs: number;
  readonly mustExist: boolean;
  /** The statement is its last one. */
  readonly isLast: boolean;
}

export interface Taken<Connection> {
  readonly connection: Connection;
  readonly giveBack: () => void;
}

interface Entry<Connection> {
  readonly connection: Connection;
  isBusy: boolean;
  endsAtMs: number;
}

/** The connections that statements with one session id share, each until nobody has used it for its time. */
export class Sessions<Connection extends { close(): void }> {
  readonly #open: () => Connection;
  readonly #clock: Clock;
  /** The longest unused first. */
  readonly #entries = new Map<string, Entry<Connection>>();

  constructor(open: () => Connection, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /**
   * The session's connection, for one statement. Where too many are open, the longest unused one ends. Throws EngineError
   * 372 when it must be there and is not, 373 while another statement of it runs, 202 when all the others are in use.
   */
  take({ id, timeoutMs, mustExist, isLast }: SessionWish): Taken<Connection> {
    this.#endExpired();
    let entry = this.#entries.get(id);
    if (entry === undefined && mustExist) {
      throw new EngineError(372, `Code: 372. DB::Exception: Session ${id} not found. (SESSION_NOT_FOUND)`);
    }
    if (entry?.isBusy === true) {
      const text = `Code: 373. DB::Exception: Session ${id} is locked by a concurrent client. (SESSION_IS_LOCKED)`;
      throw new EngineError(373, text);
    }
    if (entry === undefined) {
      this.#makeRoom();
      entry = { connection: this.#open(), isBusy: true, endsAtMs: Infinity };
    }
    const taken = entry;
    taken.isBusy = true;
    this.#entries.delete(id);
    this.#entries.set(id, taken);
    return {
      connection: taken.connection,
      giveBack: () => {
        taken.isBusy = false;
        taken.endsAtMs = this.#clock.elapsedMs() + timeoutMs;
        if (isLast) {
          this.#end(id, taken);
        }
      },
    };
  }

  close(): void {
    for (const [id, entry] of this.#entries) {
      this.#end(id, entry);
    }
  }

  #endExpired(): void {
    const nowMs = this.#clock.elapsedMs();
    for (const [id, entry] of this.#entries) {
      if (!entry.isBusy && entry.endsAtMs <= nowMs) {
        this.#end(id, entry);
      }
    }
  }

  #makeRoom(): void {
    if (this.#entries.size < SESSIONS_MAX) {
      return;
    }
    for (const [id, entry] of this.#entries) {
      if (!entry.isBusy) {
        this.#end(id, entry);
        return;
      }
    }
    throw new EngineError(202, "Code: 202. DB::Exception: Too many sessions. (TOO_MANY_SIMULTANEOUS_QUERIES)");
  }

  #end(id: string, { connection }: Entry<Connection>): void {
    this.#entries.delete(id);
    connection.close();
  }
}
