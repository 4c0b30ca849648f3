import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import type { ScheduleBook } from "../ports/schedule-book.ts";

export interface LeadOptions {
  readonly book: Pick<ScheduleBook, "leadMs" | "lead" | "resign">;
  /** The machine's: the lead ends by itself in whoever keeps the book, whose time nobody sets. */
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Follower until the book says that nobody leads; leader until another process does, or until the book could not be
 * reached for as long as a lead lasts, since by then somebody else may have it. Asks three times in that time. The lead
 * is given up when `stop` aborts.
 */
export class Lead implements AsyncDisposable {
  readonly #options: LeadOptions;
  readonly #close = new AbortController();
  readonly #stop: AbortSignal;
  readonly #looping: Promise<void>;
  #term: Term | undefined;
  /** Until then others may lead; monotonic. */
  #stoodDownUntilMs = -Infinity;
  #began = Promise.withResolvers<AbortSignal>();

  constructor(options: LeadOptions, stop: AbortSignal) {
    this.#options = options;
    this.#stop = AbortSignal.any([stop, this.#close.signal]);
    this.#looping = this.#loop();
  }

  get isLeader(): boolean {
    return this.#term !== undefined;
  }

  /** Since when this process leads, epoch milliseconds. */
  get sinceMs(): number | undefined {
    return this.#term?.sinceMs;
  }

  /** Waits until this process leads. The signal it answers aborts when that is over, also when the process stops. */
  async untilLeading(signal: AbortSignal): Promise<AbortSignal> {
    return await orAbort(this.#began.promise, signal);
  }

  /** Gives the lead up, and does not ask for it for a while, so that somebody else can have it. */
  standDown(ms: number): void {
    this.#stoodDownUntilMs = this.#options.clock.elapsedMs() + ms;
    this.#end("stands down, since its runs fail", "warn");
    void this.#resign();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new Error("the schedule is closed"));
    await this.#looping;
  }

  /** Never rejects. */
  async #loop(): Promise<void> {
    const { book, clock } = this.#options;
    while (!this.#stop.aborted) {
      if (!this.#isStoodDown) {
        await this.#ask();
      }
      const leftMs = this.#term === undefined ? book.leadMs : this.#term.untilMs - clock.elapsedMs();
      await clock.sleep(Math.max(0, Math.min(book.leadMs / 3, leftMs)), this.#stop).catch(() => undefined);
    }
    this.#end("stopping", "info");
    await this.#resign();
  }

  get #isStoodDown(): boolean {
    return this.#options.clock.elapsedMs() < this.#stoodDownUntilMs;
  }

  /** Never rejects. */
  async #resign(): Promise<void> {
    const { book, log } = this.#options;
    await book.resign().catch((error: unknown) => {
      log.debug("the lead of the schedule ends by itself", { why: describeError(error) });
    });
  }

  async #ask(): Promise<void> {
    const { book, clock } = this.#options;
    const untilMs = clock.elapsedMs() + book.leadMs;
    try {
      const isLeader = await book.lead(this.#stop);
      if (this.#isStoodDown) {
        // It was asked for a moment before.
        await this.#resign();
      } else if (isLeader) {
        this.#goOn(untilMs);
      } else {
        this.#end("another process leads", "warn");
      }
    } catch (error) {
      if (this.#term !== undefined && clock.elapsedMs() >= this.#term.untilMs) {
        this.#end(describeError(error), "warn");
      }
    }
  }

  #goOn(untilMs: number): void {
    if (this.#term !== undefined) {
      this.#term.untilMs = untilMs;
      return;
    }
    const over = new AbortController();
    this.#term = { untilMs, sinceMs: this.#options.clock.nowMs(), over };
    this.#options.log.info("leads the schedule");
    this.#began.resolve(over.signal);
  }

  #end(why: string, level: "info" | "warn"): void {
    if (this.#term === undefined) {
      return;
    }
    const { over } = this.#term;
    this.#term = undefined;
    this.#began = Promise.withResolvers();
    this.#options.log[level]("does not lead the schedule any more", { why });
    over.abort(new Error(`the lead of the schedule is over: ${why}`));
  }
}

interface Term {
  /** Monotonic. */
  untilMs: number;
  readonly sinceMs: number;
  readonly over: AbortController;
}
