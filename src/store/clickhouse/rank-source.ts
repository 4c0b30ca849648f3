import { rulesFor, type ChainRule, type ChainSubject } from "../../domain/chain-rule.ts";
import type { SourceNumber } from "../../domain/enums.ts";
import { kindRanges, type InstrumentKind } from "../../domain/instrument-kind.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import { quoteString } from "./quote.ts";
import { FETCHED_VERSION_MIN } from "./tables.ts";

/** Of several sources of a row a view shows the best, those named first in front. Others follow by number. */
export interface SourceRanks {
  readonly chain: readonly SourceNumber[];
  /** In place of the chain for what they name. */
  readonly rankRules?: readonly RankRule[];
}

export type RankRule = Omit<ChainRule, "providers"> & { readonly sources: readonly SourceNumber[] };

/** The columns by which a rule is told to hold, qualified as the query needs it. */
interface Columns {
  /** Such as `row.`, before `source` and `version`. */
  readonly prefix: string;
  readonly code?: string;
  /** The number of a market, for rows that are of no code. */
  readonly market?: string;
}

/**
 * The order of sources of one subject as an expression that is smallest for the best. Rows copied from an older table come
 * after every fetched one, whatever their source. Rules about what the rows do not tell do not count.
 */
export function rankSource({ chain, rankRules = [] }: SourceRanks, subject: ChainSubject, columns: Columns): string {
  const { prefix } = columns;
  const version = `if(${prefix}version < ${FETCHED_VERSION_MIN}, 1000, 0)`;
  const cases = rulesFor(rankRules, subject).flatMap(({ market, kind, sources }): readonly string[] => {
    const conditions = conditionsOf(columns, market, kind);
    return conditions === undefined
      ? []
      : [`${conditions.length === 0 ? "1" : conditions.join(" AND ")}, ${rankIn(sources, prefix)}`];
  });
  const general = rankIn(chain, prefix);
  const rank = cases.length === 0 ? general : `multiIf(${cases.join(", ")}, ${general})`;
  return rank === "0" ? version : `${version} + ${rank}`;
}

/** Bars of a day and within one have chains of their own. `isDaily` is the condition that a bar is of a day or longer. */
export function rankBars(ranks: SourceRanks, columns: Columns, isDaily: string): string {
  const [daily, minutes] = [rankSource(ranks, "bars", columns), rankSource(ranks, "minutes", columns)];
  return daily === minutes ? daily : `if(${isDaily}, ${daily}, ${minutes})`;
}

function rankIn(sources: readonly SourceNumber[], prefix: string): string {
  return sources.length === 0
    ? "0"
    : `transform(${prefix}source, [${sources.join(", ")}], [${sources.map((_, index) => index).join(", ")}], 500)`;
}

/** Undefined where the rows do not tell what the rule is about. */
function conditionsOf(
  { code, market: number }: Columns,
  market: MarketName | undefined,
  kind: InstrumentKind | undefined,
): readonly string[] | undefined {
  if (code === undefined) {
    if (kind !== undefined || (market !== undefined && number === undefined)) {
      return undefined;
    }
    return market === undefined ? [] : [`${number} = ${MARKETS[market].number}`];
  }
  const text = `toString(${code})`;
  const isOf = (exchange: string): string => `endsWith(${text}, '.${exchange}')`;
  return [
    ...(market === undefined ? [] : [`(${MARKETS[market].exchanges.map(isOf).join(" OR ")})`]),
    ...(kind === undefined ? [] : [`${kindExpression(text, isOf)} = ${quoteString(kind)}`]),
  ];
}

/** What `kindOf` says of a code. */
function kindExpression(text: string, isOf: (exchange: string) => string): string {
  const cases = kindRanges().map(
    ({ exchange, kind, pattern }) =>
      `${isOf(exchange)} AND match(${text}, ${quoteString(pattern)}), ${quoteString(kind)}`,
  );
  return `multiIf(${cases.join(", ")}, 'stock')`;
}
