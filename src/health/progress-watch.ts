import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { PAUSE_MS_MAX } from "./outage-time.ts";

/** What of the work that is in hand tells whether it gets on. Milliseconds; undefined where there is nothing of the kind. */
export interface WorkInHand {
  /**
   * Since a handler was told that its deadline is over and did not end, in time that does not count outages; and which
   * message it has.
   */
  readonly overdue: { readonly forMs: number; readonly message: string } | undefined;
  /** Since the commit that is under way was sent. */
  readonly commitForMs: number | undefined;
}

export interface ProgressLimits {
  /** The consume loop turns several times a second. */
  readonly turnMsMax: number;
  /** For a handler that was told to set its message aside; it writes one dead letter and one record. */
  readonly overdueMsMax: number;
  /** A commit gives up by itself after a session. */
  readonly commitMsMax: number;
}

export interface ProgressWatchOptions {
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<ProgressLimits> | undefined;
  /** Pause between two looks. Default 1 s. */
  readonly everyMs?: number;
}

const LIMITS: ProgressLimits = { turnMsMax: 60_000, overdueMsMax: 60_000, commitMsMax: 120_000 };
const EVERY_MS = 1_000;

/**
 * Tells whether work gets on, by the oldest of it against its own deadline, and takes the lifecycle along: from running
 * to error while it is stuck, and back when it gets on after all. Nothing else that is away makes it stuck: no deadline
 * runs in an outage. In words, it is stuck when
 *
 * - the consume loop has not turned for `turnMsMax`, or
 * - a handler was told that its deadline is over and has not ended `overdueMsMax` later, or
 * - a commit has been under way for `commitMsMax`.
 *
 * It looks every second and whenever somebody asks, so that all who ask are told the same. Time in which the whole process
 * stood still, as in a machine that was suspended, counts for nothing.
 */
export class ProgressWatch implements AsyncDisposable {
  readonly #options: ProgressWatchOptions;
  readonly #limits: ProgressLimits;
  readonly #ended = new AbortController();
  readonly #loop: Promise<void>;
  #turnedMs: number;
  #lookedMs: number;
  /** When the process ran again after it had stood still; its start, if it never did. */
  #resumedMs: number;
  #work: WorkInHand | undefined;
  #isStuck = false;

  constructor(options: ProgressWatchOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#turnedMs = options.clock.elapsedMs();
    this.#lookedMs = this.#turnedMs;
    this.#resumedMs = this.#turnedMs;
    this.#loop = this.#look();
  }

  /** The consume loop has just turned, and this is what it has in hand. */
  turned(work: WorkInHand): void {
    this.#turnedMs = this.#options.clock.elapsedMs();
    this.#work = work;
  }

  get turnedAgoMs(): number {
    return this.#options.clock.elapsedMs() - this.#turnedMs;
  }

  /** What is stuck, in a few words; undefined while work gets on. */
  look(): string | undefined {
    const { lifecycle, log } = this.#options;
    if (this.#ended.signal.aborted) {
      return undefined;
    }
    this.#noticePause();
    const trouble = this.#trouble();
    if (trouble !== undefined && lifecycle.state === "RUNNING") {
      log.error("worker is stuck", { why: trouble });
      this.#isStuck = true;
      lifecycle.enter("ERROR", trouble);
    } else if (this.#isStuck && lifecycle.state === "ERROR") {
      if (trouble === undefined) {
        log.info("worker gets on again");
      }
      this.#isStuck = trouble !== undefined;
      lifecycle.enter(trouble === undefined ? "RUNNING" : "ERROR", trouble);
    }
    return trouble;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  async #look(): Promise<void> {
    const { clock, everyMs = EVERY_MS } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      if (!signal.aborted) {
        this.look();
      }
    }
  }

  #noticePause(): void {
    const nowMs = this.#options.clock.elapsedMs();
    if (nowMs - this.#lookedMs > (this.#options.everyMs ?? EVERY_MS) + PAUSE_MS_MAX) {
      this.#resumedMs = nowMs;
    }
    this.#lookedMs = nowMs;
  }

  #trouble(): string | undefined {
    const { turnMsMax, overdueMsMax, commitMsMax } = this.#limits;
    const runningForMs = this.#options.clock.elapsedMs() - this.#resumedMs;
    const unturnedMs = Math.min(this.turnedAgoMs, runningForMs);
    if (unturnedMs > turnMsMax) {
      return `the consume loop has not turned for ${seconds(unturnedMs)}`;
    }
    const { overdue, commitForMs = 0 } = this.#work ?? {};
    if (overdue !== undefined && overdue.forMs > overdueMsMax) {
      return `the handler of ${overdue.message} goes on ${seconds(overdue.forMs)} after it was told that its deadline is over`;
    }
    const pendingMs = Math.min(commitForMs, runningForMs);
    return pendingMs > commitMsMax ? `a commit has been under way for ${seconds(pendingMs)}` : undefined;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
