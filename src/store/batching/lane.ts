import type { Clock } from "../../base/clock.ts";
import { PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed, type FailureAdvice } from "../../base/retry.ts";
import type { Model, RowOutcome, Store, TableHealth, WriteOptions } from "../../ports/store.ts";
import { Batch, type Entry, type SendReason } from "./batch.ts";
import type { BatchLimits } from "./limits.ts";
import { estimateBytes } from "./model-bytes.ts";
import type { Gate } from "./gate.ts";
import type { Outage } from "./outage.ts";
import { Pressure } from "./pressure.ts";
import { StorePressureError } from "../pressure-error.ts";

/** A batch that became durable. */
export interface SentBatch {
  readonly model: Model["model"];
  readonly rows: number;
  /** How many callers had rows in it. */
  readonly callers: number;
  readonly reason: SendReason | "closing";
  readonly ms: number;
}

export interface LaneParts {
  readonly model: Model["model"];
  readonly store: Store;
  readonly limits: BatchLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSent: (batch: SentBatch) => void;
  readonly outage: Outage;
  /** Who is inside is writing now. */
  readonly writers: Gate;
  /** The pressure of this table may have changed. */
  readonly onPressure: () => void;
}

interface Waiter extends Entry {
  readonly models: readonly Model[];
  readonly signal: AbortSignal;
  readonly resolve: (outcomes: readonly RowOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one writer of a table. Asleep until rows come; then it gathers until the batch is due, writes it while the next one
 * gathers, and so on until nothing is left. A caller's promise resolves with the outcomes of its own rows.
 */
export class Lane {
  readonly #parts: LaneParts;
  readonly #pressure: Pressure;
  readonly #batch: Batch<Waiter>;
  #running: Promise<void> | undefined;
  #isWriting = false;
  #isClosing = false;
  /** Ends the wait for more rows; undefined while nobody waits. */
  #alarm: AbortController | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#pressure = new Pressure(parts.limits);
    this.#batch = new Batch(() => this.#pressure.batchLimits);
  }

  get isAlone(): boolean {
    return this.#pressure.isAlone;
  }

  health(): TableHealth {
    const { kind, isRefused, rowsMax, gather } = this.#pressure;
    return { model: this.#parts.model, pressure: kind, isRefused, batchRowsMax: rowsMax, gather };
  }

  /** Rejects at once when the signal aborts; rows that are being written then may be stored or not. */
  async add(models: readonly Model[], signal: AbortSignal): Promise<readonly RowOutcome[]> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<readonly RowOutcome[]>();
    const bytes = models.reduce((sum, model) => sum + estimateBytes(model), 0);
    const waiter: Waiter = { models, rows: models.length, bytes, signal, resolve, reject };
    const onAbort = () => {
      this.#batch.remove(waiter);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#batch.add(waiter, this.#parts.clock.elapsedMs(), this.#isWriting);
    this.#wakeIfDue();
    this.#running ??= this.#run();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Sends what has gathered without waiting for more; resolves when nothing is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#alarm?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    for (let due = this.#batch.due(); due !== undefined; due = this.#batch.due()) {
      const waitMs = due.atMs - clock.elapsedMs();
      if (waitMs > 0 && !this.#isClosing) {
        await this.#waitForMore(waitMs);
      } else {
        await this.#write(this.#batch.take(clock.elapsedMs()), this.#isClosing ? "closing" : due.reason);
      }
    }
    this.#running = undefined;
  }

  async #waitForMore(ms: number): Promise<void> {
    const alarm = new AbortController();
    this.#alarm = alarm;
    try {
      await this.#parts.clock.sleep(ms, alarm.signal);
    } catch (error) {
      if (!alarm.signal.aborted) {
        throw error;
      }
    } finally {
      this.#alarm = undefined;
    }
  }

  #wakeIfDue(): void {
    const due = this.#batch.due();
    if (due !== undefined && due.atMs <= this.#parts.clock.elapsedMs()) {
      this.#alarm?.abort();
    }
  }

  /** Never rejects: whatever happens reaches the callers whose rows these are. */
  async #write(
    waiters: readonly Waiter[],
    reason: SentBatch["reason"],
    failed?: WriteOptions["failed"],
  ): Promise<void> {
    const { model, clock, log, onSent } = this.#parts;
    const models = waiters.flatMap((waiter) => waiter.models);
    const work = whileAnyoneWaits(waiters);
    const startedMs = clock.elapsedMs();
    this.#isWriting = true;
    try {
      const outcomes = await this.#untilStored(models, failed, work.signal);
      const ms = clock.elapsedMs() - startedMs;
      settle(waiters, outcomes);
      onSent({ model, rows: models.length, callers: waiters.length, reason, ms });
    } catch (error) {
      if (waiters.length > 1 && !work.signal.aborted && !(error instanceof PermanentError)) {
        // Someone's rows are a defect to the store; alone, each caller gets an answer about its own, also of those that
        // went in before the defect was met.
        log.error("batch failed, storing each caller's rows alone", { model, callers: waiters.length, error });
        let from = 0;
        for (const waiter of waiters) {
          if (!waiter.signal.aborted) {
            await this.#write([waiter], reason, { models, from });
          }
          from += waiter.rows;
        }
      } else {
        for (const waiter of waiters) {
          waiter.reject(error);
        }
      }
    } finally {
      this.#isWriting = false;
      work.release();
    }
  }

  /** The same array each time: the store then goes on where it was, and with the same plan. */
  async #untilStored(
    models: readonly Model[],
    failed: WriteOptions["failed"],
    signal: AbortSignal,
  ): Promise<readonly RowOutcome[]> {
    const { model, store, limits, clock, log, outage, writers, onPressure } = this.#parts;
    const trying = outage.begin();
    const attempt = async (): Promise<readonly RowOutcome[]> => {
      await writers.enter(1, signal);
      try {
        return await store.addBatch(models, signal, { rowsPerInsertMax: this.#pressure.rowsMax, failed });
      } finally {
        writers.leave(1);
      }
    };
    const onFailed = (error: Error): FailureAdvice | undefined => {
      trying.failed(error);
      if (!(error instanceof StorePressureError)) {
        return undefined;
      }
      const waitMs = this.#pressure.refused(error.pressure, error.rows ?? models.length);
      onPressure();
      const { pressure, batchRowsMax, gather } = this.health();
      return { waitMs, fields: { pressure, batchRowsMax, gather } };
    };
    try {
      const doing = `storing ${models.length} rows (${model})`;
      const outcomes = await untilPassed(attempt, { clock, log, waits: limits.retryWaits, doing, onFailed }, signal);
      this.#pressure.passed();
      return outcomes;
    } finally {
      trying.end();
      this.#pressure.gaveUp();
      onPressure();
    }
  }
}

function settle(waiters: readonly Waiter[], outcomes: readonly RowOutcome[]): void {
  let at = 0;
  for (const waiter of waiters) {
    waiter.resolve(outcomes.slice(at, at + waiter.rows));
    at += waiter.rows;
  }
}

/** A signal that aborts when the last of the callers has gone; one that leaves does not take the others' rows with it. */
function whileAnyoneWaits(waiters: readonly Waiter[]): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const check = () => {
    if (waiters.every(({ signal }) => signal.aborted)) {
      controller.abort(waiters[0]?.signal.reason);
    }
  };
  for (const { signal } of waiters) {
    signal.addEventListener("abort", check, { once: true });
  }
  check();
  return {
    signal: controller.signal,
    release: () => {
      for (const { signal } of waiters) {
        signal.removeEventListener("abort", check);
      }
    },
  };
}
