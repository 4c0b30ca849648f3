import { PermanentError } from "../../base/errors.ts";
import type { InsertProgress } from "./insert-progress.ts";

/** When so many rows in a row were refused alone, it is asked whether it is the rows that are wrong. */
const REFUSED_IN_A_ROW_MAX = 16;
/** When none of 16 from all over the batch was taken either, it is not. */
const REFUSED_UNTIL_SURE = 32;

/**
 * Inserts what `progress` has still to be sent, halving what is refused until each bad row is alone: k bad rows among n
 * cost about k × log2(n) inserts more, and every other row is stored. `refusalOf` says why an error is about rows, or
 * undefined when it is not; such an error ends it, and called again it goes on with that piece. Rows go in their order,
 * but for samples: bad rows at the head, of one caller say, do not speak for the rest.
 *
 * After each run of refusals, and after one at the end, a row that was accepted before is sent once more: a table that takes it still has refused
 * the others for what they are. Throws PermanentError when it takes that row no longer, or, where none was accepted yet,
 * when it refuses rows from all over the batch; the refused rows may then be good ones.
 */
export async function insertHalving<Row>(
  progress: InsertProgress<Row>,
  insert: (rows: readonly Row[]) => Promise<void>,
  refusalOf: (error: unknown) => string | undefined,
): Promise<void> {
  for (let piece = progress.next; piece !== undefined; piece = progress.next) {
    const refusal = await refusalOfInsert(piece, insert, refusalOf);
    if (refusal === undefined) {
      progress.nextStored();
      continue;
    }
    progress.nextRefused(refusal.detail);
    const isRun = progress.refusedInARow >= REFUSED_IN_A_ROW_MAX;
    if (progress.accepted !== undefined && (isRun || progress.next === undefined)) {
      const changed = await refusalOfInsert([progress.accepted], insert, refusalOf);
      if (changed !== undefined) {
        throw permanent(`the store refuses a row that it took before: ${changed.detail}`, changed.cause);
      }
      progress.acceptedAgain();
    } else if (isRun && progress.next !== undefined && progress.refusedInARow < REFUSED_UNTIL_SURE) {
      progress.nextFromLargest();
    } else if (isRun) {
      throw permanent(`the store refuses one after the other: ${refusal.detail}`, refusal.cause);
    }
  }
}

function permanent(what: string, cause: unknown): PermanentError {
  return new PermanentError(`inserting rows: ${what}`, "store", { cause });
}

interface Refusal {
  readonly detail: string;
  readonly cause: unknown;
}

/** Why the rows were refused; undefined when they are durable. */
async function refusalOfInsert<Row>(
  rows: readonly Row[],
  insert: (rows: readonly Row[]) => Promise<void>,
  refusalOf: (error: unknown) => string | undefined,
): Promise<Refusal | undefined> {
  try {
    await insert(rows);
    return undefined;
  } catch (cause) {
    const detail = refusalOf(cause);
    if (detail === undefined) {
      throw cause;
    }
    return { detail, cause };
  }
}
