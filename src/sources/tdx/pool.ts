import type { Clock } from "../../base/clock.ts";
import { describeError, TransientError } from "../../base/errors.ts";
import { orAbort } from "../../base/or-abort.ts";
import { Semaphore } from "../../base/semaphore.ts";
import type { Day } from "../../domain/day.ts";
import type { ConnectionTimes, TdxConnection, TdxServer } from "./connection.ts";
import { HollowAnswerError, StaleHostError } from "./errors.ts";
import { TdxHost } from "./host.ts";

export interface PoolOptions {
  readonly servers: readonly TdxServer[];
  readonly clock: Clock;
  /** Requests under way at a time, each on a connection of its own. */
  readonly connectionsMax: number;
  readonly callMsMax: number;
  readonly probeMsMax: number;
  readonly pauseMs: number;
  readonly heartbeatMs: number;
}

/** What a host answered, and which one it was. */
export interface Told<T> {
  readonly value: T;
  readonly host: string;
}

/** Hosts tried for one call before the failure is the caller's. */
const HOSTS_TRIED_MAX = 3;
/** A connection older than this proves once more that its host has the newest bar of the index. */
const CHECK_MS = 900_000;
/** A host that answers the probe after this is no use, however soon it accepted. */
const PROBE_ANSWER_FACTOR = 3;

/**
 * Several servers of which any may be away, empty or a day behind. All are tried before the first call; those that give
 * a real bar of the index serve, the nearest first, each call on the one that has the least to do. One that fails, is
 * hollow or stale is left alone for a while; when none is left all are tried anew.
 */
export class TdxPool implements AsyncDisposable {
  readonly #hosts: readonly TdxHost[];
  readonly #options: PoolOptions;
  readonly #places: Semaphore;
  readonly #closed = new AbortController();
  readonly #open = new Set<TdxConnection>();
  #probing: Promise<void> | undefined;
  #isProbed = false;

  constructor(options: PoolOptions) {
    if (options.servers.length === 0) {
      throw new RangeError("opening tdx: expected at least one server");
    }
    this.#options = options;
    this.#hosts = options.servers.map((server) => new TdxHost(server, options.clock));
    this.#places = new Semaphore(options.connectionsMax);
  }

