import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { describeError, PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/** Something the worker cannot work without, and a cheap question to it. */
export interface Dependency {
  readonly name: string;
  /** Resolves when it answered. */
  ask(signal: AbortSignal): Promise<void>;
}

export interface DependencyState {
  readonly name: string;
  readonly isAway: boolean;
  /** Since when; undefined while it is there. */
  readonly awayForMs: number | undefined;
  /** Since it came back, or was first asked. */
  readonly thereForMs: number | undefined;
  /** What the last question that failed got for an answer; empty when the last one was answered. */
  readonly why: string;
}

export interface WatchOptions {
  readonly dependencies: readonly Dependency[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told of an answer that no waiting mends, such as refused credentials. */
  readonly onRefused?: (error: PermanentError) => void;
  /** Pause between two questions. Default 1 s. */
  readonly everyMs?: number;
  /** An answer later than this is none. Default 2 s. */
  readonly answerMs?: number;
}

const EVERY_MS = 1_000;
const ANSWER_MS = 2_000;
/** One late answer of a busy server is no outage. */
const FAILURES_OF_AN_OUTAGE = 2;

/**
 * Asks each dependency from time to time, also when there is no work, so that readiness is known without waiting for
 * it. Away after two questions in a row that failed (at most six seconds with the defaults), back with the first
 * answer; each change is one line of the log.
 */
export class DependencyWatch implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #ended = new AbortController();
  readonly #watched: readonly Watched[];
  readonly #loops: Promise<unknown>;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#watched = options.dependencies.map((dependency) => ({
      dependency,
      failures: 0,
      failingSinceMs: 0,
      backAtMs: options.clock.elapsedMs(),
      why: "",
    }));
    this.#loops = Promise.all(this.#watched.map((one) => this.#loop(one)));
  }

  states(): readonly DependencyState[] {
    const nowMs = this.#options.clock.elapsedMs();
    return this.#watched.map((one) => ({
      name: one.dependency.name,
      isAway: isAway(one),
      awayForMs: isAway(one) ? nowMs - one.failingSinceMs : undefined,
      thereForMs: isAway(one) ? undefined : nowMs - one.backAtMs,
      why: one.why,
    }));
  }

  get isAnyAway(): boolean {
    return this.#watched.some(isAway);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#loops;
  }

  async #loop(one: Watched): Promise<void> {
    const { clock, everyMs = EVERY_MS } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#ask(one);
      await clock.sleep(everyMs, signal).catch(() => undefined);
    }
  }

  async #ask(one: Watched): Promise<void> {
    const { clock, log, answerMs = ANSWER_MS } = this.#options;
    const { name } = one.dependency;
    const askedAtMs = clock.elapsedMs();
    const over = new AbortController();
    const signal = AbortSignal.any([this.#ended.signal, over.signal]);
    try {
      await withDeadline(one.dependency.ask(signal), answerMs, `asking ${name}`, clock, signal);
      if (isAway(one)) {
        one.backAtMs = clock.elapsedMs();
        log.info("dependency is back", { name, awayMs: Math.round(clock.elapsedMs() - one.failingSinceMs) });
      }
      one.failures = 0;
      one.why = "";
    } catch (error) {
      if (this.#ended.signal.aborted) {
        return;
      }
      if (error instanceof PermanentError) {
        this.#options.onRefused?.(error);
      }
      one.failingSinceMs = one.failures === 0 ? askedAtMs : one.failingSinceMs;
      one.failures += 1;
      one.why = describeError(error);
      if (one.failures === FAILURES_OF_AN_OUTAGE) {
        log.warn("dependency is away, what needs it waits", { name, why: one.why });
      }
    } finally {
      over.abort();
    }
  }
}

interface Watched {
  readonly dependency: Dependency;
  failures: number;
  failingSinceMs: number;
  backAtMs: number;
  why: string;
}

function isAway({ failures }: Watched): boolean {
  return failures >= FAILURES_OF_AN_OUTAGE;
}
