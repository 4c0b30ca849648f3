import { compactDay } from "../../domain/day.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Category } from "./select-bars.ts";
import type { TdxBar } from "./tdx-data.ts";

export interface BarsLayout {
  readonly category: Category;
  readonly isIndex: boolean;
  /** Minutes since midnight that a minute row is stamped with. */
  readonly stampOf: (bar: TdxBar) => number;
  /** Open, close, high and low as they are, not as differences: the newer command. */
  readonly isAbsolute: boolean;
}

const SHARES_A_LOT = 100;
const CENTS_A_YUAN = 100;

/** Rows with prices in thousandths, each open told as the difference to the close before it. */
export function encodeBars(bars: readonly TdxBar[], layout: BarsLayout): Buffer {
  const out = new ByteWriter().u16(bars.length);
  let base = 0;
  for (const bar of bars) {
    writeTime(out, bar, layout);
    const from = layout.isAbsolute ? 0 : bar.openMilli;
    out.varint(bar.openMilli - base);
    out.varint(bar.closeMilli - from);
    out.varint(bar.highMilli - from);
    out.varint(bar.lowMilli - from);
    base = layout.isAbsolute ? 0 : bar.closeMilli;
    out.f32(volumeOf(bar, layout)).f32(bar.turnoverCents / CENTS_A_YUAN);
    if (layout.isIndex) {
      out.u16(bar.ups ?? 0).u16(bar.downs ?? 0);
    }
  }
  return out.toBuffer();
}

/** Minutes are packed into four bytes, longer bars tell their day as a number. */
function writeTime(out: ByteWriter, bar: TdxBar, { category, stampOf }: BarsLayout): void {
  const date = Number.parseInt(compactDay(bar.day), 10);
  if (category.kind !== "minutes") {
    out.u32(date);
    return;
  }
  const year = Math.floor(date / 10_000);
  out.u16((year - 2004) * 2_048 + (date % 10_000)).u16(stampOf(bar));
}

/** Shares in minutes and in category 4, else lots with what is no lot cut off; an index counts hundreds of lots. */
function volumeOf(bar: TdxBar, { category, isIndex }: BarsLayout): number {
  if (category.kind === "minutes" || (category.kind === "days" && category.isInShares)) {
    return bar.volume;
  }
  return Math.floor(bar.volume / (isIndex ? SHARES_A_LOT * SHARES_A_LOT : SHARES_A_LOT));
}

export interface MinuteLineRow {
  readonly price: number;
  readonly unknown: number;
  readonly lots: number;
}

/** Prices in 10^−decimals yuan. */
export function minuteLine(bars: readonly TdxBar[], millisAUnit: number): readonly MinuteLineRow[] {
  return bars.map(({ closeMilli, volume, lineUnknown = 0 }) => ({
    price: Math.floor(closeMilli / millisAUnit),
    unknown: lineUnknown,
    lots: Math.floor(volume / SHARES_A_LOT),
  }));
}

export function writeMinuteLine(out: ByteWriter, rows: readonly MinuteLineRow[]): void {
  let before = 0;
  for (const { price, unknown, lots } of rows) {
    out
      .varint(price - before)
      .varint(unknown)
      .varint(lots);
    before = price;
  }
}