  /**
   * Does `work` on a connection. A hollow answer is tried once more on a fresh connection to the same host, which is
   * then left alone; any other failure is the caller's at once, and the next call goes elsewhere.
   */
  async run<T>(
    work: (connection: TdxConnection, host: TdxHost) => Promise<T>,
    caller: AbortSignal,
    except?: string,
  ): Promise<Told<T>> {
    const signal = AbortSignal.any([caller, this.#closed.signal]);
    using _ = await this.#places.enter(signal);
    const { host, connection } = await this.#lease(signal, except);
    let held = connection;
    try {
      try {
        return { value: await work(held, host), host: host.name };
      } catch (error) {
        if (!(error instanceof HollowAnswerError)) {
          throw error;
        }
        await this.#drop(held);
        held = await this.#connect(host, this.#times(), signal);
        return { value: await work(held, host), host: host.name };
      }
    } catch (error) {
      // An answer about this very request says nothing against the host.
      if (!signal.aborted && error instanceof TransientError && !error.isAnswered) {
        host.bench(error, this.#now());
        await this.#drop(held);
      }
      throw error;
    } finally {
      host.leases -= 1;
      await this.#giveBack(host, held);
    }
  }

  /** Whether another host than this one could be asked now. */
  hasOther(name: string): boolean {
    return this.#usable(name).length > 0;
  }

  /** A host whose answer another one disproved. */
  distrust(name: string, error: TransientError): void {
    this.#hosts.find((host) => host.name === name)?.bench(error, this.#now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new TransientError("talking to tdx: the source was closed"));
    await this.#probing?.catch(() => undefined);
    await Promise.all([...this.#open].map((connection) => this.#drop(connection)));
  }

  /** A checked connection to the best host, which counts as leased; tries some before it gives up. */
  async #lease(
    signal: AbortSignal,
    except: string | undefined,
  ): Promise<{ readonly host: TdxHost; readonly connection: TdxConnection }> {
    let failure: unknown;
    for (let tried = 0; tried < HOSTS_TRIED_MAX; tried += 1) {
      if (!this.#isProbed || this.#usable(except).length === 0) {
        await this.#probe(signal);
      }
      const [host] = this.#usable(except);
      if (host === undefined) {
        break;
      }
      // Counted before the wait, so that the next one who looks goes elsewhere.
      host.leases += 1;
      try {
        return { host, connection: await this.#checked(host, signal) };
      } catch (error) {
        host.leases -= 1;
        signal.throwIfAborted();
        if (!(error instanceof TransientError)) {
          throw error;
        }
        failure = error;
        host.bench(error, this.#now());
      }
    }
    throw failure ?? new TransientError("talking to tdx: no other server answers");
  }

  async #checked(host: TdxHost, signal: AbortSignal): Promise<TdxConnection> {
    const idle = host.takeIdle();
    const connection = idle ?? (await this.#connect(host, this.#times(), signal));
    try {
      if (this.#options.clock.elapsedMs() - host.checkedMs(connection) > CHECK_MS) {
        await host.check(connection, signal);
      }
      this.#refuseStale(host);
      return connection;
    } catch (error) {
      await this.#drop(connection);
      throw error;
    }
  }

  /** Only a reading just made is compared: an old one of another host says nothing against that host. */
  #refuseStale(host: TdxHost): void {
    const newest = newestOf(this.#hosts);
    if (host.newestDay !== undefined && newest !== undefined && host.newestDay < newest) {
      const isFresh = this.#hosts.some((other) => other !== host && other.newestDay === newest && this.#isUp(other));
      if (isFresh) {
        throw new StaleHostError(
          `asking ${host.name} for the index: its newest bar is of ${host.newestDay}, elsewhere of ${newest}`,
        );
      }
    }
  }

  #isUp(host: TdxHost): boolean {
    return host.isUsable(this.#now());
  }

  /** Hosts that may be asked: the ones with the least to do first, and of these the nearest. */
  #usable(except: string | undefined): readonly TdxHost[] {
    return this.#hosts
      .filter((host) => host.name !== except && this.#isUp(host))
      .toSorted(
        (left, right) =>
          left.leases - right.leases || (left.connectMs ?? Infinity) - (right.connectMs ?? Infinity) || 0,
      );
  }

  /** One run for all who wait for it; it ends with the pool, not with a caller. */
  async #probe(signal: AbortSignal): Promise<void> {
    this.#probing ??= this.#probeAll().finally(() => {
      this.#probing = undefined;
    });
    await orAbort(this.#probing, signal);
  }

  async #probeAll(): Promise<void> {
    const { probeMsMax, callMsMax } = this.#options;
    const answerMsMax = Math.min(PROBE_ANSWER_FACTOR * probeMsMax, callMsMax);
    const times = { ...this.#times(), connectMsMax: probeMsMax, answerMsMax };
    const closed = this.#closed.signal;
    const failures: unknown[] = [];
    await Promise.all(
      this.#hosts.map(async (host) => {
        try {
          await Promise.all(host.idle.splice(0).map((old) => this.#drop(old)));
          host.idle.push(await this.#connect(host, times, closed));
          host.forgive();
        } catch (error) {
          host.bench(error, this.#now());
          failures.push(error);
        }
      }),
    );
    closed.throwIfAborted();
    const answered = this.#hosts.filter((host) => host.idle.length > 0 && this.#isUp(host));
    const newest = newestOf(answered);
    for (const host of answered) {
      if (newest !== undefined && host.newestDay !== undefined && host.newestDay < newest) {
        const error = new StaleHostError(`asking ${host.name}: it has nothing after ${host.newestDay}`);
        host.bench(error, this.#now());
        failures.push(error);
      }
    }
    this.#isProbed = true;
    const usable = this.#usable(undefined);
    if (usable.length === 0) {
      const first = failures.find((failure) => failure instanceof HollowAnswerError) ?? failures[0];
      throw new TransientError(
        `looking for a server of tdx: none of ${this.#hosts.length} serves, the first says ${describeError(first)}`,
        { cause: first },
      );
    }
    // The others were only asked how they are.
    const surplus = answered.filter((host) => !usable.slice(0, this.#options.connectionsMax).includes(host));
    await Promise.all(surplus.flatMap((host) => host.idle.splice(0)).map((connection) => this.#drop(connection)));
  }

  async #connect(host: TdxHost, times: ConnectionTimes, signal: AbortSignal): Promise<TdxConnection> {
    const connection = await host.open(times, signal);
    this.#open.add(connection);
    if (this.#closed.signal.aborted) {
      await this.#drop(connection);
      this.#closed.signal.throwIfAborted();
    }
    return connection;
  }

  async #drop(connection: TdxConnection): Promise<void> {
    this.#open.delete(connection);
    await connection[Symbol.asyncDispose]();
  }

  async #giveBack(host: TdxHost, connection: TdxConnection): Promise<void> {
    if (!connection.isOpen || this.#closed.signal.aborted) {
      await this.#drop(connection);
    } else {
      host.idle.push(connection);
    }
  }

  #times(): ConnectionTimes {
    const { clock, callMsMax, probeMsMax, pauseMs, heartbeatMs } = this.#options;
    return { clock, connectMsMax: probeMsMax, answerMsMax: callMsMax, pauseMs, heartbeatMs };
  }

  #now(): number {
    return this.#options.clock.elapsedMs();
  }
}

function newestOf(hosts: readonly TdxHost[]): Day | undefined {
  return hosts
    .flatMap(({ newestDay }) => (newestDay === undefined ? [] : [newestDay]))
    .toSorted()
    .at(-1);
}
