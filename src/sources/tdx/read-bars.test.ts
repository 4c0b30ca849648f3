import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { addDays, parseDay, type Day } from "../../domain/day.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { barsBody, pageOf, readBarsRequest, type ServedBar } from "../../../test/support/tdx-server.ts";
import type { Command } from "./command.ts";
import { GarbledAnswerError } from "./errors.ts";
import { readBars, type BarsQuestion } from "./read-bars.ts";

const CODE = parseSecurityCode("000001.SZ");
const never = new AbortController().signal;
const CALENDAR = tradingDays();
const NEWEST = parseDay("2024-12-31");

/** A server of one code's rows, which counts what it was asked. */
class Served {
  readonly starts: number[] = [];
  rows: readonly ServedBar[];

  constructor(rows: readonly ServedBar[]) {
    this.rows = rows;
  }

  async ask<Answer>(command: Command<Answer>): Promise<Answer> {
    const { start, count } = readBarsRequest(Buffer.from(command.body));
    this.starts.push(start);
    return command.read(barsBody(pageOf(this.rows, start, count)));
  }
}

function served(time: string): ServedBar {
  return { time, open: 10_000, high: 10_050, low: 9_940, close: 10_020, volume: 5, amount: 5_000 };
}

function daily(days: readonly Day[]): Served {
  return new Served(days.map(served));
}

function minutely(days: readonly Day[], rowsPerDay: number): Served {
  const step = 240 / rowsPerDay;
  const times = Array.from({ length: rowsPerDay }, (_, index) => {
    const worked = (index + 1) * step;
    const minutes = worked <= 120 ? 570 + worked : 660 + worked;
    return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  });
  return new Served(days.flatMap((day) => times.map((time) => served(`${day} ${time}`))));
}

interface Span {
  readonly from: Day;
  readonly to: Day;
  readonly today: Day;
}

const INTERVALS = { "1d": 1, "5m": 48, "1m": 240, "60m": 4 } as const;

