import { PermanentError } from "../../base/errors.ts";

/** A row that the store does not take, and what it says about it. */
export interface Refused<Row> {
  readonly row: Row;
  readonly detail: string;
}

/** When so many rows in a row were refused alone and none was taken, it is not the rows that are wrong. */
export const REFUSED_AT_ONCE_MAX = 16;

/**
 * Inserts `rows`, halving what is refused until each bad row is alone: k bad rows among n cost about k × log2(n) inserts
 * more, and every other row is stored. `refusalOf` says why an error is about rows, or undefined when it is not; such an
 * error ends it. Rows go in their order. Throws PermanentError when the store refuses everything.
 */
export async function insertHalving<Row>(
  rows: readonly Row[],
  insert: (rows: readonly Row[]) => Promise<void>,
  refusalOf: (error: unknown) => string | undefined,
): Promise<readonly Refused<Row>[]> {
  const refused: Refused<Row>[] = [];
  let isAnyTaken = false;

  async function visit(part: readonly Row[]): Promise<void> {
    try {
      await insert(part);
      isAnyTaken = true;
    } catch (error) {
      const detail = refusalOf(error);
      if (detail === undefined) {
        throw error;
      }
      const [first] = part;
      if (part.length > 1) {
        const middle = Math.ceil(part.length / 2);
        await visit(part.slice(0, middle));
        await visit(part.slice(middle));
      } else if (first !== undefined) {
        refused.push({ row: first, detail });
        if (!isAnyTaken && refused.length >= REFUSED_AT_ONCE_MAX) {
          throw new PermanentError(`inserting rows: the store refuses one after the other: ${detail}`, "store", {
            cause: error,
          });
        }
      }
    }
  }

  if (rows.length > 0) {
    await visit(rows);
  }
  return refused;
}
