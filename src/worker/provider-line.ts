import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import { fullJitterMs, type RetryWaits } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import type { DataSet, RejectedRow, RowOf } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import { type Budget, type Grant, RateLimitError } from "../ports/budget.ts";
import type { Capability, Page, Source } from "../ports/source.ts";
import type { Pass } from "./breaker.ts";
import type { GiveUp, HeldUp, ProviderGate } from "./provider-gate.ts";
import type { Standing } from "./standing-watchers.ts";

export interface LineParts {
  readonly source: Source;
  readonly capability: Capability;
  readonly budget: Budget;
  /** Shared by all lines of one api. */
  readonly gate: ProviderGate;
  /** Between tries of a call while the provider is not out. */
  readonly retryWaits: RetryWaits;
  readonly clock: Clock;
  readonly log: Log;
  readonly newCallId: () => string;
  /** Told of every call that was answered or failed, but not of one that was dropped; for counters. Must not throw. */
  readonly onCall?: OnCall | undefined;
  /** Told of every wait between tries and every wait while the provider is out, once it is over; for counters. Must not throw. */
  readonly onWait?: OnWait | undefined;
}

/** A wait for a provider, as it ended. What the budget let a call wait is told with the call. */
export interface EndedWait {
  readonly provider: Source["provider"];
  readonly api: string;
  readonly reason: "retry" | "outage";
  readonly ms: number;
}

export type OnWait = (ended: EndedWait) => void;

/** One request to a provider, as it ended. */
export interface EndedCall {
  readonly provider: Source["provider"];
  readonly api: string;
  readonly callId: string;
  readonly call: Call;
  /** How long the budget let it wait. */
  readonly waitedMs: number;
  readonly ms: number;
  /** Rows in the answer before any check. */
  readonly received: number;
  /** What it failed with; undefined when it was answered. */
  readonly error: unknown;
}

export type OnCall = (ended: EndedCall) => void;

/** What one call needs: the breaker lets it through, and the budget grants it. Ended by `ask`, or by `giveBack`. */
export interface Admission {
  readonly grant: Grant;
  readonly pass: Pass;
}

export interface Answered<D extends DataSet> {
  readonly page: Page<D>;
  readonly callId: string;
  readonly version: bigint;
}

/** All pages of a call and of what they were cut off from. */
export interface WholeAnswer<D extends DataSet> {
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
  readonly callIds: readonly string[];
  /** The newest grant among the calls. */
  readonly version: bigint;
}

/**
 * A limit by the minute lets everybody go on within a minute. What waits for longer, for a limit by the day or because
 * another worker was told to leave the provider alone, goes to the next provider where there is one.
 */
const HELD_UP_MS_MIN = 90_000;

/**
 * One api of one provider: calls go out only by the budget, what passes by itself is waited out, and while the provider is
 * out nothing is asked, neither of it nor of the budget.
 */
