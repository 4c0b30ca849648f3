import { ByteWriter } from "./byte-writer.ts";
import type { TdxTick } from "./tdx-data.ts";

const SHARES_A_LOT = 100;

/** `today` has the number of trades, `past` has not, `past-counted` has it and a side of two bytes. */
export type TicksLayout = "today" | "past" | "past-counted";

export interface TicksAnswer {
  readonly ticks: readonly TdxTick[];
  readonly layout: TicksLayout;
  readonly preCloseMilli: number;
  /** Thousandths in a unit of the wire's prices: 10 for stocks, 1 for funds. */
  readonly millisAUnit: number;
}

/** Prices are differences to the print before, the first one to 0. */
export function encodeTicks({ ticks, layout, preCloseMilli, millisAUnit }: TicksAnswer): Buffer {
  const out = new ByteWriter().u16(ticks.length);
  if (layout !== "today") {
    out.f32(ticks.length === 0 ? 0 : preCloseMilli / 1_000);
  }
  let before = 0;
  for (const { minute, priceMilli, volume, trades, side } of ticks) {
    const price = Math.floor(priceMilli / millisAUnit);
    out
      .u16(minute)
      .varint(price - before)
      .varint(Math.floor(volume / SHARES_A_LOT));
    before = price;
    if (layout === "past") {
      out.varint(side).varint(0);
    } else if (layout === "today") {
      out.varint(trades).varint(side).varint(0);
    } else {
      out.varint(trades).u16(side);
    }
  }
  return out.toBuffer();
}
