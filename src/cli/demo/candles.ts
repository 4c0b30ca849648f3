/** A day as it is drawn. Only pictures go through here, so floats are good enough. */
export interface Candle {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

const BODY_UP = "┃";
const BODY_DOWN = "█";
const WICK = "│";
const LABEL_WIDTH = 9;

/**
 * Candlesticks as text, one column a day: a thick line for a day that rose or stood still, a block for one that fell, a
 * thin line for its range; the highest and the lowest price stand at the side. Empty for no candles.
 */
export function drawCandles(candles: readonly Candle[], height: number): readonly string[] {
  if (candles.length === 0) {
    return [];
  }
  const top = Math.max(...candles.map(({ high }) => high));
  const bottom = Math.min(...candles.map(({ low }) => low));
  const step = (top - bottom) / height || 1;
  const rowOf = (price: number): number => Math.min(height - 1, Math.floor((top - price) / step));
  return Array.from({ length: height }, (_, row) => {
    const label = row === 0 ? top.toFixed(2) : row === height - 1 ? bottom.toFixed(2) : "";
    const isWithin = (upper: number, lower: number): boolean => rowOf(upper) <= row && row <= rowOf(lower);
    const cells = candles.map(({ open, high, low, close }) => {
      if (isWithin(Math.max(open, close), Math.min(open, close))) {
        return close >= open ? BODY_UP : BODY_DOWN;
      }
      return isWithin(high, low) ? WICK : " ";
    });
    return `${label.padStart(LABEL_WIDTH)} ${cells.join("")}`.trimEnd();
  });
}
