import { Temporal } from "temporal-polyfill";

import { addDays, type Day } from "../domain/day.ts";
import type { MarketName } from "../domain/market.ts";

export type ForeignMarketName = Exclude<MarketName, "CN">;

/** A part of a session, in minutes since local midnight: `from` inclusive, `to` exclusive. */
export interface SessionPart {
  readonly from: number;
  readonly to: number;
}

/** The parts of the regular session of a trading day: one in New York, two around a lunch break in Hong Kong. */
export function sessionOf(market: ForeignMarketName, day: Day): readonly SessionPart[] {
  return HALF_DAYS[market].has(day) ? SESSIONS[market].half : SESSIONS[market].whole;
}

/** The last `count` trading days up to `to`, sorted. */
export function lastTradingDays(market: ForeignMarketName, to: Day, count: number): readonly Day[] {
  const days: Day[] = [];
  for (let day = to; days.length < count; day = addDays(day, -1)) {
    if (isTradingDay(market, day)) {
      days.push(day);
    }
  }
  return days.toReversed();
}

/** Whether the exchange is open. Outside of 2023 to 2026 only weekends, New Year and Christmas are closed. */
export function isTradingDay(market: ForeignMarketName, day: Day): boolean {
  const isWeekend = Temporal.PlainDate.from(day).dayOfWeek > 5;
  return !isWeekend && !HOLIDAYS[market].has(day) && !/-(?:01-01|12-25)$/.test(day);
}

const at = (hour: number, minute: number): number => hour * 60 + minute;

const SESSIONS: {
  readonly [M in ForeignMarketName]: Readonly<Record<"whole" | "half", readonly SessionPart[]>>;
} = {
  HK: {
    whole: [
      { from: at(9, 30), to: at(12, 0) },
      { from: at(13, 0), to: at(16, 0) },
    ],
    half: [{ from: at(9, 30), to: at(12, 0) }],
  },
  US: { whole: [{ from: at(9, 30), to: at(16, 0) }], half: [{ from: at(9, 30), to: at(13, 0) }] },
};

function daysOf(text: string): ReadonlySet<string> {
  const days = text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [year = "", ...rest] = line.trim().split(/\s+/);
      return rest.map((day) => `${year}-${day}`);
    });
  return new Set(days);
}

/** New Year and Christmas Day stand in the rule. */
const HOLIDAYS: { readonly [M in ForeignMarketName]: ReadonlySet<string> } = {
  HK: daysOf(`
    2023 01-02 01-23 01-24 01-25 04-05 04-07 04-10 05-01 05-26 06-22 07-17 09-01 09-08 10-02 10-23 12-26
    2024 02-12 02-13 03-29 04-01 04-04 05-01 05-15 06-10 07-01 09-06 09-18 10-01 10-11 12-26
    2025 01-29 01-30 01-31 04-04 04-18 04-21 05-01 05-05 07-01 10-01 10-07 10-29 12-26
    2026 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19`),
  US: daysOf(`
    2023 01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23
    2024 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28
    2025 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27
    2026 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26`),
};

const HALF_DAYS: { readonly [M in ForeignMarketName]: ReadonlySet<string> } = {
  HK: daysOf(`
    2024 02-09 12-24 12-31
    2025 01-28 12-24 12-31
    2026 02-16 12-24 12-31`),
  US: daysOf(`
    2023 07-03 11-24
    2024 07-03 11-29 12-24
    2025 07-03 11-28 12-24
    2026 11-27 12-24`),
};
