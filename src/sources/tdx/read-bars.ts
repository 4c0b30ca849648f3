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
}

/** Rows that a page repeats of the newer one before it, since places move when a bar is added meanwhile. */
const OVERLAP = 8;
/** Rows that each further page adds. */
export const PAGE_ROWS_NEW = K_LINE_ROWS_MAX - OVERLAP;
/** Corrections of a wrong guess before the newest page is taken. */
const CORRECTIONS_MAX = 4;
const STEP_MIN = 200;
/** With so many rows a day a page has room for the days on which a security may have been suspended. */
const ROOMY_ROWS_PER_DAY_MAX = 16;

/**
 * One page of bars. Places count back from the newest bar, so the days after `to` are skipped by a guess. The page is
 * used when a row after the span, or the newest row of all, proves that nothing of the span is newer; otherwise the
 * guess is corrected. That nothing is older is proved by a row before the span, or by one more page that brings nothing.
 */
export async function readBars(
  connection: Pick<TdxConnection, "ask">,
  question: BarsQuestion,
  signal: AbortSignal,
): Promise<BarsAnswer> {
  const { code, interval, isIndex, from, to } = question;
  let start = question.offset ?? guessStart(question);
  for (let corrections = 0; ; corrections += 1) {
    const command = kLines({ code, interval, isIndex, start, count: K_LINE_ROWS_MAX });
    const page = await connection.ask(command, signal);
    const days = page.flatMap(({ date }) => dayOf(date) ?? []);
    const first = days[0];
    const last = days.at(-1);
    if (page.length > 0 && first === undefined) {
      throw new GarbledAnswerError(`reading bars of ${code}: no row has a day, the first says ${page[0]?.date}`);
    }
    if (start > 0 && (last === undefined || !isPast(last, question))) {
      start = corrections >= CORRECTIONS_MAX ? 0 : correctStart(start, last, question);
      continue;
    }
    if (start === 0 && last !== undefined) {
      await expectNewest(connection, question, page.at(-1), last, signal);
    }
    // A row without a day is kept, so that it is rejected with its reason.
    const rows = page.filter(({ date }) => (date >= from && date <= to) || dayOf(date) === undefined);
    const isWhole = page.length === 0 || isBegin(page.length, first, question);
    return {
      rows,
      rest: isWhole || first === undefined ? undefined : restOf(start, page.length, first, to),
      isNothing: page.length === 0,
    };
  }
}

/** Whether nothing of the span can be newer than this row. */
function isPast(last: Day, { to, offset, rowsPerDay }: BarsQuestion): boolean {
  // Of a day with several rows the last one may not be the day's last.
  return offset !== undefined || rowsPerDay <= 1 ? last >= to : last > to;
}

/**
 * A newest page that ends before the span does is that of a suspended security, or not the newest page: the newest bar
 * alone is asked for and has to be the same.
 */
async function expectNewest(
  connection: Pick<TdxConnection, "ask">,
  { code, interval, isIndex, to, today }: BarsQuestion,
  row: KLine | undefined,
  last: Day,
  signal: AbortSignal,
): Promise<void> {
  if (tradingDaysAfter(last, minDay(to, today)) === 0) {
    return;
  }
  const [newest] = await connection.ask(kLines({ code, interval, isIndex, start: 0, count: 1 }), signal);
  if (newest?.date !== row?.date || newest?.minutes !== row?.minutes) {
    const ends = `the newest page ends on ${row?.date}, and the newest bar is of ${newest?.date ?? "no day"}`;
    throw new TransientError(`reading bars of ${code}: ${ends}`, { isAnswered: true });
  }
}

/**
 * Whether nothing of the span can be older than this page: it begins before the span, or brings no more than what it
 * repeats. That it is not full proves nothing by itself, since a host may cut its pages as it likes.
 */
function isBegin(received: number, first: Day | undefined, { from, offset, rowsPerDay }: BarsQuestion): boolean {
  if (first === undefined || first < from || (rowsPerDay <= 1 && first === from)) {
    return true;
  }
  return offset !== undefined && received <= OVERLAP;
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

function restOf(start: number, received: number, first: Day, to: Day): NonNullable<BarsAnswer["rest"]> {
  const offset = start + Math.max(received - OVERLAP, 0);
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
