import type { Clock } from "../../base/clock.ts";
import { DataError, TransientError } from "../../base/errors.ts";
import { orAbort } from "../../base/or-abort.ts";
import { SHANGHAI } from "../../domain/day.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { Connection, LostConnectionError, type ConnectionOptions } from "./connection.ts";
import { NOT_LOGGED_IN, Refusal, translate, type Doing } from "./errors.ts";
import { CLIENT_VERSION, encodeRequest, readElements, type FrameLimits } from "./frame.ts";
import { readTable, requireSuccess, type BaostockRequest, type BaostockTable } from "./table.ts";

export interface BaostockClientOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Sent with the login. */
  readonly apiKey?: string;
  readonly clock: Clock;
  /** Default 10 s. */
  readonly connectMsMax?: number;
  /** From a request to the last byte of its answer. Default 30 s. */
  readonly callMsMax?: number;
  /** Between two attempts to connect and log in. Default 10 s: many connections get an address banned. */
  readonly loginPauseMs?: number;
  /** Logins in `loginsWindowMs`. Default 10. */
  readonly loginsMax?: number;
  /** Default an hour. */
  readonly loginsWindowMs?: number;
  /** No refusal asks for a longer wait. Default a day, which is how long a ban lasts. */
  readonly waitMsMax?: number;
  /** Of one answer as it comes. Default 64 MiB; the whole market of a day has about a third of one. */
  readonly frameBytesMax?: number;
  /** Of one answer unpacked. Default 64 MiB. */
  readonly bodyBytesMax?: number;
  /** What the client says it is. Default that of the provider's own. */
  readonly clientVersion?: string;
}

/**
 * One connection, one request at a time, in the order in which they came. Throws the kinds of `errors.ts` and the
 * signal's reason within moments of an abort, also while waiting its turn; no text has the password or the key.
 */
export interface BaostockClient extends AsyncDisposable {
  call(request: BaostockRequest, signal: AbortSignal): Promise<BaostockTable>;
  /** Ends the session, where there is one and no call is under way; the next call begins another. */
  rest(): Promise<void>;
}

/** Throws TypeError on an empty host, user or password, and on one that would break the frame. */
export function createBaostockClient(options: BaostockClientOptions): BaostockClient {
  for (const name of ["host", "user", "password"] as const) {
    if (options[name] === "") {
      throw new TypeError(`opening BaoStock: the ${name} is empty`);
    }
  }
  return new Client(options);
}

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A server that does not answer a goodbye is left without one. */
const LOGOUT_MS_MAX = 2_000;

const LOGIN = { type: "00", method: "login" } as const;
const LOGOUT = { type: "02", method: "logout" } as const;

/**
 * States: no session, logged in, closed. A session begins with a connection and a login, and ends with the connection:
 * at any failure but a refusal, at a refusal of the account, and when the server closes.
 */
class Client implements BaostockClient {
  readonly #options: BaostockClientOptions;
  readonly #connecting: ConnectionOptions;
  readonly #limits: FrameLimits;
  /** What errors are told with. */
  readonly #telling: Omit<Doing, "doing">;
  readonly #loginFrame: Buffer;
  readonly #closing = new AbortController();
  #session: Connection | undefined;
  #turn: Promise<void> = Promise.resolve();
  #inTurn = 0;
  #attemptedAtMs: number | undefined;
  #loginsAtMs: readonly number[] = [];

