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
  /** Which roundings were taken back, by provider; empty for none. */
  readonly rounding: string;
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
    return { verdict: "not-given", rounding: "" };
  }
  if (leftText === rightText) {
    return { verdict: "equal", rounding: "" };
  }
  const column = COLUMNS[cell];
  const one = unroundCell(parseDecimal(leftText, cell), left.roundings, column, day);
  const other = unroundCell(parseDecimal(rightText, cell), right.roundings, column, day);
  return {
    verdict: one.some(({ range }) => other.some((way) => meet(range, way.range))) ? "rounded" : "different",
    rounding: describeBoth([left.provider, one], [right.provider, other]),
  };
}

export function describeBoth(
  ...sides: readonly (readonly [ProviderName, readonly Pick<Unrounded, "steps">[]])[]
): string {
  return sides
    .map(([provider, ways]) => [provider, ways.filter(({ steps }) => steps.length > 0)] as const)
    .filter(([, ways]) => ways.length > 0)
    .map(([provider, ways]) => `${provider}: ${ways.map(({ steps }) => describeSteps(steps)).join(" or ")}`)
    .join("; ");
}
