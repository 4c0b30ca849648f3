import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";
import { ErrorRun, type ErrorRunLimits } from "../health/error-run.ts";
import { LagWatch } from "../health/lag-watch.ts";
import type { Lifecycle } from "../health/lifecycle.ts";
import { isOurError } from "../health/our-errors.ts";
import { type ProgressLimits, ProgressWatch } from "../health/progress-watch.ts";
import type { PartitionLag, Queue } from "../ports/queue.ts";
import type { OutcomeRecord } from "../ports/store.ts";

/** The bounds of the checks; tests make them shorter. */
export interface WatchLimits extends ProgressLimits, ErrorRunLimits {
  /** How long a member of the group may be without a partition. */
  readonly unassignedMsMax: number;
  readonly commitsFailingMsMax: number;
  /** After so long without a message it is noted. */
  readonly idleMs: number;
}

const LIMITS = { unassignedMsMax: 60_000, commitsFailingMsMax: 60_000, idleMs: 600_000 };

/** The group answers a heartbeat every few seconds. */
const UNHEARD_MS = 10_000;

export interface WatchParts {
  readonly lifecycle: Lifecycle;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<WatchLimits> | undefined;
  /** Pause between two measurements of the lag. */
  readonly lagEveryMs: number;
  readonly onLag?: (lags: readonly PartitionLag[]) => void;
}

/** Follows the work of one worker, for its health and its heartbeat: what is in hand, what was settled, when. */
export class WorkerWatch implements AsyncDisposable {
  readonly limits: Pick<WatchLimits, keyof typeof LIMITS>;
  readonly progress: ProgressWatch;
  readonly lag: LagWatch;
  readonly #parts: WatchParts;
  readonly #errors: ErrorRun;
  #state: ConsumerState | undefined;
  #settledMs: number;
  #lastReason = "";
  #assignedMs: number;
  #isQueueAway = false;

  constructor(parts: WatchParts) {
    const { clock, queue, lifecycle, log, limits, lagEveryMs, onLag } = parts;
    this.#parts = parts;
    this.limits = { ...LIMITS, ...limits };
    this.progress = new ProgressWatch({ lifecycle, clock, log, limits });
    this.lag = new LagWatch({
      measure: (signal) => queue.lag(signal),
      clock,
      log,
      everyMs: lagEveryMs,
      onMeasured: onLag,
    });
    this.#errors = new ErrorRun(limits);
    this.#settledMs = clock.elapsedMs();
    this.#assignedMs = this.#settledMs;
  }

  get state(): ConsumerState | undefined {
    return this.#state;
  }

  /** The group has not been heard of for a while: no deadline of a message runs then. As of the last turn of the loop. */
  get isQueueAway(): boolean {
    return this.#isQueueAway;
  }

  onState(state: ConsumerState): void {
    const { isFresh, heardAgoMs = 0 } = this.#parts.queue.health();
    this.#isQueueAway = !isFresh || heardAgoMs > UNHEARD_MS;
    const { overdue, commit, partitions } = state;
    this.#state = state;
    if (partitions.length > 0) {
      this.#assignedMs = this.#parts.clock.elapsedMs();
    }
    this.progress.turned({
      overdue:
        overdue === undefined
          ? undefined
          : { forMs: overdue.forMs, message: `${overdue.topic}/${overdue.partition}/${overdue.offset}` },
      commitForMs: commit.underWayForMs,
    });
  }

  onSettled({ reason }: OutcomeRecord): void {
    this.#settledMs = this.#parts.clock.elapsedMs();
    this.#lastReason = reason ?? "";
    this.#errors.settled(reason !== undefined && isOurError(reason) ? "failed" : "fine", this.#settledMs);
  }

  /** A run of errors that is on now. */
  errorRun(): { readonly failures: number; readonly lastReason: string } | undefined {
    const run = this.#errors.at(this.#parts.clock.elapsedMs());
    return run === undefined ? undefined : { ...run, lastReason: this.#lastReason };
  }

  /** Since a partition was last held, or the start; 0 while one is. */
  get unassignedForMs(): number {
    return (this.#state?.partitions.length ?? 0) > 0 ? 0 : this.#parts.clock.elapsedMs() - this.#assignedMs;
  }

  /** Since the last message was settled, or the start; undefined while something is in hand. */
  get idleForMs(): number | undefined {
    const isBusy = this.#state === undefined || this.#state.inHand + this.#state.shelved > 0;
    return isBusy ? undefined : this.#parts.clock.elapsedMs() - this.#settledMs;
  }

  /** What the group has yet to settle of the partitions held here; undefined while it is not known. */
  get heldLag(): bigint | undefined {
    const held = new Set((this.#state?.partitions ?? []).map(({ topic, partition }) => `${topic}/${partition}`));
    return this.lag.lags?.reduce(
      (sum, at: PartitionLag) => (held.has(`${at.topic}/${at.partition}`) ? sum + at.lag : sum),
      0n,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.progress[Symbol.asyncDispose](), this.lag[Symbol.asyncDispose]()]);
  }
}
