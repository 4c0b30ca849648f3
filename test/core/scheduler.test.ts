import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import type { ScheduleBook } from "../../src/ports/schedule-book.ts";
import { createFileScheduleBook, readFileBook } from "../../src/app/schedule/file-book.ts";
import { PermanentError, TransientError } from "../../src/base/errors.ts";
import { silentLog, type LogFields } from "../../src/base/log.ts";
import { orAbort } from "../../src/base/or-abort.ts";
import { SHANGHAI } from "../../src/domain/day.ts";
import { parseRunTime, type RunTimes } from "../../src/domain/run-time.ts";
import { bundledCalendar } from "../../src/planning/trading-calendar.ts";
import { Scheduler, type SchedulerParts } from "../../src/schedule/scheduler.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const never = new AbortController().signal;
const times: RunTimes = {
  calendar: undefined,
  list: parseRunTime("20:30", "daily"),
  factors: undefined,
  bars: parseRunTime("17:30", "trading-days"),
};

/** A scheduler of one process whose lead the test gives and takes. */
class Rig implements AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly sent: string[] = [];
  readonly said: (LogFields & { readonly event: string })[] = [];
  owed: string[] = [];
  askedOwed = 0;
  readonly stoodDown: number[] = [];
  /** What becomes of a message that is sent. */
  sending: (requestId: string, signal: AbortSignal) => Promise<number> = () => Promise.resolve(3);
  /** What the scheduler notes in. */
  over: (book: ScheduleBook) => ScheduleBook = (book) => book;
  #term = new AbortController();
  #leading = Promise.withResolvers<AbortSignal>();
  #scheduler: Scheduler | undefined;

  constructor(folder: string, now: string) {
    this.folder = folder;
    const at = Temporal.PlainDateTime.from(now).toZonedDateTime(SHANGHAI).toInstant();
    this.clock = new ManualClock(at.toString());
  }

  /**
   * A sleep that began late, since a file was slow, ends later than its test thought: time goes on in small steps until it
   * has.
   */
  async movingOn(isSo: () => boolean, what: string, stepMs = 50): Promise<void> {
    const isSoNow = async (): Promise<boolean> => {
      if (!isSo()) {
        await this.clock.advance(stepMs);
      }
      return isSo();
    };
    await waitFor(isSoNow, { what });
  }

  async start(): Promise<void> {
    const book = this.over(createFileScheduleBook(this.folder, "a"));
    await book.lead(never);
    const note = (event: string, fields: LogFields = {}): void => void this.said.push({ event, ...fields });
    const parts: SchedulerParts = {
      times,
      zone: SHANGHAI,
      catchUpDays: 7,
      node: "a",
      book,
      lead: {
        untilLeading: (signal) => orAbort(this.#leading.promise, signal),
        isLeader: true,
        sinceMs: 0,
        standDown: (ms) => void this.stoodDown.push(ms),
      },
      calendar: () => Promise.resolve(bundledCalendar()),
      send: async (_name, requestId, signal) => {
        const messages = await this.sending(requestId, signal);
        this.sent.push(requestId);
        return messages;
      },
      isOwed: ({ requestId }) => {
        this.askedOwed += 1;
        return Promise.resolve(this.owed.includes(requestId));
      },
      clock: this.clock,
      log: { ...silentLog, info: note, warn: note, error: note },
    };
    this.#scheduler = new Scheduler(parts, never);
  }

  lead(): void {
    this.#leading.resolve(this.#term.signal);
  }

  loseLead(): void {
    const before = this.#term;
    this.#term = new AbortController();
    this.#leading = Promise.withResolvers<AbortSignal>();
    before.abort(new Error("the lead is over"));
  }

  /** Files are written in real time, so the clock waits until the runs are noted. */
  async untilNoted(...runs: readonly string[]): Promise<void> {
    await waitFor(
      async () => {
        const noted = (await readFileBook(this.folder)).runs.map(({ name, day, state }) => `${name} ${day} ${state}`);
        return runs.every((run) => noted.includes(run));
      },
      { what: runs.join(", "), everyMs: 5 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scheduler?.[Symbol.asyncDispose]();
  }
}

test("nothing is sent without the lead; with it what is due, once, also by the one that starts next", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  {
    await using rig = new Rig(folder.path, "2026-03-04T18:00");
    await rig.start();
    await rig.clock.advance(600_000);
    assert.deepEqual(rig.sent, []);
    rig.lead();
    await rig.untilNoted("list 2026-03-03 sent", "bars 2026-03-04 sent");
    await rig.clock.advance(3 * 3_600_000);
    await rig.untilNoted("list 2026-03-04 sent");
    assert.deepEqual(rig.sent, ["schedule-list-2026-03-03", "schedule-bars-2026-03-04", "schedule-list-2026-03-04"]);
  }
  await using next = new Rig(folder.path, "2026-03-05T17:29");
  await next.start();
  next.lead();
  await next.clock.advance(60_000);
  await next.untilNoted("bars 2026-03-05 sent");
  assert.deepEqual(next.sent, ["schedule-bars-2026-03-05"]);
});

test("a day without trading has a run while the one before it left days that were not published", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  await using rig = new Rig(folder.path, "2026-03-06T17:30");
  await rig.start();
  rig.lead();
  await rig.untilNoted("bars 2026-03-06 sent");
  rig.owed = ["schedule-bars-2026-03-06"];
  await rig.clock.advance(24 * 3_600_000);
  await rig.untilNoted("bars 2026-03-07 sent");
  // On Sunday nothing is owed any more; that is asked once.
  await rig.clock.advance(26 * 3_600_000);
  await waitFor(() => rig.askedOwed === 2, { what: "the question of Sunday" });
  await rig.clock.advance(3_600_000);
  assert.equal(rig.askedOwed, 2);
  assert.deepEqual(
    rig.sent.filter((id) => id.includes("bars")),
    ["schedule-bars-2026-03-06", "schedule-bars-2026-03-07"],
  );
});

