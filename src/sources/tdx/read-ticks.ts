import { TransientError } from "../../base/errors.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { START_MAX } from "./command.ts";
import { nameOf, type TdxConnection } from "./connection.ts";
import { StaleHostError } from "./errors.ts";
import { TICK_ROWS_MAX, ticksOfDay, ticksOfToday, type WireTick } from "./ticks.ts";

export interface TicksQuestion {
  readonly code: SecurityCode;
  readonly day: Day;
}

export interface DayTicks {
  /** All of the day, ascending, in the order of the wire. */
  readonly ticks: readonly WireTick[];
  /**
   * `whole`: the day's first tick is there. `nothing`: no tick, perhaps since the host has none of that day. `torn`: a
   * full page was followed by nothing though the market had been open for a while.
   */
  readonly state: "whole" | "nothing" | "torn";
  /** They came from the list of the server's current day, which does not name it. */
  readonly isToday: boolean;
}

type TicksConnection = Pick<TdxConnection, "ask" | "seenDay" | "currentDay" | "server">;

/** The opening auction is over; the first row of a traded stock is at 09:25. */
const CONTINUOUS_FROM = 570;
/** Ticks that are asked for again with the page behind them, which shows that it is that page. */
const OVERLAP = 8;
/** Nothing is missing before a tick of this minute if the server says that nothing is. */
const FIRST_TICK_LATEST = 571;

/**
 * All ticks of one day, as many requests as it takes: a tick's place in its minute needs the whole day. Places count
 * back from the day's last tick, so pages come newest first and are put together the other way round.
 */
export async function readDayTicks(
  connection: TicksConnection,
  { code, day }: TicksQuestion,
  signal: AbortSignal,
): Promise<DayTicks> {
  const isToday = await isCurrentDay(connection, day, signal);
  const size = isToday ? TICK_ROWS_MAX.today : TICK_ROWS_MAX.past;
  const pageAt = async (start: number): Promise<readonly WireTick[]> => {
    const question = { code, start, count: Math.min(size, START_MAX - start) };
    const command = isToday ? ticksOfToday(question) : ticksOfDay(question, day);
    return (await connection.ask(command, signal)).ticks;
  };
  const newest = await pageAt(0);
  const pages = [newest];
  let state: DayTicks["state"] = newest.length === 0 ? "nothing" : "whole";
  let received = newest.length;
  let known = newest;
  for (let page = newest, place = newest.length; (page[0]?.minutes ?? 0) >= CONTINUOUS_FROM;) {
    // A full page may begin anywhere in the first minute; before it there is the auction's row and nothing else.
    const overlap = Math.min(OVERLAP, Math.floor(received / 2));
    const behind = await pageAt(place - overlap);
    expectSame(known.slice(0, overlap), behind.slice(behind.length - overlap), { code, day });
    const older = behind.slice(0, behind.length - overlap);
    if (older.length === 0) {
      const isOpening = (page[0]?.minutes ?? 0) <= FIRST_TICK_LATEST;
      state = received >= size && !isOpening ? "torn" : "whole";
      break;
    }
    pages.push(older);
    received = behind.length;
    page = older;
    known = [...older, ...known.slice(0, OVERLAP)];
    place += older.length;
    if (place >= START_MAX) {
      throw new TransientError(`reading ticks of ${code} on ${day}: more than the ${START_MAX} that can be counted`);
    }
  }
  if (isToday && state !== "nothing") {
    await expectUnchanged(connection, pages[0] ?? [], pageAt, { code, day }, signal);
  }
  return { ticks: pages.toReversed().flat(), state, isToday };
}

/** Ticks of the server's current day have a command of their own, and its answers name no day. */
async function isCurrentDay(connection: TicksConnection, day: Day, signal: AbortSignal): Promise<boolean> {
  const { seenDay } = connection;
  // A server's day never goes back.
  const current = seenDay !== undefined && seenDay > day ? seenDay : await connection.currentDay(signal);
  if (current < day && tradingDays().includes(day)) {
    throw new StaleHostError(`asking ${nameOf(connection.server)} for ticks of ${day}: its current day is ${current}`);
  }
  return current === day;
}

/** A page of another place would lose what lies between, and say nothing of it. */
function expectSame(
  known: readonly WireTick[],
  again: readonly WireTick[],
  { code, day }: { readonly code: SecurityCode; readonly day: Day },
): void {
  if (known.length !== again.length || !known.every((tick, index) => isEqual(tick, again[index]))) {
    throw new TransientError(`reading ticks of ${code} on ${day}: two pages do not fit together`, { isAnswered: true });
  }
}

/** While a day grows every place moves: pages read one after the other would not fit together. */
async function expectUnchanged(
  connection: TicksConnection,
  newest: readonly WireTick[],
  pageAt: (start: number) => Promise<readonly WireTick[]>,
  { code, day }: { readonly code: SecurityCode; readonly day: Day },
  signal: AbortSignal,
): Promise<void> {
  const again = await pageAt(0);
  const isSame = again.length === newest.length && again.every((tick, index) => isEqual(tick, newest[index]));
  if (!isSame || (await connection.currentDay(signal)) !== day) {
    throw new TransientError(`reading ticks of ${code} on ${day}: the day changed while it was read`, {
      isAnswered: true,
    });
  }
}

function isEqual(left: WireTick, right: WireTick | undefined): boolean {
  return (
    right !== undefined &&
    left.minutes === right.minutes &&
    left.price === right.price &&
    left.lots === right.lots &&
    left.trades === right.trades &&
    left.side === right.side
  );
}
