import { parseDecimal } from "../../base/decimal.ts";
import type { Day } from "../../domain/day.ts";
import type { ProviderName } from "../../domain/provider.ts";
import type { ColumnRounding, RoundedColumn } from "../../ports/provider-facts.ts";
import type { BarCell } from "../../ports/stored-pair.ts";
import { describeSteps, meet, unroundCell, type Unrounded } from "./rounding.ts";

/** What two cells turned out to be. A value that one of the two does not give is no difference. */
export const CELL_VERDICTS = ["equal", "rounded", "different", "not-given"] as const;
export type CellVerdict = (typeof CELL_VERDICTS)[number];

export interface CellComparison {
  readonly verdict: CellVerdict;
  /** Of cells that differ what was taken back of each, for people. */
  readonly roundings: readonly [string, string];
}

/** A provider, and what its columns of one kind of code went through. */
export interface RoundingSide {
  readonly provider: ProviderName;
  readonly roundings: readonly ColumnRounding[];
}

const COLUMNS: Readonly<Record<BarCell, RoundedColumn>> = {
  open: "price",
  high: "price",
  low: "price",
  close: "price",
  pre_close: "pre_close",
  volume: "volume",
  amount: "amount",
};

type Text = string | null | undefined;
const NOT_GIVEN: CellComparison = { verdict: "not-given", roundings: ["", ""] };
const EQUAL: CellComparison = { verdict: "equal", roundings: ["", ""] };
const ROUNDED: CellComparison = { verdict: "rounded", roundings: ["", ""] };

/**
 * Equal after rounding is what one and the same value may have become on both ways. Where only one side rounds, that is
 * the other one's value rounded alike.
 */
export function compareBarCell(
  cell: BarCell,
  day: Day,
  [leftText, left]: readonly [Text, RoundingSide],
  [rightText, right]: readonly [Text, RoundingSide],
): CellComparison {
  if (leftText === null || leftText === undefined || rightText === null || rightText === undefined) {
    return NOT_GIVEN;
  }
  if (leftText === rightText) {
    return EQUAL;
  }
  const column = COLUMNS[cell];
  const one = unroundCell(parseDecimal(leftText, cell), left.roundings, column, day);
  const other = unroundCell(parseDecimal(rightText, cell), right.roundings, column, day);
  return one.some(({ range }) => other.some((way) => meet(range, way.range)))
    ? ROUNDED
    : { verdict: "different", roundings: [describeWays(one), describeWays(other)] };
}

/** Such as `cut to 100 or float of 32 bits`; empty where nothing was taken back. */
export function describeWays(ways: readonly Pick<Unrounded, "steps">[]): string {
  return ways
    .filter(({ steps }) => steps.length > 0)
    .map(({ steps }) => describeSteps(steps))
    .join(" or ");
}
