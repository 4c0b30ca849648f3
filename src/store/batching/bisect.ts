import { PermanentError } from "../../base/errors.ts";
import type { InsertProgress } from "./insert-progress.ts";

/** When so many rows in a row were refused alone and none was taken, it is not the rows that are wrong. */
export const REFUSED_AT_ONCE_MAX = 16;

/**
 * Inserts what `progress` has still to be sent, halving what is refused until each bad row is alone: k bad rows among n
 * cost about k × log2(n) inserts more, and every other row is stored. `refusalOf` says why an error is about rows, or
 * undefined when it is not; such an error ends it, and called again it goes on with that piece. Rows go in their order.
 * Throws PermanentError when the store refuses everything.
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
      if (!progress.isAnyStored && progress.refused.size >= REFUSED_AT_ONCE_MAX) {
        throw new PermanentError(`inserting rows: the store refuses one after the other: ${detail}`, "store", {
          cause: error,
        });
      }
    }
  }
}
