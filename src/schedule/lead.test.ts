import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import type { ScheduleBook } from "../ports/schedule-book.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { Lead } from "./lead.ts";

const LEAD_MS = 30_000;
const never = new AbortController().signal;

/** Answers what it is told to. */
class ToldBook implements Pick<ScheduleBook, "leadMs" | "lead" | "resign"> {
  readonly leadMs = LEAD_MS;
  answer: boolean | "away" = true;
  asked = 0;
  resigned = 0;

  lead(): Promise<boolean> {
    this.asked += 1;
    return this.answer === "away" ? Promise.reject(new TransientError("redis is away")) : Promise.resolve(this.answer);
  }

  resign(): Promise<void> {
    this.resigned += 1;
    return this.answer === "away" ? Promise.reject(new TransientError("redis is away")) : Promise.resolve();
  }
}

function open(book: ToldBook, stop: AbortSignal = never): { readonly lead: Lead; readonly clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, lead: new Lead({ book, clock, log: silentLog }, stop) };
}

test("a follower asks again and leads when nobody else does", async () => {
  const book = new ToldBook();
  book.answer = false;
  const { lead, clock } = open(book);
  await using _ = lead;
  await clock.advance(LEAD_MS);
  assert.deepEqual([lead.isLeader, book.asked], [false, 4]);
  book.answer = true;
  await clock.advance(LEAD_MS / 3);
  const term = await lead.untilLeading(never);
  assert.deepEqual([lead.isLeader, term.aborted, lead.sinceMs], [true, false, clock.nowMs()]);
});

test("a leader that cannot ask leads until its time is over, and not a moment longer", async () => {
  const book = new ToldBook();
  const { lead, clock } = open(book);
  await using _ = lead;
  const term = await lead.untilLeading(never);
  await clock.advance(LEAD_MS / 3);
  book.answer = "away";
  await clock.advance(LEAD_MS - 1);
  assert.deepEqual([lead.isLeader, term.aborted], [true, false]);
  await clock.advance(1);
  assert.deepEqual([lead.isLeader, term.aborted], [false, true]);
  book.answer = true;
  await clock.advance(LEAD_MS / 3);
  const next = await lead.untilLeading(never);
  assert.deepEqual([next === term, next.aborted], [false, false]);
});

test("a leader hears at once that another one leads", async () => {
  const book = new ToldBook();
  const { lead, clock } = open(book);
  await using _ = lead;
  const term = await lead.untilLeading(never);
  book.answer = false;
  await clock.advance(LEAD_MS / 3);
  assert.deepEqual([lead.isLeader, term.aborted], [false, true]);
});

test("the lead is given up when the process stops, also where nobody hears of it", async () => {
  for (const answer of [true, "away"] as const) {
    const book = new ToldBook();
    const stop = new AbortController();
    const { lead } = open(book, stop.signal);
    const term = await lead.untilLeading(never);
    book.answer = answer;
    stop.abort(new Error("stop"));
    await lead[Symbol.asyncDispose]();
    assert.deepEqual([term.aborted, lead.isLeader, book.resigned], [true, false, 1]);
    await assert.rejects(lead.untilLeading(stop.signal), /^Error: stop$/);
  }
});

test("a leader that stands down leaves the lead to others for a while, and asks again after it", async () => {
  const book = new ToldBook();
  const { lead, clock } = open(book);
  await using _ = lead;
  const term = await lead.untilLeading(never);
  const { asked } = book;
  lead.standDown(LEAD_MS);
  assert.deepEqual([lead.isLeader, term.aborted, book.resigned], [false, true, 1]);
  await clock.advance(LEAD_MS - 1);
  assert.deepEqual([lead.isLeader, book.asked], [false, asked]);
  await clock.advance(LEAD_MS / 3 + 1);
  assert.equal(lead.isLeader, true);
});
