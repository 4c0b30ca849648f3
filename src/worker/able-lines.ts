import { chainFor, chainSubjectOf, type Chains } from "../domain/chain-rule.ts";
import type { Day } from "../domain/day.ts";
import type { RequestPlaces } from "../domain/command.ts";
import type { Frequency } from "../domain/frequency.ts";
import { kindOf, nameOfKind } from "../domain/instrument-kind.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { type Abilities, providersOf } from "../planning/covers.ts";

/** A line that codes may be asked of. */
export interface AbleLine {
  readonly provider: ProviderName;
  readonly capability: Capability;
}

/** Codes that the same lines can serve, those that are asked first in front; at least one line. */
export interface AbleGroup<L extends AbleLine> {
  readonly codes: readonly SecurityCode[];
  readonly lines: readonly L[];
}

export interface Wanted<L extends AbleLine> {
  readonly codes: readonly SecurityCode[];
  /** Of a code all that can serve it, in the order of the settings. */
  readonly linesOf: (code: SecurityCode) => readonly L[];
  /** How far back is wanted; undefined is the beginning. */
  readonly wantedFrom?: (code: SecurityCode) => Day | undefined;
  /** How far back a line goes; undefined is the beginning. */
  readonly reachOf?: (capability: Capability, code: SecurityCode) => Day | undefined;
}

/**
 * The codes of a request by who can serve them; `unable` are those that nobody can. In the order of the settings, but who
 * reaches back to the first day wanted comes before who does not; where nobody does, who reaches further comes first.
 */
export function groupByLines<L extends AbleLine>({
  codes,
  linesOf,
  wantedFrom = () => undefined,
  reachOf = () => undefined,
}: Wanted<L>): { readonly able: readonly AbleGroup<L>[]; readonly unable: readonly SecurityCode[] } {
  const numbers = new Map<L, number>();
  const groups = new Map<string, { codes: SecurityCode[]; lines: readonly L[] }>();
  const unable: SecurityCode[] = [];
  for (const code of codes) {
    const inOrder = linesOf(code);
    const lines =
      inOrder.length < 2 ? inOrder : byReach(inOrder, ({ capability }) => reachOf(capability, code), wantedFrom(code));
    if (lines.length === 0) {
      unable.push(code);
      continue;
    }
    const name = lines.map((line) => numberOf(line, numbers)).join();
    const group = groups.get(name);
    if (group === undefined) {
      groups.set(name, { codes: [code], lines });
    } else {
      group.codes.push(code);
    }
  }
  return { able: [...groups.values()], unable };
}

function numberOf<L>(line: L, numbers: Map<L, number>): number {
  const known = numbers.get(line) ?? numbers.size;
  numbers.set(line, known);
  return known;
}

function byReach<L>(
  lines: readonly L[],
  reachOf: (line: L) => Day | undefined,
  wantedFrom: Day | undefined,
): readonly L[] {
  const reach = new Map(lines.map((line) => [line, reachOf(line)]));
  // Whatever lies before the first day wanted makes no difference.
  const lacks = (line: L): string => {
    const day = reach.get(line);
    return day === undefined || (wantedFrom !== undefined && day <= wantedFrom) ? "" : day;
  };
  return lines.toSorted((left, right) => {
    const [one, other] = [lacks(left), lacks(right)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
}

/**
 * Nobody is asked about these codes: says what for, and who would have it. Where the settings have nobody for such data at
 * all the trouble is not with the codes, but with what is asked of them.
 */
export function noProvider(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  frequency: Frequency,
  places: RequestPlaces,
  { chains, abilities }: { readonly chains: Chains; readonly abilities: Abilities },
): MessageError {
  const [first] = codes;
  if (first === undefined) {
    throw new RangeError("nobody is missed for no code");
  }
  const what = dataSet === "bars" ? `${frequency} bars` : dataSet.replace("-", " ");
  const more = codes.length > 1 ? ` (and ${codes.length - 1} more)` : "";
  const others = providersOf(abilities, dataSet, frequency, first);
  const chain = chainFor(chains, chainSubjectOf(dataSet, frequency), first);
  const hint =
    others.length === 0
      ? "no provider that this version knows has them"
      : `${joinNames(others)} ${others.length === 1 ? "has" : "have"} them: see providers.chain`;
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

/** `a`, `a and b`, `a, b and c`. */
function joinNames(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}
