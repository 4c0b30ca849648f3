import type { Day } from "../domain/day.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Selection } from "../domain/unit.ts";

export interface OneCode {
  readonly code: SecurityCode;
  readonly from: Day;
  readonly to: Day;
}

/** Of a provider that is asked for one code a call; RangeError on any other selection, the caller's defect. */
export function oneCodeOf(selection: Selection, provider: ProviderName): OneCode {
  const code = selection.by === "codes" ? selection.codes[0] : undefined;
  if (selection.by !== "codes" || code === undefined || selection.codes.length !== 1) {
    throw new RangeError(`calling ${provider}: expected one code and a range of days, got a call by ${selection.by}`);
  }
  return { code, from: selection.from, to: selection.to };
}
