import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import { fullJitterMs } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import type { DataSet, RejectedRow, RowOf } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import { type Budget, type Grant, RateLimitError } from "../ports/budget.ts";
import type { Capability, Page, Source } from "../ports/source.ts";

export interface LineParts {
  readonly source: Source;
  readonly capability: Capability;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
  readonly newCallId: () => string;
  /** Told of every call that was answered; for counters. */
  readonly onCall?: ((call: Call, received: number) => void) | undefined;
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

/** One api of one provider: calls go out only by the budget, and what passes by itself is waited out. */
export class ProviderLine {
  readonly #parts: LineParts;
  #failuresInARow = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  get capability(): Capability {
    return this.#parts.capability;
  }

  get provider(): Source["provider"] {
    return this.#parts.source.provider;
  }

  grant(signal: AbortSignal): Promise<Grant> {
    return this.#parts.budget.acquire({ provider: this.provider, api: this.capability.api }, signal);
  }

  /** One request. Throws what the source throws. */
  async ask<D extends DataSet>(call: Call<D>, grant: Grant, signal: AbortSignal): Promise<Answered<D>> {
    const { source, log, clock, newCallId, onCall } = this.#parts;
    const callId = newCallId();
    const startedMs = clock.elapsedMs();
    const page = await source.fetch(call, signal);
    this.#failuresInARow = 0;
    onCall?.(call, page.received);
    log.debug("call answered", {
      callId,
      api: this.capability.api,
      selection: describeSelection(call),
      rows: page.received,
      rejected: page.rejected.length,
      rest: page.rest.length,
      ms: Math.round(clock.elapsedMs() - startedMs),
    });
    return { page, callId, version: grant.grantedAtMicros };
  }

  /**
   * Waits until a call that failed is worth another try, one warn line each. A limit that the provider named lowers
   * the budget of all workers to it, and a pause holds them all back.
   */
  async waitOut(call: Call, error: TransientError, signal: AbortSignal): Promise<void> {
    const { budget, clock, log } = this.#parts;
    const key = { provider: this.provider, api: this.capability.api };
    this.#failuresInARow += 1;
    const waitMs = error.retryAfterMs ?? fullJitterMs(this.#failuresInARow);
    log.warn("call failed, trying again", {
      ...key,
      selection: describeSelection(call),
      attempt: this.#failuresInARow,
      waitMs: Math.round(waitMs),
      kind: error.name,
      why: describeError(error),
    });
    if (error instanceof RateLimitError) {
      if (error.limit !== undefined) {
        await budget.lower(key, error.limit, signal);
      }
      await budget.pause(key, waitMs, signal);
    } else {
      await clock.sleep(waitMs, signal);
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

  async #askUntilAnswered<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Answered<D>> {
    for (;;) {
      const grant = await this.grant(signal);
      try {
        return await this.ask(call, grant, signal);
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
