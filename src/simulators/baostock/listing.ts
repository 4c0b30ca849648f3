import type { Day } from "../../domain/day.ts";
import type { FactorEvent } from "../../market/factor-events.ts";
import type { PriceLine } from "../../market/price-line.ts";
import type { BaostockKind } from "./baostock-data.ts";

/** A day of a listed thing: a bar, or a suspended day with the price before it. */
export interface DayLine extends PriceLine {
  readonly day: Day;
  readonly preCloseMilli: number;
  readonly isTrading: boolean;
}

/** One or several minutes; `endsAt` is Beijing time, `HH:MM`. */
export interface MinuteLine extends PriceLine {
  readonly endsAt: string;
}

/** What a dividend's row tells. */
export interface PaidDividend {
  readonly announcedOn: Day;
  readonly recordedOn: Day;
  readonly exDay: Day;
  readonly cashCentsPer10: number;
  readonly bonusTenthsPer10: number;
}

/** Something that the provider lists, in the market's numbers and under the provider's code. */
export interface Listing {
  /** `sh.600000` */
  readonly code: string;
  readonly kind: BaostockKind;
  readonly name: string;
  readonly industry: string;
  readonly isSpecialTreatment: boolean;
  readonly listedOn: Day;
  readonly delistedOn: Day | undefined;
  /** Sorted, suspended days included. */
  days(): readonly DayLine[];
  /** Sorted by day. */
  factors(): readonly FactorEvent[];
  dividends(): readonly PaidDividend[];
  /** The 240 minutes of a day; none on one without trading. */
  minutes(day: Day): readonly MinuteLine[];
  readonly figures: Figures;
}

/** What a turnover rate and valuations are reckoned from; all whole numbers. */
export interface Figures {
  readonly floatShares: number;
  /** In cents a share: earnings, book value, sales, cash flow. */
  readonly earningsCents: number;
  readonly bookCents: number;
  readonly salesCents: number;
  readonly cashFlowCents: number;
}

/** Lines of so many minutes from those of one; each ends where its last minute does. */
export function foldMinutes(minutes: readonly MinuteLine[], length: number): readonly MinuteLine[] {
  const folded: MinuteLine[] = [];
  for (let from = 0; from < minutes.length; from += length) {
    const group = minutes.slice(from, from + length);
    const [first, last] = [group[0], group.at(-1)];
    if (first !== undefined && last !== undefined) {
      folded.push({
        endsAt: last.endsAt,
        openMilli: first.openMilli,
        highMilli: Math.max(...group.map(({ highMilli }) => highMilli)),
        lowMilli: Math.min(...group.map(({ lowMilli }) => lowMilli)),
        closeMilli: last.closeMilli,
        volume: group.reduce((sum, { volume }) => sum + volume, 0),
        turnoverCents: group.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
      });
    }
  }
  return folded;
}

/** The line of a day, found by halves. */
export function lineOn(lines: readonly DayLine[], day: Day): DayLine | undefined {
  const found = lines[firstFrom(lines, day)];
  return found?.day === day ? found : undefined;
}

/** The place of the first line on or after a day. */
export function firstFrom(lines: readonly { readonly day: Day }[], day: Day): number {
  let [from, to] = [0, lines.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((lines[middle]?.day ?? day) < day) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}