export class ProviderLine {
  readonly #parts: LineParts;
  #failuresInARow = 0;
  #callsUnderWay = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  get capability(): Capability {
    return this.#parts.capability;
  }

  get provider(): Source["provider"] {
    return this.#parts.source.provider;
  }

  /** Requests that the provider has yet to answer. */
  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** Waits until a call may be made. A grant that comes when an outage has just begun is let go, one at most. */
  async admit(signal: AbortSignal): Promise<Admission> {
    const { source, budget, gate } = this.#parts;
    for (;;) {
      // Before a grant is taken, and while nobody's call is under way.
      await source.ready?.(signal);
      const pass = await this.#enter(signal);
      let grant: Grant;
      try {
        grant = await budget.acquire({ provider: this.provider, api: this.capability.api }, signal, (waitMs) => {
          if (waitMs >= HELD_UP_MS_MIN) {
            gate.heldUp(waitMs);
          }
        });
      } catch (error) {
        gate.withdraw(pass);
        throw error;
      }
      gate.granted();
      if (gate.isCurrent(pass)) {
        return { grant, pass };
      }
    }
  }

  /** There is nothing to ask any more. */
  giveBack({ pass }: Admission): void {
    this.#parts.gate.withdraw(pass);
  }

  /** For what waits for this line: see `ProviderGate`. */
  watch(giveUp: GiveUp, heldUp?: HeldUp): () => void {
    return this.#parts.gate.watch(giveUp, heldUp);
  }

  /** For what several messages wait for together: see `ProviderGate`. */
  orOutage<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#parts.gate.orOutage(promise, signal);
  }

  get isOut(): boolean {
    return this.#parts.gate.isOut;
  }

  standing(): Standing {
    return this.#parts.gate.standing();
  }

  onChange(tell: () => void): () => void {
    return this.#parts.gate.onChange(tell);
  }

  /** One request. Throws what the source throws. */
  async ask<D extends DataSet>(call: Call<D>, { grant, pass }: Admission, signal: AbortSignal): Promise<Answered<D>> {
    const { log, clock, newCallId, onCall } = this.#parts;
    const callId = newCallId();
    const startedMs = clock.elapsedMs();
    const { api } = this.capability;
    const ended = { provider: this.provider, api, callId, call, waitedMs: grant.waitedMs };
    let page: Page<D>;
    try {
      page = await this.#fetch(call, pass, signal);
    } catch (error) {
      if (!signal.aborted) {
        onCall?.({ ...ended, ms: clock.elapsedMs() - startedMs, received: 0, error });
      }
      throw error;
    }
    const ms = clock.elapsedMs() - startedMs;
    this.#failuresInARow = 0;
    onCall?.({ ...ended, ms, received: page.received, error: undefined });
    log.debug("call answered", {
      callId,
      api,
      selection: describeSelection(call),
      rows: page.received,
      rejected: page.rejected.length,
      rest: page.rest.length,
      ms: Math.round(ms),
    });
    return { page, callId, version: grant.grantedAtMicros };
  }

  /**
   * Waits until a call that failed is worth another try, one warn line each. A limit that the provider named lowers the
   * budget of all workers to it, and a wait that it stated holds them all back. While the provider is out there is no
   * wait of the call's own: the next admission waits.
   */
  async waitOut(call: Call, error: TransientError, signal: AbortSignal): Promise<void> {
    const { budget, gate, retryWaits, clock, log } = this.#parts;
    const key = { provider: this.provider, api: this.capability.api };
    this.#failuresInARow += 1;
    const ownWaitMs = gate.isOut ? 0 : fullJitterMs(this.#failuresInARow, retryWaits);
    log.warn("call failed, trying again", {
      ...key,
      selection: describeSelection(call),
      attempt: this.#failuresInARow,
      waitMs: Math.round(error.retryAfterMs ?? gate.nextProbeMs() ?? ownWaitMs),
      kind: error.name,
      why: describeError(error),
    });
    if (error instanceof RateLimitError && error.limit !== undefined) {
      await budget.lower(key, error.limit, signal);
    }
    if (error.retryAfterMs === undefined) {
      const startedMs = clock.elapsedMs();
      await clock.sleep(ownWaitMs, signal);
      if (ownWaitMs > 0) {
        this.#waited("retry", startedMs);
      }
    } else {
      await budget.pause(key, error.retryAfterMs, signal);
    }
  }

  /** Asks until everything the call names was answered. Throws DataError, PermanentError or the signal's reason. */
  async fetchAll<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<WholeAnswer<D>> {
    const open: Call<D>[] = [call];
    const rows: RowOf[D][] = [];
    const rejected: RejectedRow[] = [];
    const callIds: string[] = [];
    let version = 0n;
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const answered = await this.#askUntilAnswered(next, signal);
      rows.push(...answered.page.rows);
      rejected.push(...answered.page.rejected);
      callIds.push(answered.callId);
      version = answered.version > version ? answered.version : version;
      open.unshift(...answered.page.rest);
    }
    return { rows, rejected, callIds, version };
  }

  async #enter(signal: AbortSignal): Promise<Pass> {
    const { gate, clock } = this.#parts;
    const isHeldUp = gate.isOut;
    const startedMs = clock.elapsedMs();
    const pass = await gate.enter(signal);
    if (isHeldUp) {
      this.#waited("outage", startedMs);
    }
    return pass;
  }

  #waited(reason: EndedWait["reason"], startedMs: number): void {
    const { onWait, clock } = this.#parts;
    onWait?.({ provider: this.provider, api: this.capability.api, reason, ms: clock.elapsedMs() - startedMs });
  }

  async #fetch<D extends DataSet>(call: Call<D>, pass: Pass, signal: AbortSignal): Promise<Page<D>> {
    const { source, gate } = this.#parts;
    this.#callsUnderWay += 1;
    try {
      const page = await source.fetch({ ...call, api: this.capability.api }, signal);
      gate.ended(pass);
      return page;
    } catch (error) {
      if (signal.aborted) {
        gate.withdraw(pass);
      } else {
        gate.ended(pass, error);
      }
      throw error;
    } finally {
      this.#callsUnderWay -= 1;
    }
  }

  async #askUntilAnswered<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Answered<D>> {
    for (;;) {
      const admission = await this.admit(signal);
      try {
        return await this.ask(call, admission, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransientError)) {
          throw error;
        }
        await this.waitOut(call, error, signal);
      }
    }
  }
}

/** What a call asks for, short enough for a log line. */
export function describeSelection(call: Call): string {
  const { selection } = call;
  switch (selection.by) {
    case "codes": {
      const [first] = selection.codes;
      const more = selection.codes.length - 1;
      return `${first}${more > 0 ? ` and ${more} more` : ""} ${selection.from}..${selection.to}`;
    }
    case "day":
      return `market on ${selection.day}${call.offset === undefined ? "" : ` from row ${call.offset}`}`;
    case "range":
      return `${selection.from}..${selection.to}`;
    case "status":
      return selection.status;
  }
}
