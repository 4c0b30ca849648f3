import type { Day } from "../domain/day.ts";
import type { RequestPlaces } from "../domain/command.ts";
import type { Frequency } from "../domain/frequency.ts";
import { kindOf, nameOfKind } from "../domain/instrument-kind.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { type Abilities, covers, providersOf } from "../planning/covers.ts";

export interface AbleParts {
  readonly chain: readonly ProviderName[];
  readonly abilities: Abilities;
}

/** Codes that the same providers of the chain can serve; at least one provider. */
export interface AbleGroup {
  readonly codes: readonly SecurityCode[];
  readonly providers: readonly ProviderName[];
}

/** How far back is wanted, and how far back a provider goes; undefined is the beginning. */
export interface Reaches {
  readonly wantedFrom: (code: SecurityCode) => Day | undefined;
  readonly reachOf: (capability: Capability) => Day | undefined;
}

/**
 * The codes of a request by who can serve them; `unable` are those that nobody of the chain can. In the chain's order, but
 * who reaches back to the first day wanted comes before who does not; where nobody does, who reaches further comes first.
 */
export function groupByProviders(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  frequency: Frequency,
  { chain, abilities }: AbleParts,
  reaches: Reaches = { wantedFrom: () => undefined, reachOf: () => undefined },
): { readonly able: readonly AbleGroup[]; readonly unable: readonly SecurityCode[] } {
  const groups = new Map<string, { codes: SecurityCode[]; providers: readonly ProviderName[] }>();
  const unable: SecurityCode[] = [];
  for (const code of codes) {
    const able = providersOf(abilities, dataSet, frequency, code);
    const inChain = chain.filter((provider) => able.includes(provider));
    const reachFor = (provider: ProviderName): Day | undefined => {
      const capability = abilities
        .get(provider)
        ?.find((one) => one.dataSet === dataSet && one.frequency === frequency && covers(one, code));
      return capability === undefined ? undefined : reaches.reachOf(capability);
    };
    const providers = byReach(inChain, reachFor, reaches.wantedFrom(code));
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

function byReach(
  providers: readonly ProviderName[],
  reachFor: (provider: ProviderName) => Day | undefined,
  wantedFrom: Day | undefined,
): readonly ProviderName[] {
  if (providers.length < 2) {
    return providers;
  }
  const reach = new Map(providers.map((provider) => [provider, reachFor(provider)]));
  // Whatever lies before the first day wanted makes no difference.
  const lacks = (provider: ProviderName): string => {
    const day = reach.get(provider);
    return day === undefined || (wantedFrom !== undefined && day <= wantedFrom) ? "" : day;
  };
  return providers.toSorted((left, right) => {
    const [one, other] = [lacks(left), lacks(right)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
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
