import { ZERO } from "../base/decimal.ts";
import type { Day } from "../domain/day.ts";
import { TICK_DIRECTION, type SourceNumber } from "../domain/enums.ts";
import { TICK_FLAGS, type Tick } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { StoredTick } from "../ports/store.ts";

/** Rows of whole days by code and day, and what makes them one. */
export interface TickDay {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly source: SourceNumber;
  readonly ticks: readonly Tick[];
}

export function toTickDays(ticks: readonly Tick[]): readonly TickDay[] {
  const days = Map.groupBy(ticks, ({ code, tradingDay, source }) => `${code} ${tradingDay} ${source}`);
  return [...days.values()].flatMap((ofDay) => {
    const [first] = ofDay;
    return first === undefined ? [] : [{ code: first.code, day: first.tradingDay, source: first.source, ticks: ofDay }];
  });
}

/**
 * What is stored of a day and is not in its new, complete answer, as rows that take it back: the table is only ever
 * inserted into.
 */
export function findVanished({ code, day, source, ticks }: TickDay, stored: readonly StoredTick[]): readonly Tick[] {
  const [first] = ticks;
  if (first === undefined) {
    return [];
  }
  const there = new Set(ticks.map(({ time, sequence }) => `${time} ${sequence}`));
  return stored
    .filter(({ time, sequence }) => !there.has(`${time} ${sequence}`))
    .map(({ time, sequence }) => ({
      code,
      tradingDay: day,
      time,
      zone: first.zone,
      sequence,
      price: ZERO,
      volume: ZERO,
      trades: undefined,
      direction: TICK_DIRECTION.VOID,
      source,
      flags: TICK_FLAGS.removed,
    }));
}
