import { TransientError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { lastTradingDayUpTo } from "./calendar.ts";
import type { TdxConnection } from "./connection.ts";
import { StaleHostError } from "./errors.ts";
import type { TdxHost } from "./host.ts";
import { kLines, type KLine } from "./k-lines.ts";
import type { TdxPool } from "./pool.ts";
import { readBars, type BarsAnswer, type BarsQuestion } from "./read-bars.ts";
import { readDayTicks, type DayTicks, type TicksQuestion } from "./read-ticks.ts";

/**
 * Hosts say nothing about what they lack: a host that does not serve us, or has lost a code, answers as one does for a
 * code that has no rows, and one that lags behind as one does for a code that trades no more. So "nothing", and bars that
 * end before the span does, count only from a connection whose index has the span's last trading day, and when the
 * question brings no more the second time: from another host, or from the same one where there is no other.
 */
export async function askForBars(pool: TdxPool, question: BarsQuestion, signal: AbortSignal): Promise<BarsAnswer> {
  const wanted = question.offset === undefined ? lastTradingDayUpTo(question.to) : undefined;
  const isDoubtful = ({ isNothing, endsOn }: BarsAnswer): boolean =>
    isNothing || (endsOn !== undefined && wanted !== undefined && endsOn < wanted);
  const read = async (connection: TdxConnection, host: TdxHost): Promise<BarsAnswer> => {
    const answer = await readBars(connection, question, signal);
    if (isDoubtful(answer)) {
      await host.check(connection, signal);
      expectUpTo(host, wanted);
    }
    return answer;
  };
  const first = await pool.run(read, signal);
  if (!isDoubtful(first.value)) {
    return first.value;
  }
  const second = await pool.run(read, signal, pool.hasOther(first.host) ? first.host : undefined);
  const [older, newer] = isNewer(first.value, second.value) ? [second, first] : [first, second];
  if (isNewer(newer.value, older.value) && newer.host !== older.host) {
    pool.distrust(older.host, new TransientError(`asking ${older.host}: it lacks bars of ${question.code}`));
  }
  return newer.value;
}

function expectUpTo({ name, newestDay }: TdxHost, wanted: Day | undefined): void {
  if (wanted !== undefined && newestDay !== undefined && newestDay < wanted) {
    throw new StaleHostError(`asking ${name}: its index ends on ${newestDay}, and ${wanted} was asked for`);
  }
}

/** Whether it has bars that the other one has not, by its end; one that goes up to the span's end is newest. */
function isNewer(left: BarsAnswer, right: BarsAnswer): boolean {
  return endOf(left) > endOf(right);
}

function endOf({ isNothing, endsOn }: BarsAnswer): string {
  return isNothing ? "" : (endsOn ?? "9");
}

/**
 * As with "nothing" of bars. A day of which a page in the middle came empty, and a list of the current day, or one that ends
 * before the close, that does not fit the day's bar, are believed when they come alike the second time.
 */
export async function askForTicks(pool: TdxPool, question: TicksQuestion, signal: AbortSignal): Promise<DayTicks> {
  const { code, day } = question;
  const read = async (connection: TdxConnection, host: TdxHost): Promise<ReadTicks> => {
    const answer = await readDayTicks(connection, question, signal);
    if (answer.state === "nothing") {
      await host.check(connection, signal);
    }
    const isFit = !needsItsBar(answer) || (await isOfDay(connection, answer, question, signal));
    return { ...answer, isBelieved: answer.state === "whole" && isFit };
  };
  const first = await pool.run(read, signal);
  if (first.value.isBelieved) {
    return first.value;
  }
  const what = first.value.state === "torn" ? "a page in the middle came empty" : "they are in doubt";
  const hasOther = pool.hasOther(first.host);
  if (!hasOther && first.value.state === "torn") {
    throw new TransientError(`asking ${first.host} for ticks of ${code} on ${day}: ${what}`, { isAnswered: true });
  }
  const second = await pool.run(read, signal, hasOther ? first.host : undefined);
  if (second.value.isBelieved) {
    if (second.host !== first.host) {
      pool.distrust(first.host, new TransientError(`asking ${first.host}: it lacks ticks of ${code} on ${day}`));
    }
    return second.value;
  }
  if (first.value.state === second.value.state && first.value.ticks.length === second.value.ticks.length) {
    return second.value;
  }
  const without = [first, second].filter(({ value }) => value.state === "nothing");
  if (hasOther && without.length === 1 && without[0] !== undefined) {
    // Left alone for a while, it does not stand against the other one the next time.
    pool.distrust(
      without[0].host,
      new TransientError(`asking ${without[0].host}: it lacks ticks of ${code} on ${day}`),
    );
  }
  throw new TransientError(
    `asking ${first.host} for ticks of ${code} on ${day}: ${what}, and ${second.host} says otherwise`,
    { isAnswered: true },
  );
}

interface ReadTicks extends DayTicks {
  readonly isBelieved: boolean;
}

/**
 * The list of the current day does not name it. One of a past day that ends before the closing call may be of a code that
 * trades seldom or was halted, and may lack its newest page: a host that answers with the next one says nothing of it, and
 * the older pages fit together.
 */
function needsItsBar({ ticks, state, isToday }: DayTicks): boolean {
  return state === "whole" && (isToday || (ticks.at(-1)?.minutes ?? 0) < CLOSING_CALL);
}

/** 14:57, when Shenzhen, and Shanghai since 2018-08-20, begin to collect orders for the one trade of the close. */
const CLOSING_CALL = 897;

/** Whether the day's bar has as many lots, but for what is no whole lot. */
async function isOfDay(
  connection: TdxConnection,
  { ticks, isToday }: DayTicks,
  { code, day }: TicksQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  const bar = isToday
    ? (await connection.ask(kLines({ ...DAILY, code, start: 0, count: 1 }), signal))[0]
    : await barOfDay(connection, { code, day }, signal);
  if (bar?.date !== day) {
    return false;
  }
  const lots = ticks.reduce((sum, tick) => sum + BigInt(tick.lots), 0n);
  const [whole = "0"] = bar.volume.split(".");
  const off = lots - BigInt(whole);
  return (off < 0n ? -off : off) * LOTS_OFF_SHARE <= lots;
}

async function barOfDay(
  connection: TdxConnection,
  { code, day }: TicksQuestion,
  signal: AbortSignal,
): Promise<KLine | undefined> {
  const today = parseDay(connection.seenDay ?? (await connection.currentDay(signal)));
  const question = { ...DAILY, code, rowsPerDay: 1, from: day, to: day, offset: undefined, today };
  const { rows } = await readBars(connection, question, signal);
  return rows.find(({ date }) => date === day);
}

const DAILY = { interval: "1d", isIndex: false } as const;

/** A hundredth of a day's lots may be missing in its list, or in its bar. */
const LOTS_OFF_SHARE = 100n;
