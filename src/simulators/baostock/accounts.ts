import { Refusal } from "./refusal.ts";
import type { Session } from "./session.ts";

export interface Account {
  readonly user: string;
  readonly password: string;
  /** How many sessions it may have at once; any number by default. */
  readonly sessionsMax?: number;
}

export const ANONYMOUS: Account = { user: "anonymous", password: "123456" };

/** Knows who may log in and who is logged in. */
export class Accounts {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #sessions = new Set<Session>();

  constructor(accounts: readonly Account[]) {
    this.#accounts = new Map(accounts.map((account) => [account.user, account]));
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  login(session: Session, user: string, password: string): void {
    if (user === "") {
      throw new Refusal("10001008");
    }
    if (password === "") {
      throw new Refusal("10001009");
    }
    const account = this.#accounts.get(user);
    if (account === undefined || account.password !== password) {
      throw new Refusal("10001002");
    }
    const others = [...this.#sessions].filter((other) => other !== session && other.user === user);
    if (others.length >= (account.sessionsMax ?? Infinity)) {
      throw new Refusal("10001005");
    }
    session.user = user;
    this.#sessions.add(session);
  }

  /** The user of a session that may ask; refuses every other. */
  check(session: Session, user: string): void {
    if (session.user === undefined || session.user !== user) {
      throw new Refusal("10001001");
    }
  }

  /** Also when its connection ends. */
  logout(session: Session): void {
    session.user = undefined;
    this.#sessions.delete(session);
  }
}
