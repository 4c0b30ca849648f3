import { CHAIN_SUBJECTS, parseChainRule, wordsOfRule } from "../domain/chain-rule.ts";
import { INSTRUMENT_KINDS } from "../domain/instrument-kind.ts";
import { MARKET_NAMES } from "../domain/market.ts";
import { isProviderName, PROVIDERS } from "../domain/provider.ts";
import { didYouMean } from "./nearest.ts";

/** What is wrong with the first rule of a list that is none; undefined where all are rules. */
export function adviseOnRules(list: string): string | undefined {
  const wrong = list.split(",").find((text) => text.trim() !== "" && parseChainRule(text) === undefined);
  return wrong === undefined ? undefined : `in ${wrong.trim()} ${faultOf(wrong)}`;
}

function faultOf(text: string): string {
  const words = wordsOfRule(text);
  if (words === undefined && isProviderName(text.trim().toLowerCase())) {
    return "there is a provider alone: several providers of one rule are joined by +";
  }
  if (words === undefined) {
    return "there should be one = between what is asked for and who is asked";
  }
  const { subject, details, names } = words;
  if (!(CHAIN_SUBJECTS as readonly string[]).includes(subject)) {
    return `${subject || "nothing"} is no data set${hint(subject, CHAIN_SUBJECTS)}`;
  }
  const known: readonly string[] = [...MARKET_NAMES.map((one) => one.toLowerCase()), ...INSTRUMENT_KINDS];
  const odd = details.find((word) => !known.includes(word));
  if (odd !== undefined) {
    return `${odd || "nothing"} is neither a market (${MARKET_NAMES.join(", ")}) nor a kind (${INSTRUMENT_KINDS.join(", ")})`;
  }
  const nobody = names.find((name) => !isProviderName(name));
  if (nobody !== undefined) {
    return `${nobody || "nothing"} is no provider${hint(nobody, PROVIDERS)}`;
  }
  return "a market, a kind or a provider stands twice";
}

function hint(word: string, all: readonly string[]): string {
  const meant = didYouMean(word, all);
  return meant === "" ? `: ${all.join(", ")} are` : meant.replace(/\?$/, "");
}
