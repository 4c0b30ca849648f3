import { TransientError } from "../../base/errors.ts";
import { tradingDays } from "../../domain/cn-trading-days.ts";
import type { Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { START_MAX } from "./command.ts";
import { nameOf, type TdxConnection } from "./connection.ts";
import { StaleHostError } from "./errors.ts";
import { TICK_ROWS_MAX, ticksOfDay, ticksOfToday, type WireTick } from "./ticks.ts";

export interface TickPageSizes {
  readonly today: number;
  readonly past: number;
}

export const TICK_PAGE_SIZES: TickPageSizes = TICK_ROWS_MAX;

export interface DayTicks {
  /** All of the day, ascending, in the order of the wire. */
  readonly ticks: readonly WireTick[];
  /**
   * `whole`: the day's first tick is there. `nothing`: no tick, perhaps since the host has none of that day. `torn`: a
   * page came empty where ticks had been before.
   */
  readonly state: "whole" | "nothing" | "torn";
}

type TicksConnection = Pick<TdxConnection, "ask" | "seenDay" | "currentDay" | "server">;

/** The opening auction is over; before it a traded stock has the auction's row and nothing else. */
const CONTINUOUS_FROM = 570;
/** From the closing auction on a day's last tick is where it should be. */
const CLOSING_FROM = 897;
/** Ticks that a page repeats of the newer one before it. */
const OVERLAP = 8;

/**
 * All ticks of one day, as many requests as it takes: a tick's place in its minute needs the whole day. Places count
 * back from the day's last tick, so pages come newest first and are put together the other way round.
 *
 * Every page repeats some ticks of the one before, which proves that the two join. The day is whole when its first tick
 * is of the opening auction, or when a page brings nothing but the repeated ticks.
 */
export async function readDayTicks(
  connection: TicksConnection,
  { code, day, sizes = TICK_PAGE_SIZES }: { code: SecurityCode; day: Day; sizes?: TickPageSizes },
  signal: AbortSignal,
): Promise<DayTicks> {
  const isToday = await isCurrentDay(connection, day, signal);
  const size = isToday ? sizes.today : sizes.past;
  const pageAt = async (start: number): Promise<readonly WireTick[]> => {
    const question = { code, start, count: Math.min(size, START_MAX - start) };
    const command = isToday ? ticksOfToday(question) : ticksOfDay(question, day);
    return (await connection.ask(command, signal)).ticks;
  };
  const newest = await pageAt(0);
  let ticks = newest;
  let state: DayTicks["state"] | undefined = ticks.length === 0 ? "nothing" : undefined;
  while (state === undefined) {
    const [first] = ticks;
    if (first !== undefined && first.minutes < CONTINUOUS_FROM) {
      state = "whole";
      break;
    }
    const repeated = ticks.slice(0, OVERLAP);
    const page = await pageAt(ticks.length - repeated.length);
    const older = page.slice(0, Math.max(page.length - repeated.length, 0));
    if (page.length === 0) {
      state = "torn";
    } else if (!repeated.every((tick, index) => isEqual(tick, page[older.length + index]))) {
      throw new TransientError(`reading ticks of ${code} on ${day}: two pages do not join`, { isAnswered: true });
    } else if (older.length === 0) {
      state = "whole";
    } else if (ticks.length + older.length >= START_MAX) {
      throw new TransientError(`reading ticks of ${code} on ${day}: more than the ${START_MAX} that can be counted`);
    } else {
      ticks = [...older, ...ticks];
    }
  }
  if (state !== "nothing" && (isToday || (newest.at(-1)?.minutes ?? 0) < CLOSING_FROM)) {
    await expectUnchanged(newest, pageAt, { code, day });
  }
  if (isToday && (await connection.currentDay(signal)) !== day) {
    throw new TransientError(`reading ticks of ${code} on ${day}: the day was over while it was read`);
  }
  return { ticks, state };
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

/**
 * While a day grows every place moves, and pages read one after the other would not fit together. A past day whose last
 * tick is long before the close is looked at once more as well, since its newest page may be missing.
 */
async function expectUnchanged(
  newest: readonly WireTick[],
  pageAt: (start: number) => Promise<readonly WireTick[]>,
  { code, day }: { readonly code: SecurityCode; readonly day: Day },
): Promise<void> {
  const again = await pageAt(0);
  if (again.length !== newest.length || !again.every((tick, index) => isEqual(tick, newest[index]))) {
    throw new TransientError(`reading ticks of ${code} on ${day}: the newest ones changed while it was read`, {
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
