import { PermanentError } from "../base/errors.ts";
import { chainForMarket, type ChainRule, chainRuleText, chainSubjectOf, type Chains } from "../domain/chain-rule.ts";
import { isOfMarket, MARKET_NAMES } from "../domain/market.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { DataSet } from "../domain/rows.ts";
import type { Abilities } from "../planning/covers.ts";
import type { Capability } from "../ports/source.ts";

/**
 * Whether those who are asked can answer at all, before anything is opened. Throws PermanentError (settings) where nobody
 * has the lists of mainland China, and for a rule that names who has nothing of its subject.
 */
export function checkChains(chains: Chains, abilities: Abilities): void {
  const able = (isWanted: (capability: Capability) => boolean): readonly ProviderName[] =>
    [...abilities].flatMap(([name, all]) => (all.some(isWanted) ? [name] : []));
  for (const list of ["stock-list", "trading-calendar"] as const) {
    const chain = chainForMarket(chains, list, "CN");
    const who = able((one) => isList(one, list));
    if (!chain.some((provider) => who.includes(provider))) {
      const rule = chains.chains.find((one) => one.subject === list && one.providers === chain);
      const where =
        rule === undefined ? `providers.chain is ${chain.join(", ")}` : `providers.chains has ${chainRuleText(rule)}`;
      throw new PermanentError(
        `${where}, which has no ${list.replace("-", " ")}: add ${who.join(" or ")} to it`,
        "settings",
      );
    }
  }
  for (const rule of chains.chains) {
    const who = able((one) => isOfRule(one, rule));
    const useless = rule.providers.find((provider) => !who.includes(provider));
    if (useless !== undefined) {
      const others = who.length === 0 ? "nobody has" : `${who.join(", ")} ${who.length === 1 ? "has" : "have"}`;
      throw new PermanentError(
        `setting providers.chains: ${chainRuleText(rule)} names ${useless}, which has nothing of that; ${others}`,
        "settings",
      );
    }
  }
}

function isList({ dataSet, exchanges }: Capability, list: DataSet): boolean {
  return dataSet === list && isOfMarket(exchanges, "CN");
}

function isOfRule({ dataSet, frequency, exchanges, kinds }: Capability, { subject, market, kind }: ChainRule): boolean {
  return (
    chainSubjectOf(dataSet, frequency) === subject &&
    (market === undefined ? MARKET_NAMES : [market]).some((one) => isOfMarket(exchanges, one)) &&
    (kind === undefined || kinds.includes(kind))
  );
}
