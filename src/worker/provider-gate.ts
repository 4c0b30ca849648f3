import type { Clock } from "../base/clock.ts";
import { DataError, describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import { GivenBackError } from "../consumer/handling.ts";
import type { MessageError } from "../domain/message-error.ts";
import { toOutageError } from "../domain/outage.ts";
import type { BudgetKey } from "../ports/budget.ts";
import { type Standing, StandingWatchers } from "./standing-watchers.ts";
import { Breaker, type BreakerLimits, type BreakerWord, type Pass } from "./breaker.ts";

export interface GateLimits extends BreakerLimits {
  /** A message that an outage holds up for longer is given up; 0 never. */
  readonly outageDeadlineMs: number;
}

export interface GateParts {
  readonly key: BudgetKey;
  readonly limits: GateLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** For the jitter of pauses; Math.random by default. */
  readonly random?: () => number;
}

/** How a provider's API is, for whoever looks. */
export interface BreakerSeen {
  readonly provider: string;
  readonly api: string;
  readonly state: BreakerWord;
  /** Since when it is out, ISO 8601 in UTC; absent while it is closed. */
  readonly since?: string;
  /** When it is tried again; absent while it is closed and while a probe is out. */
  readonly nextProbe?: string;
  /** The last failure, while it is out. */
  readonly why?: string;
}

export interface GateListener {
  /** The provider answered a call; told of each. Must not throw. */
  readonly onAnswered?: () => void;
  /** An outage ended that had lasted so long, and in which messages were given up or not. Must not throw. */
  readonly onEnded?: (lastedMs: number, hasGivenUp: boolean) => void;
  /** It is out and the last message that waited was given up, so that none is left to try it with. Must not throw. */
  readonly onDeserted?: () => void;
}

/**
 * Since when outages, of one API after another, hold up something that goes from line to line; monotonic milliseconds,
 * Infinity while none does. Its owner hands it to each gate, and the gate keeps it.
 */
export interface HeldUp {
  sinceMs: number;
}

interface Waiter {
  readonly enteredMs: number;
  /** Before it came here an outage elsewhere may have held it up. */
  readonly sinceMs: number;
  readonly giveUp: GiveUp;
}

/** Ends what an outage holds up: MessageError `outage` at its deadline, GivenBackError in a drain. */
export type GiveUp = (error: MessageError | GivenBackError) => void;

/**
 * Where calls of one provider's API wait while it is out: no call is made and none is asked of the budget, except one
 * probe at a time. One line in the log when an outage begins and one when it ends, however many wait.
 */
export class ProviderGate {
  readonly #parts: GateParts;
  readonly #breaker: Breaker;
  readonly #listeners: GateListener[] = [];
  /** When the outage began, ISO 8601 in UTC: the same for all that it holds up. */
  #outSince = "";
  /** What an outage may hold up, in the order in which it came. */
  readonly #waiters = new Set<Waiter>();
  #isLettingGo = false;
  /** In the outage under way. */
  #hasGivenUp = false;
  #isWatching = false;
  /** When the first of them is due that the timer knows of; monotonic milliseconds. */
  #dueMs = Infinity;
  #endWatch = new AbortController();
  #changed = Promise.withResolvers<void>();
  readonly #watchers: StandingWatchers;
  /** Until then the budget grants nothing; monotonic milliseconds. */
  #heldUpUntilMs = -Infinity;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#breaker = new Breaker(parts.limits, parts.random);
    this.#watchers = new StandingWatchers(parts.clock, () => this.standing());
  }

  get isOut(): boolean {
    return this.#breaker.word !== "closed";
  }

  /** What whoever has a choice goes by. */
  standing(): Standing {
    const nowMs = this.#elapsedMs();
    const waitMs = Math.max(this.#breaker.waitMs(nowMs), this.#heldUpUntilMs - nowMs);
    if (waitMs > 0) {
      return { word: "out", untilMs: nowMs + waitMs };
    }
    return { word: this.isOut ? "probe" : "there" };
  }

  /**
   * `tell` is called when the standing turned to another word, also where only time has passed, until the function that is
   * returned is. Must not throw.
   */
  onChange(tell: () => void): () => void {
    return this.#watchers.add(tell);
  }

  /** The budget has nothing for so long: no outage, but no place to wait either for whoever has a choice. Its last word holds. */
  heldUp(ms: number): void {
    const nowMs = this.#elapsedMs();
    const [beforeMs, untilMs] = [this.#heldUpUntilMs, nowMs + ms];
    this.#heldUpUntilMs = untilMs;
    if (beforeMs <= nowMs) {
      this.#watchers.tell();
    } else if (untilMs < beforeMs) {
      this.#watchers.endsSooner();
    }
  }

  /** The budget granted a call: it has something again, however long that was to take. */
  granted(): void {
    if (this.#heldUpUntilMs > this.#elapsedMs()) {
      this.#heldUpUntilMs = -Infinity;
      this.#watchers.tell();
    }
  }

  listen(listener: GateListener): void {
    this.#listeners.push(listener);
  }

  /** Waits until a call may go. To be ended by `ended` or `withdraw`, once. */
  async enter(signal: AbortSignal): Promise<Pass> {
    const { clock } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      const waitMs = this.#breaker.waitMs(clock.elapsedMs());
      if (waitMs === 0) {
        return this.#breaker.admit(clock.elapsedMs());
      }
      await (waitMs === Infinity ? orAbort(this.#changed.promise, signal) : clock.sleep(waitMs, signal));
    }
  }

  /** False when an outage began while the call waited for something else. */
  isCurrent(pass: Pass): boolean {
    return this.#breaker.isCurrent(pass);
  }

  withdraw(pass: Pass): void {
    this.#withdrawn(pass);
    this.#wake();
  }

  /** The call was answered, with `error` undefined, or ended with it. */
  ended(pass: Pass, error?: unknown): void {
    if (error === undefined || error instanceof DataError) {
      this.#answered(pass);
    } else if (error instanceof TransientError) {
      this.#failed(pass, error);
    } else {
      this.#withdrawn(pass);
    }
    this.#wake();
  }

  /**
   * From now on an outage holds up nothing, this one or a later one: for a drain, which would wait for it in vain. Who
   * waits comes again and is done when the provider is back; its call, if one is under way, is its own affair.
   */
  letGo(): void {
    this.#isLettingGo = true;
    this.#letGoInOutage();
  }

  /**
   * For a message that waits for this API: `giveUp` is called, once, when an outage has held it up for the deadline, or
   * is not to hold it up any more. Returns how to say that it waits no more.
   */
  watch(giveUp: GiveUp, heldUp: HeldUp = { sinceMs: Infinity }): () => void {
    const enteredMs = this.#elapsedMs();
    const waiter = { enteredMs, sinceMs: Math.min(heldUp.sinceMs, enteredMs), giveUp };
    this.#waiters.add(waiter);
    if (this.#dueMsOf(waiter) < this.#dueMs) {
      this.#endWatch.abort();
    }
    this.#watchOutage();
    if (this.#isLettingGo) {
      // Not before the caller has heard how to say that it waits no more.
      queueMicrotask(() => this.#letGoInOutage());
    }
    return () => {
      heldUp.sinceMs = this.#heldUpSinceMs(waiter);
      if (this.#waiters.delete(waiter) && this.#waiters.size === 0) {
        this.#endWatch.abort();
      }
    };
  }

  /** What `promise` brings, unless an outage holds it up for the deadline or the signal aborts; others may wait for it too. */
  async orOutage<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    const tooLong = new AbortController();
    const forget = this.watch((error) => tooLong.abort(error));
    try {
      return await orAbort(promise, AbortSignal.any([signal, tooLong.signal]));
    } finally {
      forget();
    }
  }

  /** Milliseconds until the next try; undefined while it is not out, or while a probe is. */
  nextProbeMs(): number | undefined {
    const waitMs = this.#breaker.waitMs(this.#parts.clock.elapsedMs());
    return this.isOut && waitMs !== Infinity ? waitMs : undefined;
  }

  describe(): BreakerSeen {
    const { key } = this.#parts;
    const { word, why } = this.#breaker;
    if (!this.isOut) {
      return { ...key, state: word };
    }
    const probeMs = this.nextProbeMs();
    const nextProbe = probeMs === undefined ? {} : { nextProbe: this.#isoIn(probeMs) };
    return { ...key, state: word, since: this.#outSince, ...nextProbe, why };
  }

  #answered(pass: Pass): void {
    const { key, log } = this.#parts;
    const sinceMs = this.#breaker.outSinceMs;
    const hasClosed = this.#breaker.answered(pass);
    for (const { onAnswered } of this.#listeners) {
      onAnswered?.();
    }
    if (hasClosed && sinceMs !== undefined) {
      const outMs = this.#elapsedMs() - sinceMs;
      this.#endWatch.abort();
      log.info("provider is back, its work goes on", { ...key, outMs: Math.round(outMs) });
      for (const { onEnded } of this.#listeners) {
        onEnded?.(outMs, this.#hasGivenUp);
      }
      this.#hasGivenUp = false;
      this.#watchers.tell();
    }
  }

  #failed(pass: Pass, error: TransientError): void {
    const { key, log } = this.#parts;
    const why = describeError(error);
    if (this.#breaker.failed(pass, { why, statedWaitMs: error.retryAfterMs }, this.#elapsedMs())) {
      this.#outSince = this.#isoIn(0);
      log.warn("provider is out, its work waits or goes to the next of the chain", {
        ...key,
        nextProbeMs: Math.round(this.nextProbeMs() ?? 0),
        isStated: error.retryAfterMs !== undefined,
        why,
      });
      this.#watchOutage();
      this.#letGoInOutage();
    }
    if (this.isOut) {
      this.#watchers.tell();
    }
  }

  /** Of a probe that came to nothing somebody else is to be the next. */
  #withdrawn(pass: Pass): void {
    this.#breaker.withdrawn(pass);
    if (this.isOut) {
      this.#watchers.tell();
    }
  }

  #letGoInOutage(): void {
    if (!this.#isLettingGo || !this.isOut) {
      return;
    }
    const { provider, api } = this.#parts.key;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    this.#endWatch.abort();
    for (const { giveUp } of waiters) {
      giveUp(new GivenBackError(`${provider} ${api} is out`));
    }
  }

  /** One timer for all that wait. */
  #watchOutage(): void {
    const { outageDeadlineMs } = this.#parts.limits;
    if (outageDeadlineMs > 0 && !this.#isWatching && this.#waiters.size > 0 && this.isOut) {
      this.#isWatching = true;
      this.#endWatch = new AbortController();
      void this.#giveUpWhenDue(this.#endWatch.signal).finally(() => {
        this.#isWatching = false;
        // What changed while the timer ended may need another one.
        this.#watchOutage();
      });
    }
  }

  async #giveUpWhenDue(signal: AbortSignal): Promise<void> {
    // Not before the caller has heard how to say that it waits no more: it may be due when it comes.
    await Promise.resolve();
    while (!signal.aborted) {
      this.#giveUpDue();
      this.#dueMs = this.#waiters.values().reduce((least, one) => Math.min(least, this.#dueMsOf(one)), Infinity);
      if (this.#dueMs === Infinity) {
        return;
      }
      const leftMs = Math.min(Math.max(0, this.#dueMs - this.#elapsedMs()), SLEEP_MS_MAX);
      await this.#parts.clock.sleep(leftMs, signal).catch(() => undefined);
    }
  }

  #giveUpDue(): void {
    const { key } = this.#parts;
    const nowMs = this.#elapsedMs();
    const due = [...this.#waiters].filter((one) => this.#dueMsOf(one) <= nowMs);
    for (const waiter of due) {
      if (this.#waiters.delete(waiter)) {
        this.#hasGivenUp = true;
        waiter.giveUp(toOutageError({ ...key, since: this.#outSince, why: this.#breaker.why }));
      }
    }
    if (due.length > 0 && this.#waiters.size === 0) {
      for (const { onDeserted } of this.#listeners) {
        onDeserted?.();
      }
    }
  }

  /** When it is given up; Infinity while no outage holds it up. */
  #dueMsOf(waiter: Waiter): number {
    return this.#heldUpSinceMs(waiter) + this.#parts.limits.outageDeadlineMs;
  }

  #heldUpSinceMs({ enteredMs, sinceMs }: Waiter): number {
    const { outSinceMs = Infinity } = this.#breaker;
    return outSinceMs <= enteredMs ? sinceMs : outSinceMs;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #elapsedMs(): number {
    return this.#parts.clock.elapsedMs();
  }

  #isoIn(ms: number): string {
    return new Date(Math.round(this.#parts.clock.nowMs() + ms)).toISOString();
  }
}

/** A timer of Node takes no more than 24.8 days. */
const SLEEP_MS_MAX = 24 * 60 * 60_000;
