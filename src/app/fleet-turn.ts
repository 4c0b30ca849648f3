import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import type { DataSet } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import type { Lock } from "../ports/lock.ts";
import type { Page, Source } from "../ports/source.ts";

export interface FleetTurnParts {
  /** Makes no connection before its first fetch, and leaves none open when it rests. */
  readonly source: Source;
  /** The fleet's. */
  readonly lock: Lock;
  readonly clock: Clock;
  readonly log: Log;
  /** A worker that is not asked for anything for so long lets the next one in. Default 30 s. */
  readonly idleMsMax?: number;
  /** A busy one does after so long. Default 10 min: every turn is a login, and logins are counted, too. */
  readonly turnMsMax?: number;
  /** How often it looks whether its turn is over; the lock is asked for less often. Default 1 s. */
  readonly lookEveryMs?: number;
}

const IDLE_MS_MAX = 30_000;
const TURN_MS_MAX = 10 * 60_000;
const LOOK_EVERY_MS = 1_000;

interface Turn {
  users: number;
  lastUsedMs: number;
  isOver: boolean;
}

/**
 * A provider that bans addresses with several connections is asked by one worker of the fleet at a time; the others wait.
 * States: no turn, waiting for one, in turn (calls come and go), leaving (those under way end, new ones wait for the next
 * turn). While Redis is away everybody goes ahead, as with every lock of the fleet.
 */
export function withFleetTurn(parts: FleetTurnParts): Source {
  const turns = new FleetTurns(parts);
  return {
    provider: parts.source.provider,
    capabilities: parts.source.capabilities,
    fetch: <D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> =>
      turns.use((source) => source.fetch(call, signal), signal),
    ready: (signal) => turns.ready(signal),
    [Symbol.asyncDispose]: () => turns[Symbol.asyncDispose](),
  };
}

/** The lock that whoever is in turn holds. */
export function turnName(provider: Source["provider"]): string {
  return `provider-${provider}`;
}

class FleetTurns implements AsyncDisposable {
  readonly #parts: FleetTurnParts;
  readonly #closing = new AbortController();
  #turn: Promise<Turn> | undefined;
  #served: Promise<void> = Promise.resolve();
  #hasServed = false;

  constructor(parts: FleetTurnParts) {
    this.#parts = parts;
  }

  async use<T>(act: (source: Source) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      const turn = await orAbort((this.#turn ??= this.#begin()), signal);
      if (turn.isOver) {
        continue;
      }
      turn.users += 1;
      try {
        return await act(this.#parts.source);
      } finally {
        turn.users -= 1;
        turn.lastUsedMs = this.#parts.clock.elapsedMs();
      }
    }
  }

  /** What goes wrong with the turn is told to those who use it. */
  async ready(signal: AbortSignal): Promise<void> {
    const isThere = this.use(() => Promise.resolve(), signal);
    await isThere.catch(() => signal.throwIfAborted());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new TransientError(`calling ${this.#parts.source.provider}: the source was closed`));
    await this.#served;
    await this.#parts.source[Symbol.asyncDispose]();
  }

  #begin(): Promise<Turn> {
    const { lock, log, clock, lookEveryMs = LOOK_EVERY_MS } = this.#parts;
    const { provider } = this.#parts.source;
    const begun = Promise.withResolvers<Turn>();
    const before = this.#served;
    const isFirst = !this.#hasServed;
    this.#hasServed = true;
    const serve = async (): Promise<void> => {
      await before;
      if (!isFirst) {
        // Long enough for another worker to take the lock that was just let go.
        await clock.sleep(lookEveryMs, this.#closing.signal);
      }
      const { signal } = this.#closing;
      const waiting = new AbortController();
      const giveUp = (): void => waiting.abort(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      const act = async (): Promise<void> => {
        // From now on the end waits until the provider was left.
        signal.removeEventListener("abort", giveUp);
        await this.#serve(begun);
      };
      await orAbort(lock.withLock(turnName(provider), act, signal), waiting.signal);
    };
    this.#served = serve().catch((error: unknown) => {
      this.#leave(begun.promise);
      begun.reject(error);
      if (!this.#closing.signal.aborted) {
        log.warn("a turn with a provider ended with a failure", { provider, why: describeError(error) });
      }
    });
    // Whoever waits for the turn sees the failure.
    begun.promise.catch(() => undefined);
    return begun.promise;
  }

  /** Nobody joins this turn any more. Calls may wait for the next one already, which stays. */
  #leave(turn: Promise<Turn>): void {
    if (this.#turn === turn) {
      this.#turn = undefined;
    }
  }

  /** Runs until the turn is over; the source rests before the next worker's begins. */
  async #serve(begun: PromiseWithResolvers<Turn>): Promise<void> {
    const {
      clock,
      source,
      idleMsMax = IDLE_MS_MAX,
      turnMsMax = TURN_MS_MAX,
      lookEveryMs = LOOK_EVERY_MS,
    } = this.#parts;
    // The lock may come when nobody waits for it any more.
    this.#closing.signal.throwIfAborted();
    const startedMs = clock.elapsedMs();
    const turn: Turn = { users: 0, lastUsedMs: startedMs, isOver: false };
    begun.resolve(turn);
    const closing = this.#closing.signal;
    while (!turn.isOver || turn.users > 0) {
      await clock.sleep(lookEveryMs, closing).catch(() => undefined);
      const nowMs = clock.elapsedMs();
      const isIdle = turn.users === 0 && nowMs - turn.lastUsedMs >= idleMsMax;
      if (closing.aborted) {
        break;
      }
      if (!turn.isOver && (isIdle || nowMs - startedMs >= turnMsMax)) {
        turn.isOver = true;
        this.#leave(begun.promise);
      }
    }
    this.#leave(begun.promise);
    await source.rest?.();
  }
}
