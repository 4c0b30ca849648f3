import type { OutcomeWord } from "../domain/outcome.ts";
import type { Done } from "./message-handler.ts";
import { addTallies, type StoredTally } from "./tally.ts";

/** What was stored, and the days that are still not there. */
export function toDone(
  { rows, callIds, provider }: StoredTally,
  { pendingDays, unexplainedDays }: Pick<Done, "pendingDays" | "unexplainedDays">,
): Done {
  const word = wordOf(callIds.length, pendingDays, unexplainedDays);
  return { word, rows, callIds, provider, pendingDays, unexplainedDays };
}

/** The outcome of a message over several codes or data sets: sums, and the word that says the worst. */
export function joinDone(left: Done, right: Done): Done {
  const callIds = [...new Set([...left.callIds, ...right.callIds])];
  const pendingDays = left.pendingDays + right.pendingDays;
  const unexplainedDays = left.unexplainedDays + right.unexplainedDays;
  return {
    word: wordOf(callIds.length, pendingDays, unexplainedDays),
    rows: addTallies(left.rows, right.rows),
    callIds,
    provider: left.provider ?? right.provider,
    pendingDays,
    unexplainedDays,
  };
}

function wordOf(calls: number, pendingDays: number, unexplainedDays: number): OutcomeWord {
  if (unexplainedDays > 0) {
    return "unexplained";
  }
  if (pendingDays > 0) {
    return "pending";
  }
  return calls > 0 ? "stored" : "up-to-date";
}
