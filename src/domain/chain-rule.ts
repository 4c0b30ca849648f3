import type { Frequency } from "./frequency.ts";
import { INSTRUMENT_KINDS, kindOf, type InstrumentKind } from "./instrument-kind.ts";
import { MARKET_NAMES, marketOf, type MarketName } from "./market.ts";
import { isProviderName, type ProviderName } from "./provider.ts";
import type { DataSet } from "./rows.ts";
import type { SecurityCode } from "./security-code.ts";

/** What a chain of its own may be made for. `bars` are those of a day, `minutes` those within one. */
export const CHAIN_SUBJECTS = [
  "bars",
  "minutes",
  "ticks",
  "adjustment-factors",
  "stock-list",
  "trading-calendar",
  "suspensions",
] as const;
export type ChainSubject = (typeof CHAIN_SUBJECTS)[number];

/** Who is asked for one thing in place of the general chain: these providers only, in this order. */
export interface ChainRule {
  readonly subject: ChainSubject;
  /** Of every market where it is absent. */
  readonly market: MarketName | undefined;
  /** Of every kind of instrument where it is absent. */
  readonly kind: InstrumentKind | undefined;
  readonly providers: readonly ProviderName[];
}

export interface Chains {
  readonly chain: readonly ProviderName[];
  readonly chains: readonly ChainRule[];
}

export const CHAIN_RULE_EXPECTED =
  "a data set, a market and a kind if wanted, and who is asked, such as ticks=tdx+akshare or bars/HK/stock=yahoo+akshare";

/** `bars/HK/stock=yahoo+akshare`; undefined for what is no rule. Market and kind may be left out and stand in either order. */
export function parseChainRule(text: string): ChainRule | undefined {
  const words = wordsOfRule(text);
  if (words === undefined) {
    return undefined;
  }
  const { details, names } = words;
  const subject = CHAIN_SUBJECTS.find((one) => one === words.subject);
  const providers = names.filter(isProviderName);
  const markets = details.flatMap((word) => MARKET_NAMES.filter((one) => one.toLowerCase() === word));
  const kinds = details.flatMap((word) => INSTRUMENT_KINDS.filter((one) => one === word));
  const isWhole =
    providers.length === names.length &&
    new Set(providers).size === providers.length &&
    markets.length + kinds.length === details.length &&
    markets.length <= 1 &&
    kinds.length <= 1;
  return subject === undefined || !isWhole ? undefined : { subject, market: markets[0], kind: kinds[0], providers };
}

/** What stands in a rule, right or wrong, in lower case; undefined where there is not one `=` between two sides. */
export function wordsOfRule(
  text: string,
): { readonly subject: string; readonly details: readonly string[]; readonly names: readonly string[] } | undefined {
  const [, left, right] = /^([^=]+)=([^=]+)$/.exec(text.trim().toLowerCase()) ?? [];
  if (left === undefined || right === undefined) {
    return undefined;
  }
  const [subject = "", ...details] = left.split("/").map((word) => word.trim());
  return { subject, details, names: right.split("+").map((word) => word.trim()) };
}

export function chainRuleText({ subject, market, kind, providers }: ChainRule): string {
  return `${[subject, market, kind].filter((word) => word !== undefined).join("/")}=${providers.join("+")}`;
}

export function chainSubjectOf(dataSet: DataSet, frequency: Frequency): ChainSubject {
  return dataSet === "bars" && frequency !== "1d" && frequency !== "1w" && frequency !== "1M" ? "minutes" : dataSet;
}

/** Who is asked for a code, in this order: by the rule that says most of it, or else by the general chain. */
export function chainFor(chains: Chains, subject: ChainSubject, code: SecurityCode): readonly ProviderName[] {
  return ruleFor(chains.chains, subject, { market: marketOf(code), kind: kindOf(code) })?.providers ?? chains.chain;
}

/** Who is asked for what is not of one code, such as a list: rules that name a market or a kind do not count. */
export function chainForAll(chains: Chains, subject: ChainSubject): readonly ProviderName[] {
  return ruleFor(chains.chains, subject, undefined)?.providers ?? chains.chain;
}

/** Who is asked for a list of a market. */
export function chainForMarket(chains: Chains, subject: ChainSubject, market: MarketName): readonly ProviderName[] {
  return ruleFor(chains.chains, subject, { market, kind: undefined })?.providers ?? chains.chain;
}

/** Everybody who is asked for anything, those of the general chain first. */
export function providersInUse({ chain, chains }: Chains): readonly ProviderName[] {
  return [...new Set([...chain, ...chains.flatMap(({ providers }) => providers)])];
}

/** Rules of one subject, those that say most in front: a kind says more than a market, and of two that say as much the first holds. */
export function rulesFor<R extends Omit<ChainRule, "providers">>(
  rules: readonly R[],
  subject: ChainSubject,
): readonly R[] {
  const weight = ({ kind, market }: R): number => (kind === undefined ? 0 : 2) + (market === undefined ? 0 : 1);
  return rules.filter((rule) => rule.subject === subject).toSorted((left, right) => weight(right) - weight(left));
}

function ruleFor(
  rules: readonly ChainRule[],
  subject: ChainSubject,
  of: { readonly market: MarketName; readonly kind: InstrumentKind | undefined } | undefined,
): ChainRule | undefined {
  return rulesFor(rules, subject).find(
    ({ market, kind }) => (market === undefined || market === of?.market) && (kind === undefined || kind === of?.kind),
  );
}