  constructor(options: BaostockClientOptions) {
    const { host, port, user, password, apiKey = "", clock } = options;
    this.#options = options;
    this.#limits = {
      frameBytesMax: options.frameBytesMax ?? 64 * MIB,
      bodyBytesMax: options.bodyBytesMax ?? 64 * MIB,
    };
    this.#connecting = {
      host,
      port,
      clock,
      connectMsMax: options.connectMsMax ?? 10_000,
      callMsMax: options.callMsMax ?? 30_000,
      limits: this.#limits,
    };
    this.#telling = { secrets: [password, apiKey], waitMsMax: options.waitMsMax ?? DAY_MS };
    this.#loginFrame = this.#encode(LOGIN.type, [LOGIN.method, user, password, apiKey === "" ? "0" : apiKey]);
  }

  async call(request: BaostockRequest, caller: AbortSignal): Promise<BaostockTable> {
    caller.throwIfAborted();
    const signal = AbortSignal.any([caller, this.#closing.signal]);
    const doing = `calling baostock ${request.method}`;
    const mine = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = before.then(() => mine.promise);
    this.#inTurn += 1;
    try {
      await orAbort(before, signal);
      return await this.#exchange(request, doing, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, { doing, ...this.#telling });
    } finally {
      this.#inTurn -= 1;
      mine.resolve();
    }
  }

  async rest(): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#inTurn > 0) {
      return;
    }
    this.#session = undefined;
    if (session.isOpen) {
      await this.#logout(session);
    }
    await session[Symbol.asyncDispose]();
  }

  /** Calls under way and waiting are dropped: whoever closes the client has stopped waiting for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isIdle = this.#inTurn === 0;
    this.#closing.abort(new TransientError("calling baostock: the source was closed"));
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) {
      return;
    }
    if (isIdle && session.isOpen) {
      await this.#logout(session);
    }
    await session[Symbol.asyncDispose]();
  }

  /** A session that the server has forgotten or closed meanwhile is begun anew, once, and the request is sent again. */
  async #exchange(request: BaostockRequest, doing: string, signal: AbortSignal): Promise<BaostockTable> {
    const wasOpen = this.#session?.isOpen === true;
    try {
      return await this.#ask(request, doing, signal);
    } catch (error) {
      const isForgotten = error instanceof Refusal && error.code === NOT_LOGGED_IN;
      const isStale = wasOpen && error instanceof LostConnectionError && !error.hasBegun;
      if (!isForgotten && !isStale) {
        throw error;
      }
      return await this.#ask(request, doing, signal);
    }
  }

  async #ask(request: BaostockRequest, doing: string, signal: AbortSignal): Promise<BaostockTable> {
    const session = await this.#openSession(signal);
    const { type, method, page, params } = request;
    const paging = page === undefined ? [] : [`${page.number}`, `${page.rows}`];
    const bytes = this.#encode(type, [method, this.#options.user, ...paging, ...params]);
    try {
      const frame = await session.ask(bytes, doing, signal);
      const elements = await orAbort(readElements(frame, this.#limits, doing), signal);
      return readTable(elements, request, doing);
    } catch (error) {
      if (!(error instanceof Refusal) || isOfAccount(error)) {
        await this.#endSession(session);
      }
      throw error;
    }
  }

  async #openSession(signal: AbortSignal): Promise<Connection> {
    if (this.#session?.isOpen === true) {
      return this.#session;
    }
    const doing = "logging in to baostock";
    try {
      if (this.#session !== undefined) {
        // Wholly gone before the next one comes: an address has one connection at a time.
        await this.#endSession(this.#session);
      }
      await this.#awaitPause(doing, signal);
      this.#attemptedAtMs = this.#options.clock.elapsedMs();
      const connection = await Connection.open(this.#connecting, doing, signal);
      this.#session = connection;
      await this.#login(connection, doing, signal);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, { doing, ...this.#telling, isLogin: true });
    }
  }

  async #login(connection: Connection, doing: string, signal: AbortSignal): Promise<void> {
    this.#loginsAtMs = [...this.#loginsAtMs, this.#options.clock.elapsedMs()];
    try {
      const frame = await connection.ask(this.#loginFrame, doing, signal);
      requireSuccess(await orAbort(readElements(frame, this.#limits, doing), signal), LOGIN.method, doing);
    } catch (error) {
      await this.#endSession(connection);
      throw error;
    }
  }

  /** An attempt that met no server is no login, but waits for the one before it all the same. */
  async #awaitPause(doing: string, signal: AbortSignal): Promise<void> {
    const { clock, loginPauseMs = 10_000, loginsMax = 10, loginsWindowMs = HOUR_MS } = this.#options;
    const nowMs = clock.elapsedMs();
    this.#loginsAtMs = this.#loginsAtMs.filter((atMs) => nowMs - atMs < loginsWindowMs);
    const oldestMs = this.#loginsAtMs[0];
    if (oldestMs !== undefined && this.#loginsAtMs.length >= loginsMax) {
      const sentence = `${this.#loginsAtMs.length} logins within ${loginsWindowMs} ms are as many as are made`;
      throw new RateLimitError(`${doing}: ${sentence}, so that the address is not banned`, undefined, {
        retryAfterMs: Math.ceil(oldestMs + loginsWindowMs - nowMs),
      });
    }
    const waitMs = this.#attemptedAtMs === undefined ? 0 : this.#attemptedAtMs + loginPauseMs - nowMs;
    if (waitMs > 0) {
      await clock.sleep(waitMs, signal);
    }
  }

  async #endSession(session: Connection): Promise<void> {
    if (this.#session === session) {
      this.#session = undefined;
    }
    await session[Symbol.asyncDispose]();
  }

  /** Good manners only: the session ends with the connection in any case. */
  async #logout(session: Connection): Promise<void> {
    const { clock, user } = this.#options;
    const now = clock.now().toZonedDateTimeISO(SHANGHAI).toPlainDateTime();
    const time = now.toString({ smallestUnit: "second" }).replaceAll(/\D/g, "");
    const bytes = this.#encode(LOGOUT.type, [LOGOUT.method, user, time]);
    const never = new AbortController().signal;
    try {
      await session.ask(bytes, "logging out of baostock", never, LOGOUT_MS_MAX);
    } catch (error) {
      if (!(error instanceof TransientError) && !(error instanceof DataError)) {
        throw error;
      }
    }
  }

  #encode(type: string, fields: readonly string[]): Buffer {
    return encodeRequest(type, fields, this.#options.clientVersion ?? CLIENT_VERSION);
  }
}

/** Such a refusal is of the session, not of the request. */
function isOfAccount({ code, text }: Refusal): boolean {
  return code.startsWith("10001") || text.includes("黑名单");
}
