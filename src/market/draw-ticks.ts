import { endMinuteOf, MINUTES_A_DAY, type DrawnMinute } from "./draw-minutes.ts";
import type { Random } from "./random.ts";

const LOT = 100;
const OPENING_AUCTION = 9 * 60 + 25;
const CLOSING_AUCTION = 15 * 60;
/** The exchange shows the market every three seconds, so a minute has at most twenty prints. */
const PRINTS_MAX = 20;

export interface DrawnTick {
  /** Minutes since midnight. */
  readonly minute: number;
  readonly price: number;
  readonly volume: number;
  readonly trades: number;
  readonly side: "buy" | "sell" | "neutral";
}

/** Prints of every minute with trade: its open first, its close last, its high and low between, its volume in all. */
export function drawTicks(minutes: readonly DrawnMinute[], preClose: number, random: Random): readonly DrawnTick[] {
  const ticks: DrawnTick[] = [];
  let before = preClose;
  minutes.forEach((minute, position) => {
    if (minute.volume === 0) {
      return;
    }
    const prices = drawPrices(minute, random);
    const volumes = drawVolumes(minute.volume, prices.length, random);
    prices.forEach((price, index) => {
      const at = minuteOf(position, index, prices.length);
      const volume = volumes[index] ?? 0;
      const isAuction = at === OPENING_AUCTION || at === CLOSING_AUCTION;
      ticks.push({
        minute: at,
        price,
        volume,
        trades: 1 + random.below(Math.max(1, Math.min(Math.floor(volume / LOT), isAuction ? 400 : 30))),
        side: isAuction ? "neutral" : sideOf(price, before, random),
      });
      before = price;
    });
  });
  return ticks;
}

/** The day's first print is the opening auction's, the last one of its last minute the closing auction's. */
function minuteOf(position: number, index: number, count: number): number {
  if (position === 0 && index === 0) {
    return OPENING_AUCTION;
  }
  return position === MINUTES_A_DAY - 1 && index === count - 1 ? CLOSING_AUCTION : endMinuteOf(position) - 1;
}

function drawPrices({ open, high, low, close, volume, isAuction }: DrawnMinute, random: Random): readonly number[] {
  const lots = Math.max(1, Math.floor(volume / LOT));
  if (isAuction && low === high) {
    return [open];
  }
  const touched = [high, low].filter((price) => price !== open && price !== close);
  const needed = (open === close && touched.length === 0 ? 1 : 2) + touched.length;
  const wanted = Math.min(PRINTS_MAX, Math.floor(lots / random.between(1, 6)), random.between(4, PRINTS_MAX));
  const count = Math.max(needed, wanted);
  if (count === 1) {
    return [close];
  }
  const prices = [open];
  for (let index = 1; index < count - 1; index += 1) {
    const last = prices[index - 1] ?? open;
    // Half of the prints repeat the price before them, as where one order is filled in parts.
    const price = random.chance(1, 2) ? last : last + random.between(-1, 1);
    prices.push(Math.min(Math.max(price, low), high));
  }
  prices.push(close);
  const places = touched.length === 2 ? drawTwo(count - 2, random) : [random.below(Math.max(1, count - 2))];
  touched.forEach((price, index) => {
    prices[1 + (places[index] ?? 0)] = price;
  });
  return prices;
}

/** Two different numbers below `count`. */
function drawTwo(count: number, random: Random): readonly [number, number] {
  const first = random.below(count);
  return [first, (first + 1 + random.below(count - 1)) % count];
}

/** Small round sizes for half of the prints, so that equal ones are common; the last one takes what is left. */
function drawVolumes(volume: number, count: number, random: Random): readonly number[] {
  let lotsLeft = Math.floor(volume / LOT);
  const volumes: number[] = [];
  for (let left = count - 1; left > 0; left -= 1) {
    const drawn = random.chance(1, 2)
      ? random.pick([1, 1, 2, 3, 5, 10])
      : 1 + random.below(2 * Math.max(1, Math.floor(lotsLeft / (left + 1))));
    const lots = Math.max(1, Math.min(drawn, lotsLeft - left));
    volumes.push(lots * LOT);
    lotsLeft -= lots;
  }
  volumes.push(lotsLeft * LOT + (volume % LOT));
  return volumes;
}

function sideOf(price: number, before: number, random: Random): "buy" | "sell" {
  if (price === before) {
    return random.chance(1, 2) ? "buy" : "sell";
  }
  return price > before ? "buy" : "sell";
}
