import { TransientError } from "../../base/errors.ts";
import { minDay, parseDay, type Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { tradingDaysAfter } from "./calendar.ts";
import { START_MAX } from "./command.ts";
import type { TdxConnection } from "./connection.ts";
import { GarbledAnswerError } from "./errors.ts";
import { K_LINE_ROWS_MAX, kLines, type KLine, type KLineInterval } from "./k-lines.ts";

export interface BarsQuestion {
  readonly code: SecurityCode;
  readonly interval: KLineInterval;
  readonly isIndex: boolean;
  /** About how many rows a trading day has; below 1 for weeks and months. */
  readonly rowsPerDay: number;
  readonly from: Day;
  readonly to: Day;
  /** Of a page that goes on where another one ended: everything after `to` was there already. */
  readonly offset: number | undefined;
  /** In Shanghai. */
  readonly today: Day;
}

export interface BarsAnswer {
  /** Of the span that was asked for. */
  readonly rows: readonly KLine[];
  /** Where the older part of the span is; undefined when it is whole. */
  readonly rest: { readonly to: Day; readonly offset: number } | undefined;
  /** The code has no bar at all, of no day. */
  readonly isNothing: boolean;
  /** The day of the newest bar that there is, where that lies before the span's end. */
  readonly endsOn: Day | undefined;
}

/** Rows that a page repeats of the newer one before it, since places move when a bar is added meanwhile. */
const OVERLAP = 8;
/** Rows that each further page adds. */
export const PAGE_ROWS_NEW = K_LINE_ROWS_MAX - OVERLAP;
/** Looks behind a short page in one call; what is older then takes another one. */
const LOOKS_BEHIND_MAX = 4;
/** Corrections of a wrong guess before the newest page is taken. */
const CORRECTIONS_MAX = 4;
const STEP_MIN = 200;
/** With so many rows a day a page has room for the days on which a security may have been suspended. */
const ROOMY_ROWS_PER_DAY_MAX = 16;

/**
 * One page of bars. Places count back from the newest bar, so the days after `to` are skipped by a guess. The page is
 * used when a row after the span, or the newest row of all, proves that nothing of the span is newer; otherwise the
 * guess is corrected. That nothing is older is proved by a row before the span, or by a look behind a page that is not
 * full: a short page alone says nothing.
 */
export async function readBars(
  connection: Pick<TdxConnection, "ask">,
  question: BarsQuestion,
  signal: AbortSignal,
): Promise<BarsAnswer> {
  const { from, to } = question;
  const newest = await readNewest(connection, question, signal);
  const { page, received, isWhole, start } = await readBehind(connection, question, newest, signal);
  // A row without a day is kept, so that it is rejected with its reason.
  const rows = page.filter(({ date }) => (date >= from && date <= to) || dayOf(date) === undefined);
  const first = firstDayOf(page);
  const last = page.flatMap(({ date }) => dayOf(date) ?? []).at(-1);
  return {
    rows,
    rest: isWhole || first === undefined ? undefined : restOf({ start, page }, received, first, to),
    isNothing: page.length === 0,
    endsOn: start === 0 && last !== undefined && last < to ? last : undefined,
  };
}

interface Placed {
  /** Of the newest row of the page. */
  readonly start: number;
  readonly page: readonly KLine[];
}

async function readNewest(
  connection: Pick<TdxConnection, "ask">,
  question: BarsQuestion,
  signal: AbortSignal,
): Promise<Placed> {
  let start = question.offset ?? guessStart(question);
  for (let corrections = 0; ; corrections += 1) {
    const page = await readPage(connection, question, start, signal);
    if (page.length > 0 && firstDayOf(page) === undefined) {
      const says = `the first says ${page[0]?.date}`;
      throw new GarbledAnswerError(`reading bars of ${question.code}: no row has a day, ${says}`);
    }
    const last = page.flatMap(({ date }) => dayOf(date) ?? []).at(-1);
    if (start === 0 || (last !== undefined && isPast(last, question))) {
      return { start, page };
    }
    start = corrections >= CORRECTIONS_MAX ? 0 : correctStart(start, last, question);
  }
}

/**
 * Hosts cut pages as they please, so behind one that is not full they are asked again: for some of the same rows, which
 * must come again, and what is older. Throws GarbledAnswerError when they do not.
 */
async function readBehind(
  connection: Pick<TdxConnection, "ask">,
  question: BarsQuestion,
  { start, page: newest }: Placed,
  signal: AbortSignal,
): Promise<Placed & { readonly received: number; readonly isWhole: boolean }> {
  let page = newest;
  let received = newest.length;
  for (let looks = 0; ; looks += 1) {
    const [oldest] = page;
    const first = firstDayOf(page);
    if (oldest === undefined || first === undefined || first < question.from) {
      return { start, page, received, isWhole: true };
    }
    if (received >= K_LINE_ROWS_MAX || looks >= LOOKS_BEHIND_MAX) {
      return { start, page, received, isWhole: false };
    }
    const overlap = overlapOf(received);
    const at = start + page.length - overlap;
    if (at > START_MAX) {
      return { start, page, received, isWhole: false };
    }
    const behind = await readPage(connection, question, at, signal);
    const known = behind.findLastIndex(({ date, minutes }) => date === oldest.date && minutes === oldest.minutes);
    if (overlap > 0 && known === -1) {
      throw new GarbledAnswerError(
        `reading bars of ${question.code}: the bar of ${oldest.date} is not there when it is asked for again`,
      );
    }
    const older = known === -1 ? behind : behind.slice(0, known);
    if (older.length === 0) {
      return { start, page, received, isWhole: true };
    }
    page = [...older, ...page];
    received = behind.length;
  }
}

function readPage(
  connection: Pick<TdxConnection, "ask">,
  { code, interval, isIndex }: BarsQuestion,
  start: number,
  signal: AbortSignal,
): Promise<readonly KLine[]> {
  return connection.ask(kLines({ code, interval, isIndex, start, count: K_LINE_ROWS_MAX }), signal);
}

/** Rows of so long a page that are asked for again with what is older; none of a page of one. */
function overlapOf(rows: number): number {
  return Math.min(OVERLAP, Math.floor(rows / 2));
}

function firstDayOf(page: readonly KLine[]): Day | undefined {
  for (const { date } of page) {
    const day = dayOf(date);
    if (day !== undefined) {
      return day;
    }
  }
  return undefined;
}

/** Whether nothing of the span can be newer than this row. */
function isPast(last: Day, { to, offset, rowsPerDay }: BarsQuestion): boolean {
  // Of a day with several rows the last one may not be the day's last.
  return offset !== undefined || rowsPerDay <= 1 ? last >= to : last > to;
}

/** Rather too near than too far: too near costs a page, and too far an answer that has to be thrown away. */
function guessStart({ to, today, rowsPerDay }: BarsQuestion): number {
  const days = tradingDaysAfter(to, today);
  // Today may have no bar yet.
  const least = rowsPerDay + OVERLAP;
  const room = rowsPerDay <= ROOMY_ROWS_PER_DAY_MAX ? 30 + Math.ceil((days * rowsPerDay) / 50) : 0;
  return Math.min(Math.max(Math.floor(days * rowsPerDay - least - room), 0), START_MAX);
}

/** Nearer to the newest bar: there is nothing so far back, or it is older than the span's end. */
function correctStart(start: number, last: Day | undefined, { to, rowsPerDay }: BarsQuestion): number {
  if (last === undefined) {
    return Math.floor(start / 2);
  }
  const missing = Math.ceil((tradingDaysAfter(minDay(last, to), to) + 1) * rowsPerDay);
  return Math.max(start - Math.max(missing, STEP_MIN), 0);
}

/** `received`: rows of the oldest of the pages that were put together. */
function restOf({ start, page }: Placed, received: number, first: Day, to: Day): NonNullable<BarsAnswer["rest"]> {
  const offset = start + page.length - overlapOf(received);
  if (offset > START_MAX) {
    throw new TransientError(`reading bars of tdx: more than the ${START_MAX} bars that can be counted back`);
  }
  return { to: minDay(to, first), offset };
}

function dayOf(date: string): Day | undefined {
  try {
    return parseDay(date);
  } catch {
    return undefined;
  }
}
