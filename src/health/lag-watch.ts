import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PartitionLag } from "../ports/queue.ts";

export interface LagWatchOptions {
  readonly measure: (signal: AbortSignal) => Promise<readonly PartitionLag[]>;
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two measurements. */
  readonly everyMs: number;
  /** Told of each measurement that succeeded. */
  readonly onMeasured?: ((lags: readonly PartitionLag[]) => void) | undefined;
}

const ANSWER_MS = 10_000;

/** Measures the group's lag beside the work, so that whoever asks for it waits for nobody. */
export class LagWatch implements AsyncDisposable {
  readonly #options: LagWatchOptions;
  readonly #ended = new AbortController();
  readonly #loop: Promise<void>;
  #lags: readonly PartitionLag[] | undefined;

  constructor(options: LagWatchOptions) {
    this.#options = options;
    this.#loop = this.#measureAgain();
  }

  /** As it was last measured, of all partitions of the group's topics; undefined when the last measurement failed. */
  get lags(): readonly PartitionLag[] | undefined {
    return this.#lags;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  async #measureAgain(): Promise<void> {
    const { clock, everyMs } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#measure(signal);
      await clock.sleep(everyMs, signal).catch(() => undefined);
    }
  }

  async #measure(ended: AbortSignal): Promise<void> {
    const { measure, clock, log, onMeasured } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([ended, over.signal]);
    try {
      this.#lags = await withDeadline(measure(signal), ANSWER_MS, "measuring the lag", clock, signal);
      onMeasured?.(this.#lags);
    } catch (error) {
      this.#lags = undefined;
      if (!ended.aborted) {
        log.debug("lag could not be measured", { why: describeError(error) });
      }
    } finally {
      over.abort();
    }
  }
}
