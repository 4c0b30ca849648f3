import { divideHalfUp, type ActionTerms, type PriceLimits } from "./price-rules.ts";
import type { Random } from "./random.ts";
import type { MarketBar } from "./security.ts";

/** More shares than any A-share trades in a day; keeps price × volume in the range of exact whole numbers. */
const VOLUME_MAX = 2_000_000_000;
const LOT = 100;
/** Prices are drawn back towards this range, so that a long market neither dies out nor leaves the exact range. */
const CHEAP_CENTS = 300;
const DEAR_CENTS = 30_000;

interface DayTerms {
  readonly preCloseCents: number;
  readonly limits: PriceLimits | undefined;
  /** A usual day's lots. */
  readonly sizeLots: number;
  readonly hasSingleShares: boolean;
}

type DrawnBar = Pick<MarketBar, "openCents" | "highCents" | "lowCents" | "closeCents" | "volume" | "turnoverCents">;

export function drawFirstClose(random: Random): number {
  return random.chance(1, 12) ? random.between(5_000, 60_000) : random.between(250, 4_000);
}

export function drawIssuePrice(random: Random): number {
  return random.between(500, 6_000);
}

/** A day's bar: inside its limits, low ≤ open and close ≤ high, turnover between low × volume and high × volume. */
export function drawBar({ preCloseCents, limits, sizeLots, hasSingleShares }: DayTerms, random: Random): DrawnBar {
  const bounds = limits ?? { downCents: divideHalfUp(preCloseCents * 2, 5), upCents: preCloseCents * 4 };
  const spread = limits === undefined ? 900 : 110;
  const at = (basisPoints: number): number =>
    clamp(divideHalfUp(preCloseCents * (10_000 + basisPoints), 10_000), bounds.downCents, bounds.upCents);

  let openCents = at(random.bell(Math.floor(spread / 3)));
  let closeCents = at(random.bell(spread) + driftOf(preCloseCents));
  let highCents = at(random.below(spread) + basisPointsOf(Math.max(openCents, closeCents), preCloseCents));
  let lowCents = at(basisPointsOf(Math.min(openCents, closeCents), preCloseCents) - random.below(spread));
  let activity = random.between(20, 180);
  if (limits !== undefined && random.chance(1, 60)) {
    // It closes at a limit; in one case of four nothing else was traded all day.
    closeCents = random.chance(1, 2) ? limits.upCents : limits.downCents;
    activity *= 3;
    if (random.chance(1, 4)) {
      openCents = closeCents;
      highCents = closeCents;
      lowCents = closeCents;
      activity = 5;
    }
  }
  highCents = Math.max(highCents, openCents, closeCents);
  lowCents = Math.min(lowCents, openCents, closeCents);
  const volume = drawVolume(sizeLots, activity, hasSingleShares, random);
  return {
    openCents,
    highCents,
    lowCents,
    closeCents,
    volume,
    turnoverCents: drawTurnover(lowCents, highCents, volume, random),
  };
}

/** Mostly whole lots; holders may sell what is left of a lot after a bonus issue, hence odd volumes. */
function drawVolume(sizeLots: number, activity: number, hasSingleShares: boolean, random: Random): number {
  const lots = 1 + divideHalfUp(sizeLots * activity, 100) + random.below(97);
  const odd = random.chance(hasSingleShares ? 9 : 1, hasSingleShares ? 10 : 5) ? random.below(LOT) : 0;
  return Math.min(lots * LOT + odd, VOLUME_MAX);
}

/** An average price somewhere between low and high, to the cent and a remainder of single cents. */
function drawTurnover(lowCents: number, highCents: number, volume: number, random: Random): number {
  if (lowCents === highCents) {
    return lowCents * volume;
  }
  return (lowCents + random.below(highCents - lowCents)) * volume + random.below(volume);
}

/** Two thirds pay cash, the others bonus shares with or without cash, a few offer rights. */
export function drawActionTerms(closeCents: number, random: Random): ActionTerms {
  const cash = random.between(1, Math.max(2, Math.floor(closeCents / 2)));
  const kind = random.below(12);
  if (kind === 0) {
    return {
      cashCentsPer10: 0,
      bonusTenthsPer10: 0,
      rightsTenthsPer10: random.pick([20, 25, 30]),
      rightsPriceCents: Math.max(1, divideHalfUp(closeCents * 7, 10)),
    };
  }
  const isCashOnly = kind >= 4;
  return {
    cashCentsPer10: isCashOnly || random.chance(2, 3) ? cash : 0,
    bonusTenthsPer10: isCashOnly ? 0 : random.pick([10, 20, 30, 40, 45, 50, 80, 100]),
    rightsTenthsPer10: 0,
    rightsPriceCents: 0,
  };
}

/** Basis points a day by which very low and very high prices are drawn back. */
function driftOf(preCloseCents: number): number {
  if (preCloseCents < CHEAP_CENTS) {
    return 60;
  }
  return preCloseCents > DEAR_CENTS ? -60 : 3;
}

function basisPointsOf(priceCents: number, preCloseCents: number): number {
  return divideHalfUp((priceCents - preCloseCents) * 10_000, preCloseCents);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
