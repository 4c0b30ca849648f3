import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { untilPassed } from "../base/retry.ts";
import { addDays, type Day, type ZoneName } from "../domain/day.ts";
import type { RunRecord } from "../domain/run-record.ts";
import { RUN_NAMES, type RunName, type RunTimes } from "../domain/run-time.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import type { ScheduleBook } from "../ports/schedule-book.ts";
import { dueRuns, nextLookMs, requestIdOf, type DueRun } from "./due-runs.ts";
import type { Lead } from "./lead.ts";

export interface SchedulerParts {
  readonly times: RunTimes;
  readonly zone: ZoneName;
  readonly catchUpDays: number;
  readonly node: string;
  readonly book: ScheduleBook;
  readonly lead: Pick<Lead, "untilLeading" | "isLeader" | "sinceMs" | "standDown">;
  /** As it is stored now. */
  readonly calendar: (signal: AbortSignal) => Promise<TradingCalendar>;
  /** Publishes the messages of a run, all with this request id. Answers how many. */
  readonly send: (name: RunName, requestId: string, signal: AbortSignal) => Promise<number>;
  /** True when days that the run asked for were not published yet, so that asking again may bring them. */
  readonly isOwed: (run: RunRecord, signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What others may show of it. */
export interface ScheduleState {
  readonly isLeader: boolean;
  /** Epoch milliseconds. */
  readonly leaderSinceMs: number | undefined;
  /** The latest run of each name, as far as this process has seen: all of them while it leads. */
  readonly runs: readonly RunRecord[];
}

/** A run that failed is tried again after so long, then after twice as long, and so on. */
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 300_000;
/** The machine may sleep, or its clock be set: it is looked again at least so often. */
const LOOK_MS_MAX = 60_000;
/** A calendar that was read before that is read again. */
const CALENDAR_MS_MAX = 3_600_000;

/**
 * Follower: waits for the lead. Leader: reads what was done, makes up what was missed, then does each run when its time
 * comes, one after the other. What fails is said and tried again later, beside the other runs; nothing of it stops the
 * worker.
 *
 * A run is noted as begun before its first message, and as sent after its last. Who leads next finds it sent and leaves
 * it, or begun and does it again: each run is sent at least once, and once where no leader dies between its first message
 * and its note. Messages that are sent again have the same request id and find nothing missing.
 */
export class Scheduler implements AsyncDisposable {
  readonly #parts: SchedulerParts;
  readonly #close = new AbortController();
  readonly #stop: AbortSignal;
  readonly #looping: Promise<void>;
  readonly #runs = new Map<RunName, RunRecord>();
  /** Runs of days without trading that were found not to be owed. */
  readonly #skipped = new Map<RunName, Day>();
  /** `atMs` is of the clock that nobody sets. */
  readonly #retries = new Map<RunName, { readonly atMs: number; readonly waitMs: number }>();
  #calendar: { readonly known: TradingCalendar; readonly readAtMs: number } | undefined;

  constructor(parts: SchedulerParts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = AbortSignal.any([stop, this.#close.signal]);
    this.#looping = this.#loop();
  }

  state(): ScheduleState {
    const { lead } = this.#parts;
    const runs = RUN_NAMES.flatMap((name) => this.#runs.get(name) ?? []);
    return { isLeader: lead.isLeader, leaderSinceMs: lead.sinceMs, runs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new Error("the schedule is closed"));
    await this.#looping;
  }

  /** Never rejects. */
  async #loop(): Promise<void> {
    const { lead, clock, log } = this.#parts;
    while (!this.#stop.aborted) {
      let term: AbortSignal | undefined;
      try {
        term = AbortSignal.any([await lead.untilLeading(this.#stop), this.#stop]);
        await this.#lead(term);
      } catch (error) {
        if (term !== undefined && !term.aborted) {
          log.error("the schedule failed, trying again", { waitMs: LOOK_MS_MAX, why: describeError(error) });
          await clock.sleep(LOOK_MS_MAX, term).catch(() => undefined);
        }
      }
    }
  }

  /** Until the term is over, which is thrown. */
  async #lead(term: AbortSignal): Promise<never> {
    const { clock, times, zone } = this.#parts;
    await this.#readBook(term);
    for (;;) {
      term.throwIfAborted();
      // While a run was done the time of another one may have come.
      while (await this.#doWhatIsDue(term)) {
        term.throwIfAborted();
      }
      const nowMs = clock.nowMs();
      const retries = [...this.#retries.values()].map(({ atMs }) => atMs - clock.elapsedMs()).filter((ms) => ms > 0);
      const waitMs = Math.min((nextLookMs(times, zone, nowMs) ?? Infinity) - nowMs, LOOK_MS_MAX, ...retries);
      await clock.sleep(waitMs, term);
    }
  }

  /** What this process did itself is not forgotten because the book was, and is noted again. */
  async #readBook(term: AbortSignal): Promise<void> {
    const { book, clock, log } = this.#parts;
    const retry = { clock, log, doing: "reading what the schedule did" };
    const notes = await untilPassed(() => book.read(term), retry, term);
    const noted = new Map(notes.runs.map((run) => [run.name, run]));
    for (const [name, run] of this.#runs) {
      const other = noted.get(name);
      const isOlder = other === undefined || other.day < run.day || (other.day === run.day && other.state === "begun");
      if (run.state === "sent" && isOlder) {
        await untilPassed(() => book.end(run, term), retry, term);
        noted.set(name, run);
      }
    }
    noted.forEach((run, name) => this.#runs.set(name, run));
  }

  /** False when there was nothing to do. */
  async #doWhatIsDue(term: AbortSignal): Promise<boolean> {
    const { times, zone, catchUpDays, clock } = this.#parts;
    const calendar = await this.#calendarOfNow(term);
    // What was begun and not ended is to be done again, and what came before it is not.
    const done = new Map(
      [...this.#runs].map(([name, { day, state }]) => [name, state === "sent" ? day : addDays(day, -1)]),
    );
    const isToTry = ({ name, day }: DueRun): boolean =>
      clock.elapsedMs() >= (this.#retries.get(name)?.atMs ?? 0) && this.#skipped.get(name) !== day;
    const due = dueRuns({ times, zone, catchUpDays, done, calendar, nowMs: clock.nowMs() }).filter(isToTry);
    for (const run of due) {
      await this.#try(run, term);
    }
    return due.length > 0;
  }

  async #calendarOfNow(term: AbortSignal): Promise<TradingCalendar> {
    const { calendar, clock, log } = this.#parts;
    if (this.#calendar === undefined || clock.elapsedMs() - this.#calendar.readAtMs >= CALENDAR_MS_MAX) {
      const retry = { clock, log, doing: "reading the trading calendar for the schedule" };
      const known = await untilPassed(() => calendar(term), retry, term);
      this.#calendar = { known, readAtMs: clock.elapsedMs() };
    }
    return this.#calendar.known;
  }

  async #try(due: DueRun, term: AbortSignal): Promise<void> {
    const { clock, lead, log } = this.#parts;
    const { name, day } = due;
    try {
      await this.#do(due, term);
      this.#retries.delete(name);
    } catch (error) {
      term.throwIfAborted();
      const waitMs = Math.min(RETRY_MS_MAX, 2 * (this.#retries.get(name)?.waitMs ?? RETRY_MS / 2));
      this.#retries.set(name, { atMs: clock.elapsedMs() + waitMs, waitMs });
      const fields = { run: name, day, waitMs, why: describeError(error) };
      log.warn("scheduled run failed, trying again", fields);
      if (waitMs === RETRY_MS_MAX) {
        // Cut off from the queue, say, and not from the book: another process may get through.
        lead.standDown(RETRY_MS_MAX);
      }
    }
  }

  async #do(due: DueRun, term: AbortSignal): Promise<void> {
    const { book, clock, log, node, send } = this.#parts;
    const { name, day, atMs } = due;
    if (due.isOnlyIfOwed && !(await this.#isOwed(name, term))) {
      this.#skipped.set(name, day);
      return;
    }
    const requestId = requestIdOf(due);
    const beganAtMs = clock.nowMs();
    const begun: RunRecord = {
      name,
      day,
      requestId,
      state: "begun",
      node,
      beganAtMs,
      sentAtMs: undefined,
      messages: 0,
    };
    const answer = await book.begin(begun, term);
    if (answer === "lost") {
      // The lead hears of it when it asks next; then the term ends.
      throw new TransientError("another process leads the schedule");
    }
    if (answer === "done") {
      this.#runs.set(name, { ...begun, state: "sent" });
      await this.#readBook(term);
      return;
    }
    this.#runs.set(name, begun);
    const messages = await send(name, requestId, term);
    const sent: RunRecord = { ...begun, state: "sent", sentAtMs: clock.nowMs(), messages };
    // What was sent is sent, whether it can be noted or not: this process does not do it twice.
    this.#runs.set(name, sent);
    log.info("scheduled run sent", { run: name, day, requestId, messages, lateMs: beganAtMs - atMs });
    await untilPassed(() => book.end(sent, term), { clock, log, doing: "noting what the schedule did" }, term);
  }

  async #isOwed(name: RunName, term: AbortSignal): Promise<boolean> {
    const before = this.#runs.get(name);
    return before !== undefined && (before.state === "begun" || (await this.#parts.isOwed(before, term)));
  }
}
