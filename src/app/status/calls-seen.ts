import type { BudgetState } from "../../ports/budget.ts";
import type { ProviderLine } from "../../worker/provider-line.ts";

/** Calls of one api of a provider as they are now. */
export interface CallsSeen {
  readonly provider: string;
  readonly api: string;
  readonly underWay: number;
  /** Calls that wait until the budget grants them. */
  readonly waiting: number;
}

/** What a worker has under way and what waits for its budget; apis of which there is neither are left out. */
export function callsNow(
  lines: readonly Pick<ProviderLine, "provider" | "capability" | "callsUnderWay">[],
  budgets: readonly BudgetState[],
): readonly CallsSeen[] {
  return addCalls([
    ...lines.map(({ provider, capability: { api }, callsUnderWay: underWay }) => ({
      provider,
      api,
      underWay,
      waiting: 0,
    })),
    ...budgets.map(({ key: { provider, api }, waiting }) => ({ provider, api, underWay: 0, waiting })),
  ]);
}

/** One of each api that has any, by provider and api. */
export function addCalls(all: readonly CallsSeen[]): readonly CallsSeen[] {
  const sums = new Map<string, CallsSeen>();
  for (const one of all) {
    const key = `${one.provider} ${one.api}`;
    const sum = sums.get(key) ?? { ...one, underWay: 0, waiting: 0 };
    sums.set(key, { ...sum, underWay: sum.underWay + one.underWay, waiting: sum.waiting + one.waiting });
  }
  return [...sums]
    .filter(([, { underWay, waiting }]) => underWay + waiting > 0)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, sum]) => sum);
}
