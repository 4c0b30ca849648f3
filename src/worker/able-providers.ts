import type { RequestPlaces } from "../domain/command.ts";
import type { Frequency } from "../domain/frequency.ts";
import { kindOf, nameOfKind } from "../domain/instrument-kind.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { type Abilities, providersOf } from "../planning/covers.ts";

export interface AbleParts {
  readonly chain: readonly ProviderName[];
  readonly abilities: Abilities;
}

/** Codes that the same providers of the chain can serve; at least one provider. */
export interface AbleGroup {
  readonly codes: readonly SecurityCode[];
  readonly providers: readonly ProviderName[];
}

/** The codes of a request by who can serve them, in the chain's order; `unable` are those that nobody of the chain can. */
export function groupByProviders(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  frequency: Frequency,
  { chain, abilities }: AbleParts,
): { readonly able: readonly AbleGroup[]; readonly unable: readonly SecurityCode[] } {
  const groups = new Map<string, { codes: SecurityCode[]; providers: readonly ProviderName[] }>();
  const unable: SecurityCode[] = [];
  for (const code of codes) {
    const able = providersOf(abilities, dataSet, frequency, code);
    const providers = chain.filter((provider) => able.includes(provider));
    const name = providers.join();
    const group = groups.get(name);
    if (providers.length === 0) {
      unable.push(code);
    } else if (group === undefined) {
      groups.set(name, { codes: [code], providers });
    } else {
      group.codes.push(code);
    }
  }
  return { able: [...groups.values()], unable };
}

/**
 * The chain has nobody for these codes: says what for, and who would have it. Where it has nobody for such data at all the
 * trouble is not with the codes, but with what is asked of them.
 */
export function noProvider(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  frequency: Frequency,
  places: RequestPlaces,
  { chain, abilities }: AbleParts,
): MessageError {
  const [first] = codes;
  if (first === undefined) {
    throw new RangeError("nobody is missed for no code");
  }
  const what = dataSet === "bars" ? `${frequency} bars` : dataSet.replace("-", " ");
  const more = codes.length > 1 ? ` (and ${codes.length - 1} more)` : "";
  const others = providersOf(abilities, dataSet, frequency, first);
  const hint =
    others.length === 0
      ? "no provider that this version knows has them"
      : `${others.join(" and ")} ${others.length === 1 ? "has" : "have"} them: see providers.chain`;
  const asked = `${what} of ${nameOfKind(kindOf(first))} such as ${first}${more}`;
  const isServed = chain.some((provider) =>
    abilities.get(provider)?.some((one) => one.dataSet === dataSet && one.frequency === frequency),
  );
  const elsewhere = dataSet === "bars" ? `${places.params}.frequency` : "$.command";
  return new MessageError(
    "not-supported",
    isServed ? places.codes : elsewhere,
    `${asked} are not served by ${chain.join(", ")}; ${hint}`,
  );
}
