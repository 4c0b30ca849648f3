import type { Evidence } from "../domain/ledger.ts";
import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { RowOutcome } from "../ports/store.ts";

/** What was stored so far for one request, whoever brought it: who is moved on from, or fails behind it, counts as well. */
export class StoredTally {
  #rows = NO_ROWS;
  #provider: ProviderName | undefined;
  readonly #callIds = new Set<string>();

  add(rows: Tally, answers: readonly Pick<Evidence, "provider" | "callId">[]): void {
    this.#rows = addTallies(this.#rows, rows);
    this.#provider ??= answers[0]?.provider;
    for (const { callId } of answers) {
      this.#callIds.add(callId);
    }
  }

  get rows(): Tally {
    return this.#rows;
  }

  /** The calls behind it, in the order in which they were answered; those that brought no row among them. */
  get callIds(): readonly string[] {
    return [...this.#callIds];
  }

  /** Who was answered by first. */
  get provider(): ProviderName | undefined {
    return this.#provider;
  }
}

export function tallyOf(outcomes: readonly RowOutcome[]): Tally {
  const tally = { ...NO_ROWS };
  for (const outcome of outcomes) {
    tally[outcome] += 1;
  }
  return tally;
}

export function addTallies(left: Tally, right: Tally): Tally {
  return {
    new: left.new + right.new,
    same: left.same + right.same,
    revised: left.revised + right.revised,
    rejected: left.rejected + right.rejected,
  };
}
