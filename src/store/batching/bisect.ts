import { PermanentError } from "../../base/errors.ts";
import type { InsertProgress } from "./insert-progress.ts";

/** When so many rows in a row were refused alone and none was taken, rows from all over the batch are tried. */
export const REFUSED_AT_ONCE_MAX = 16;
/** When none of so many from all over the batch was taken either, it is not the rows that are wrong. */
export const REFUSED_SAMPLES_MAX = 16;

/**
 * Inserts what `progress` has still to be sent, halving what is refused until each bad row is alone: k bad rows among n
 * cost about k × log2(n) inserts more, and every other row is stored. `refusalOf` says why an error is about rows, or
 * undefined when it is not; such an error ends it, and called again it goes on with that piece. Rows go in their order,
 * but for samples: bad rows at the head, of one caller say, do not speak for the rest. Throws PermanentError when the store
 * refuses those and the samples.
 */
export async function insertHalving<Row>(
  progress: InsertProgress<Row>,
  insert: (rows: readonly Row[]) => Promise<void>,
  refusalOf: (error: unknown) => string | undefined,
): Promise<void> {
  for (let piece = progress.next; piece !== undefined; piece = progress.next) {
    try {
      await insert(piece);
      progress.nextStored();
    } catch (error) {
      const detail = refusalOf(error);
      if (detail === undefined) {
        throw error;
      }
      progress.nextRefused(detail);
      if (progress.isAnyStored || progress.refused.size < REFUSED_AT_ONCE_MAX) {
        continue;
      }
      if (progress.next !== undefined && progress.refused.size < REFUSED_AT_ONCE_MAX + REFUSED_SAMPLES_MAX) {
        progress.nextFromLargest();
      } else {
        throw new PermanentError(`inserting rows: the store refuses one after the other: ${detail}`, "store", {
          cause: error,
        });
      }
    }
  }
}