/** All pages of a span, as the worker asks for them: the days of the rows and how many requests it took. */
async function walk(
  server: Served,
  { from, to, today }: Span,
  interval: keyof typeof INTERVALS,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  let rest: { readonly to: Day; readonly offset: number | undefined } | undefined = { to, offset: undefined };
  for (let pages = 0; rest !== undefined; pages += 1) {
    assert.ok(pages < 200, "the pages go in circles");
    const question: BarsQuestion = {
      code: CODE,
      interval,
      isIndex: false,
      rowsPerDay: INTERVALS[interval],
      from,
      today,
      ...rest,
    };
    const answer = await readBars(server, question, never);
    for (const { date, minutes } of answer.rows) {
      const key = `${date} ${minutes}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    rest = answer.rest;
  }
  return found;
}

function expectedDays(server: Served, { from, to }: Span): number {
  return server.rows.filter(({ time }) => time.slice(0, 10) >= from && time.slice(0, 10) <= to).length;
}

const LISTED = CALENDAR.filter((day) => day <= NEWEST);

test("the newest day takes one request, and a whole history a page of 800 each and a look behind the last", async () => {
  const server = daily(LISTED);
  const span = { from: NEWEST, to: NEWEST, today: NEWEST };
  assert.equal((await walk(server, span, "1d")).size, 1);
  assert.deepEqual(server.starts, [0]);
  const whole = daily(LISTED);
  const all = { from: LISTED[0] ?? NEWEST, to: NEWEST, today: NEWEST };
  assert.equal((await walk(whole, all, "1d")).size, LISTED.length);
  assert.equal(whole.starts.length, Math.ceil((LISTED.length - 8) / 792) + 1);
});

test("an old month of a long history takes one request", async () => {
  for (const month of ["1995-03", "2003-11", "2014-06", "2024-02"]) {
    const server = daily(LISTED);
    const span = { from: parseDay(`${month}-01`), to: parseDay(`${month}-28`), today: NEWEST };
    const found = await walk(server, span, "1d");
    assert.equal(found.size, expectedDays(server, span));
    assert.equal(server.starts.length, 1, `${month}: ${server.starts.join(" ")}`);
  }
});

test("minutes of a day four months ago take one or two requests", async () => {
  const days = LISTED.slice(-100);
  const server = minutely(days, 240);
  const day = days[20] ?? NEWEST;
  const found = await walk(server, { from: day, to: day, today: NEWEST }, "1m");
  assert.equal(found.size, 240);
  assert.ok(server.starts.length <= 2, server.starts.join(" "));
});

test("a security that was suspended for years: the guess is corrected until the span's end is proven", async () => {
  const days = LISTED.filter((day) => day < "2010-01-01" || day > "2016-01-01");
  const server = daily(days);
  const span = { from: parseDay("2009-11-02"), to: parseDay("2009-12-31"), today: NEWEST };
  const found = await walk(server, span, "1d");
  assert.equal(found.size, expectedDays(server, span));
  assert.ok(server.starts.length <= 4, server.starts.join(" "));
});

test("days before the listing: nothing, proven by the history's first page", async () => {
  const server = daily(LISTED.slice(-900));
  const span = { from: parseDay("2001-01-02"), to: parseDay("2001-02-02"), today: NEWEST };
  assert.equal((await walk(server, span, "1d")).size, 0);
  assert.ok(server.starts.length <= 5, server.starts.join(" "));
});

test("a code without a bar is told apart from a span without one", async () => {
  const question = { code: CODE, interval: "1d", isIndex: false, rowsPerDay: 1, from: NEWEST, to: NEWEST } as const;
  const ask = (server: Served): ReturnType<typeof readBars> =>
    readBars(server, { ...question, offset: undefined, today: NEWEST }, never);
  assert.equal((await ask(daily([]))).isNothing, true);
  assert.equal((await ask(daily(LISTED.slice(0, 10)))).isNothing, false);
});

test("a row without a day is kept for rejection; an answer in which no row has one is no answer", async () => {
  const question = { code: CODE, interval: "1d", isIndex: false, rowsPerDay: 1, offset: undefined } as const;
  const span = { from: parseDay("2024-12-02"), to: NEWEST, today: NEWEST };
  const server = new Served([served("2024-13-45"), served("2024-12-30"), served("2024-12-31")]);
  const { rows } = await readBars(server, { ...question, ...span }, never);
  assert.equal(rows.length, 3);
  const nonsense = new Served([served("2024-13-45")]);
  await assert.rejects(readBars(nonsense, { ...question, ...span }, never), GarbledAnswerError);
});

test("bars that appear between two pages lose none", async () => {
  const server = daily(LISTED.slice(0, -4));
  const first = LISTED[0] ?? NEWEST;
  const base = { code: CODE, interval: "1d", isIndex: false, rowsPerDay: 1, from: first, today: NEWEST } as const;
  const { rest, rows } = await readBars(server, { ...base, to: NEWEST, offset: undefined }, never);
  assert.ok(rest !== undefined);
  server.rows = LISTED.map(served);
  const next = await readBars(server, { ...base, ...rest }, never);
  const newestOfNext = next.rows.at(-1)?.date ?? "";
  assert.ok(newestOfNext >= (rows[0]?.date ?? "9"), `${newestOfNext} leaves a gap`);
});

test("any span of any history, however holed, comes whole and in few requests", async () => {
  let inputs = 0;
  const day = fc.integer({ min: 0, max: 6_000 }).map((back) => addDays(NEWEST, -back));
  const hole = fc
    .tuple(day, fc.integer({ min: 0, max: 900 }))
    .map(([first, days]) => [first, addDays(first, days)] as const);
  const holes = fc.array(hole, { maxLength: 4 });
  const property = fc.asyncProperty(
    fc.constantFrom("1d", "60m", "5m", "1m" as const),
    fc.tuple(day, day),
    day,
    holes,
    fc.integer({ min: 0, max: 9 }),
    async (interval, bounds, listedOn, gaps, late) => {
      inputs += 1;
      const rowsPerDay = INTERVALS[interval];
      const days = LISTED.filter(
        (one) => one >= listedOn && !gaps.some(([first, last]) => one >= first && one <= last),
      ).slice(-Math.floor(9_000 / rowsPerDay));
      const server = interval === "1d" ? daily(days) : minutely(days, rowsPerDay);
      const [from = NEWEST, to = NEWEST] = bounds.toSorted();
      const span = { from, to, today: addDays(NEWEST, late) };
      const found = await walk(server, span, interval);
      assert.equal(found.size, expectedDays(server, span));
      const rows = server.rows.filter(({ time }) => time.slice(0, 10) >= from).length;
      assert.ok(server.starts.length <= Math.ceil(rows / 792) + 11, `${server.starts.length} requests`);
    },
  );
  await fc.assert(property, { seed: sizes.seed, numRuns: sizes.propertyRuns });
  assert.ok(inputs >= sizes.propertyRuns);
});
