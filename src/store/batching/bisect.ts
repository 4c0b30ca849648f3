import { PermanentError } from "../../base/errors.ts";
import { type InsertProgress, REFUSED_IN_A_ROW_MAX } from "./insert-progress.ts";

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
  while (!progress.isDone) {
    if (progress.isProofOwed && progress.accepted !== undefined) {
      const changed = await refusalOfInsert([progress.accepted], insert, refusalOf);
      if (changed !== undefined) {
        throw permanent(`the store refuses a row that it took before: ${changed.detail}`, changed.cause);
      }
      progress.acceptedAgain();
    } else {
      await insertNext(progress, insert, refusalOf);
    }
  }
}

async function insertNext<Row>(
  progress: InsertProgress<Row>,
  insert: (rows: readonly Row[]) => Promise<void>,
  refusalOf: (error: unknown) => string | undefined,
): Promise<void> {
  const refusal = await refusalOfInsert(progress.next ?? [], insert, refusalOf);
  if (refusal === undefined) {
    progress.nextStored();
    return;
  }
  progress.nextRefused(refusal.detail);
  if (progress.refusedInARow < REFUSED_IN_A_ROW_MAX || progress.accepted !== undefined) {
    return;
  }
  if (progress.next === undefined || progress.refusedInARow >= REFUSED_UNTIL_SURE) {
    throw permanent(`the store refuses one after the other: ${refusal.detail}`, refusal.cause);
  }
  progress.nextFromLargest();
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
