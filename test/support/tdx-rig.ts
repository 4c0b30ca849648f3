import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../src/base/clock.ts";
import { parseDay, type Day } from "../../src/domain/day.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tdx/market-data.ts";
import { startTdxSimulator, type TdxSimulator, type TdxSimulatorOptions } from "../../src/simulators/tdx/simulator.ts";
import type { TdxBar } from "../../src/simulators/tdx/tdx-data.ts";
import { TdxRaw } from "./tdx-raw.ts";

/** A market that every stock kind and event is in, and the data a simulator serves of it. */
export const market = generateMarket({ seed: 1, codes: 40, tradingDays: 120 });
export const data = marketData(market);
export const LAST = parseDay("2025-12-31");

export interface OpenedTdx extends AsyncDisposable {
  readonly simulator: TdxSimulator;
  readonly client: TdxRaw;
}

/** A simulator of the market, by default long after its last day, and a connection to it. */
export async function openTdx(options: Partial<TdxSimulatorOptions> = {}): Promise<OpenedTdx> {
  const clock = clockAt(parseDay("2026-03-02"), "12:00");
  const simulator = await startTdxSimulator({ data, clock, ...options });
  const client = await TdxRaw.open(simulator.port);
  return {
    simulator,
    client,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

/** A time of a day in Beijing, at which it stands still. */
export function clockAt(day: Day, time: string): Clock {
  const now = Temporal.Instant.from(`${day}T${time}:00+08:00`);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

/** The market's days of a code as bars of lots come over the wire. */
export function dayRows(code: string): readonly TdxBar[] {
  return (market.history(code)?.bars ?? []).map((bar) => ({
    day: bar.day,
    endMinute: 900,
    openMilli: bar.openCents * 10,
    highMilli: bar.highCents * 10,
    lowMilli: bar.lowCents * 10,
    closeMilli: bar.closeCents * 10,
    volume: Math.fround(Math.floor(bar.volume / 100)) * 100,
    turnoverCents: Math.fround(bar.turnoverCents / 100) * 100,
  }));
}

/** Minutes since midnight of `HH:MM`. */
export function minutesOf(text: string): number {
  return Number.parseInt(text.slice(0, 2), 10) * 60 + Number.parseInt(text.slice(3), 10);
}
