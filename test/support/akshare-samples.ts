import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../src/base/clock.ts";
import { tradingDays } from "../../src/domain/cn-trading-days.ts";
import { parseDay, type Day } from "../../src/domain/day.ts";
import type { AkshareData, AkshareListing, DayLine, MinuteLine } from "../../src/simulators/akshare/akshare-data.ts";
import type { AkshareSimulator } from "../../src/simulators/akshare/simulator.ts";

/** What a browser sends. */
export const BROWSER = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
  referer: "https://www.sse.com.cn/",
} as const;

export async function fetchText(simulator: AkshareSimulator, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${simulator.url}${path}`, { headers: BROWSER, ...init });
  return response.text();
}

export function clockAt(text: string): Clock {
  const now = Temporal.Instant.from(text);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

/** A listing of which only what a test needs is told. */
export function sampleListing(own: Partial<AkshareListing> & Pick<AkshareListing, "code">): AkshareListing {
  return {
    kind: "stock",
    board: "sh-main",
    name: "",
    industry: "",
    area: "",
    decimals: 2,
    listedOn: parseDay("1990-12-19"),
    delistedOn: undefined,
    figures: { floatShares: 0, earningsCents: 0, bookCents: 0 },
    days: () => [],
    factors: () => [],
    events: () => [],
    minutes: () => [],
    ticks: () => [],
    ...own,
  };
}

/** Every trading day is a day of the market. */
export function sampleData(listings: readonly AkshareListing[]): AkshareData {
  return {
    days: tradingDays(),
    calendar: tradingDays(),
    listings: listings.toSorted((left, right) => (left.code < right.code ? -1 : 1)),
    listing: (code) => listings.find((listing) => listing.code === code),
  };
}

/** `date,open,close,high,low,lots,amount`, with prices in thousandths and shares for lots. */
export function dayLine(row: string): DayLine {
  const [day, open = "", close = "", high = "", low = "", lots = "", amount = ""] = row.split(",");
  return {
    day: parseDay(day),
    openMilli: scaled(open, 3),
    closeMilli: scaled(close, 3),
    highMilli: scaled(high, 3),
    lowMilli: scaled(low, 3),
    volume: scaled(lots, 2),
    turnoverCents: scaled(amount, 2),
  };
}

/** So many days with one price, up to the day before. */
export function quietDays(before: Day, count: number, price: string): readonly DayLine[] {
  const days = tradingDays().filter((day) => day < before);
  return days.slice(-count).map((day) => dayLine(`${day},${price},${price},${price},${price},0,0`));
}

/** The 240 minutes of a day: those given, and at every other one the price before without trade. */
export function minuteLines(
  given: ReadonlyMap<string, Omit<MinuteLine, "endsAt">>,
  firstMilli: number,
): readonly MinuteLine[] {
  let priceMilli = firstMilli;
  return Array.from({ length: 240 }, (_, index) => {
    const minute = index < 120 ? 9 * 60 + 31 + index : 13 * 60 + 1 + index - 120;
    const endsAt = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    const line = given.get(endsAt) ?? {
      openMilli: priceMilli,
      highMilli: priceMilli,
      lowMilli: priceMilli,
      closeMilli: priceMilli,
      volume: 0,
      turnoverCents: 0,
    };
    priceMilli = line.closeMilli;
    return { ...line, endsAt };
  });
}

/** The whole number that a decimal text is in units of 10^−`scale`. */
export function scaled(text: string, scale: number): number {
  const [whole = "0", fraction = ""] = text.split(".");
  if (fraction.slice(scale).replaceAll("0", "") !== "") {
    throw new RangeError(`${text} has more than ${scale} decimals`);
  }
  return Number(`${whole}${fraction.slice(0, scale).padEnd(scale, "0")}`);
}
