import type { Frequency } from "../domain/frequency.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { DataSet } from "../domain/rows.ts";
import { exchangeOf, type SecurityCode } from "../domain/security-code.ts";
import type { Capability } from "../ports/source.ts";

/** The provider has this code's exchange and kind of instrument, as far as the capability goes. */
export function covers({ exchanges, kinds }: Pick<Capability, "exchanges" | "kinds">, code: SecurityCode): boolean {
  return exchanges.includes(exchangeOf(code)) && kinds.includes(kindOf(code));
}

/** What providers can do, all that this version knows, in use or not. */
export type Abilities = ReadonlyMap<ProviderName, readonly Capability[]>;

/** The providers that have a data set at a frequency for a code. */
export function providersOf(
  abilities: Abilities,
  dataSet: DataSet,
  frequency: Frequency,
  code: SecurityCode,
): readonly ProviderName[] {
  return [...abilities]
    .filter(([, capabilities]) =>
      capabilities.some((one) => one.dataSet === dataSet && one.frequency === frequency && covers(one, code)),
    )
    .map(([provider]) => provider);
}
