import { compositeHistory } from "../../src/market/composites.ts";
import type { Market } from "../../src/market/generate-market.ts";
import { foldMinutes, minuteBarsOf, ticksOf, type MinutesFolded } from "../../src/market/intraday.ts";
import type { WorkerRig } from "./worker-rig.ts";

/** Texts of the market's own numbers as the store shows them, and what TongDaXin's wire makes of them. */

/** Whole cents as yuan, without zeros behind the last digit. */
export function centsText(cents: number): string {
  return scaledText(BigInt(cents), 2);
}

/** Thousandths. */
export function milliText(milli: number): string {
  return scaledText(BigInt(milli), 3);
}

/** Yuan as a float of 32 bits, to whole cents again, half up. */
export function float32Text(cents: number): string {
  // Exact: a float of 32 bits times 100 has fewer bits than one of 64.
  return scaledText(BigInt(Math.round(Math.fround(cents / 100) * 100)), 2);
}

export function asTdxSays<Bar extends { readonly volume: number; readonly amount: string }>(
  bar: Bar,
): Bar & { readonly preClose: string } {
  const cents = Math.round(Number.parseFloat(bar.amount) * 100);
  return { ...bar, preClose: "-", volume: Math.floor(bar.volume / 100) * 100, amount: float32Text(cents) };
}

/** Lots, rounded to the nearest, and yuan with two decimals. */
export function asEastmoneySays<Bar extends DailyBar>(bar: Bar): Bar {
  return { ...bar, preClose: "-", volume: Math.round(bar.volume / 100) * 100 };
}

/** Floats of 32 bits, from which prices of so few digits come back as they were; it gives no turnover. */
export function asYahooSays<Bar extends DailyBar>(bar: Bar): Bar {
  return { ...bar, preClose: "-", amount: "-" };
}

const BAR_COLUMNS = `concat(toString(code), ' ', toString(timestamp), ' ', toString(open), ' ', toString(high), ' ', toString(low), ' ',
  toString(close), ' ', ifNull(toString(pre_close), '-'), ' ', toString(volume), ' ', ifNull(toString(amount), '-')) AS line`;

export interface DailyBar {
  readonly prices: readonly string[];
  readonly preClose: string;
  readonly volume: number;
  readonly amount: string;
}

export function expectDaily(
  market: Market,
  codes: readonly string[],
  say: (bar: DailyBar) => DailyBar = (bar) => bar,
): readonly string[] {
  return codes.flatMap((code) =>
    (market.history(code)?.bars ?? []).map((bar) => {
      const prices = [bar.openCents, bar.highCents, bar.lowCents, bar.closeCents].map(centsText);
      const truth = {
        prices,
        preClose: centsText(bar.preCloseCents),
        volume: bar.volume,
        amount: centsText(bar.turnoverCents),
      };
      const { preClose, volume, amount } = say(truth);
      return [code, `${bar.day} 00:00:00`, ...prices, preClose, volume, amount].join(" ");
    }),
  );
}

/** Indices and funds as BaoStock has them. */
export function expectComposites(market: Market): readonly string[] {
  return ["000001.SH", "399001.SZ", "510300.SH"].flatMap((code) =>
    compositeHistory(market, code).map((bar) => {
      const prices = [bar.openMilli, bar.highMilli, bar.lowMilli, bar.closeMilli, bar.preCloseMilli].map(milliText);
      return [code, `${bar.day} 00:00:00`, ...prices, bar.volume, centsText(bar.turnoverCents)].join(" ");
    }),
  );
}

export function expectMinutes(
  market: Market,
  codes: readonly string[],
  minutes: MinutesFolded | 1,
  amountOf: (cents: number) => string,
  volumeOf: (shares: number) => number = (shares) => shares,
): readonly string[] {
  return codes
    .flatMap((code) => market.days.flatMap((day) => minutesOfDay(market, code, day, minutes)))
    .map((bar) => {
      const prices = [bar.openCents, bar.highCents, bar.lowCents, bar.closeCents].map(centsText);
      const amount = amountOf(bar.turnoverCents);
      return [bar.code, `${bar.day} ${bar.endsAt}:00`, ...prices, "-", volumeOf(bar.volume), amount].join(" ");
    })
    .toSorted();
}

function minutesOfDay(market: Market, code: string, day: Market["days"][number], minutes: MinutesFolded | 1) {
  const bars = minuteBarsOf(market, code, day);
  return minutes === 1 ? bars : foldMinutes(bars, minutes);
}

const SIDES = { buy: 1, sell: 2, neutral: 0 } as const;

/** In wire order: the place inside the minute counts from 0. */
export function expectTicks(market: Market, codes: readonly string[]): readonly string[] {
  return codes
    .flatMap((code) =>
      market.days.flatMap((day) => {
        const places = new Map<string, number>();
        return ticksOf(market, code, day).map(({ minute, priceCents, volume, side }) => {
          const place = places.get(minute) ?? 0;
          places.set(minute, place + 1);
          const lots = Math.floor(volume / 100) * 100;
          return [
            code,
            `${day} ${minute}:00.000`,
            String(place).padStart(6, "0"),
            centsText(priceCents),
            lots,
            SIDES[side],
          ].join(" ");
        });
      }),
    )
    .toSorted();
}

/** All bars of a source, or of the first of several that has them. */
export async function barsOf(
  rig: WorkerRig,
  frequency: number,
  ...sources: readonly number[]
): Promise<readonly string[]> {
  const rows = await rig.select<{ readonly line: string }>(
    `SELECT ${BAR_COLUMNS} FROM @bar_row AS row FINAL WHERE row.frequency = ${frequency} AND row.source IN (${sources.join(", ")})
     ORDER BY row.code, row.timestamp, indexOf([${sources.join(", ")}], row.source) LIMIT 1 BY row.code, row.timestamp`,
  );
  return rows.map(({ line }) => line).toSorted();
}

/** The factor of every listed day, as a provider has it that gives those of ex-days. */
export function expectFactors(market: Market, codes: readonly string[]): readonly string[] {
  return codes
    .flatMap((code) => (market.history(code)?.factors ?? []).map((one) => `${code} ${one.day} ${e4Text(one.factorE4)}`))
    .toSorted();
}

export async function factorsStored(rig: WorkerRig): Promise<readonly string[]> {
  const rows = await rig.select<{ readonly line: string }>(
    "SELECT concat(toString(code), ' ', toString(trading_day), ' ', toString(factor)) AS line FROM @adjustfactor_row FINAL",
  );
  return rows.map(({ line }) => line).toSorted();
}

export async function ticksStored(rig: WorkerRig): Promise<readonly string[]> {
  const rows = await rig.select<{ readonly line: string }>(
    `SELECT concat(toString(code), ' ', toString(timestamp), ' ', leftPad(toString(sequence), 6, '0'), ' ', toString(price), ' ',
      toString(volume), ' ', toString(direction)) AS line FROM @tick`,
  );
  return rows.map(({ line }) => line).toSorted();
}

/** Versions of rows in all tables of rows: what a second insert of the same would raise. */
export async function rowsWritten(rig: WorkerRig): Promise<unknown> {
  const rows = await rig.select<{ readonly name: string; readonly rows: string }>(
    ["bar_row", "tick_row", "adjustfactor_row"]
      .map((table) => `SELECT '${table}' AS name, toString(count()) AS rows FROM @${table}`)
      .join(" UNION ALL "),
  );
  return rows.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

function e4Text(value: number): string {
  return scaledText(BigInt(value), 4);
}

function scaledText(value: bigint, scale: number): string {
  const digits = String(value).padStart(scale + 1, "0");
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - scale);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