test("a run that fails is tried again, each time after twice as long, and holds up no other", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  await using rig = new Rig(folder.path, "2026-03-04T17:30");
  let tries = 0;
  rig.sending = (requestId) => {
    if (requestId.includes("list")) {
      tries += 1;
      return tries < 3 ? Promise.reject(new PermanentError("the stock list is empty", "store")) : Promise.resolve(1);
    }
    return Promise.resolve(3);
  };
  await rig.start();
  rig.lead();
  await rig.untilNoted("list 2026-03-03 begun", "bars 2026-03-04 sent");
  await waitFor(() => rig.said.some(({ event }) => event === "scheduled run failed, trying again"), {
    what: "the word",
  });
  await rig.clock.advance(4_999);
  assert.equal(tries, 1);
  await rig.clock.advance(1);
  await waitFor(() => tries === 2, { what: "the second try" });
  await waitFor(() => rig.said.filter(({ event }) => event.includes("failed")).length === 2, {
    what: "the second word",
  });
  await rig.clock.advance(9_999);
  assert.equal(tries, 2);
  await rig.clock.advance(1);
  await rig.untilNoted("list 2026-03-03 sent");
  assert.deepEqual(rig.sent, ["schedule-bars-2026-03-04", "schedule-list-2026-03-03"]);
});

test("a run that the end of the lead cuts short is sent again with the same request id by whoever leads next", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  await using rig = new Rig(folder.path, "2026-03-04T17:30");
  const cut: string[] = [];
  rig.sending = async (requestId, signal) => {
    if (requestId === "schedule-bars-2026-03-04" && cut.length === 0) {
      cut.push(requestId);
      rig.loseLead();
      signal.throwIfAborted();
    }
    return await Promise.resolve(3);
  };
  await rig.start();
  rig.lead();
  await rig.untilNoted("bars 2026-03-04 begun");
  await waitFor(() => cut.length === 1, { what: "the cut" });
  await rig.clock.advance(600_000);
  assert.deepEqual(rig.sent, ["schedule-list-2026-03-03"]);
  rig.lead();
  await rig.untilNoted("bars 2026-03-04 sent");
  assert.deepEqual(rig.sent, ["schedule-list-2026-03-03", "schedule-bars-2026-03-04"]);
});

test("a run that was sent and could not be noted before the lead was over is noted later, and not sent twice", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  await using rig = new Rig(folder.path, "2026-03-04T18:00");
  let isAway = false;
  rig.over = (book) => ({
    ...book,
    end: (run, signal) => (isAway ? Promise.reject(new TransientError("redis is away")) : book.end(run, signal)),
  });
  rig.sending = (requestId) => {
    // The book goes away after the run was noted as begun, while its messages are published.
    isAway = requestId.includes("bars");
    return Promise.resolve(3);
  };
  await rig.start();
  rig.lead();
  await rig.untilNoted("list 2026-03-03 sent", "bars 2026-03-04 begun");
  await waitFor(() => rig.sent.includes("schedule-bars-2026-03-04"), { what: "the run" });
  // For longer than the lead lasts; then the same process leads again.
  await rig.clock.advance(60_000);
  rig.loseLead();
  isAway = false;
  rig.sending = () => Promise.resolve(3);
  await rig.clock.advance(1_000);
  rig.lead();
  await rig.untilNoted("bars 2026-03-04 sent");
  assert.deepEqual(rig.sent, ["schedule-list-2026-03-03", "schedule-bars-2026-03-04"]);
});

test("a leader whose runs have failed for minutes stands down, so that another process may try", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  await using rig = new Rig(folder.path, "2026-03-04T12:00");
  rig.sending = () => Promise.reject(new TransientError("the broker is away"));
  await rig.start();
  rig.lead();
  const failures = (): number => rig.said.filter(({ event }) => event.includes("failed")).length;
  let expected = 0;
  for (const seconds of [5, 10, 20, 40, 80, 160]) {
    expected = failures() === 0 ? 1 : expected;
    await rig.movingOn(() => failures() > 0 && failures() >= expected, "the next failure");
    assert.equal(rig.stoodDown.length, 0);
    expected = failures() + 1;
    await rig.clock.advance(seconds * 1_000);
  }
  // The last sleep may have begun after the clock went on, and then nearly all of it is left.
  await rig.movingOn(() => rig.stoodDown.length > 0, "standing down", 5_000);
  assert.equal(rig.stoodDown[0], 300_000);
});
