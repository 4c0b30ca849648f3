import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import type { RowOutcome } from "../ports/store.ts";

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
