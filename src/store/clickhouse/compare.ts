import type { RowOutcome } from "../../ports/store.ts";

/** A row as it is compared: which one it is, what it says (fields in the order of `fields`), and when it was fetched. */
export interface ComparedRow {
  readonly key: string;
  readonly value: string;
  readonly version: bigint;
}

export interface StoredValue {
  readonly value: string;
  readonly version: bigint;
}

export interface Revision {
  readonly key: string;
  readonly before: string;
  readonly after: string;
}

export interface Decision {
  /** One for each row, in their order. */
  readonly outcomes: readonly RowOutcome[];
  /** Indexes of the rows to insert, rising. */
  readonly writes: readonly number[];
  readonly revisions: readonly Revision[];
  /** For a row to insert that superseded another of this batch: that one, to be stored should the newer be refused. */
  readonly superseded: ReadonlyMap<number, number>;
}

/**
 * Decides what becomes of each row as if they came one after the other, oldest version first: a key that is not there is
 * `new`, an equal value is `same`, another value of a version not older than the stored one is `revised`, and of an older
 * one `same`, since a late answer never beats a newer one. Only the newest row of a key is written, and only where it
 * changes what is stored.
 *
 * Its limit: an equal value leaves the stored version as it is, so of three answers A, B, A the last may come before the
 * second and then B stands. Only two workers that ask for one day of one code at the same time get there, since the lane
 * of a code sees to one at a time; writing every confirmed row again would be dearer than fetching it again.
 */
export function decide(rows: readonly ComparedRow[], stored: ReadonlyMap<string, StoredValue>): Decision {
  const outcomes: RowOutcome[] = Array.from({ length: rows.length }, () => "same");
  const writes: number[] = [];
  const revisions: Revision[] = [];
  const superseded = new Map<number, number>();

  for (const indexes of byKey(rows)) {
    let current: StoredValue | undefined;
    let write: number | undefined;
    for (const index of indexes) {
      const row = rows[index];
      if (row === undefined) {
        continue;
      }
      current ??= stored.get(row.key);
      const outcome = outcomeOf(row, current);
      outcomes[index] = outcome;
      if (outcome === "same") {
        continue;
      }
      if (outcome === "revised" && current !== undefined) {
        revisions.push({ key: row.key, before: current.value, after: row.value });
      }
      if (write !== undefined) {
        superseded.set(index, write);
      }
      write = index;
      current = row;
    }
    if (write !== undefined) {
      writes.push(write);
    }
  }
  return { outcomes, writes: writes.toSorted((left, right) => left - right), revisions, superseded };
}

function outcomeOf(row: ComparedRow, current: StoredValue | undefined): RowOutcome {
  if (current === undefined) {
    return "new";
  }
  return current.value === row.value || row.version < current.version ? "same" : "revised";
}

/** Indexes of the rows of each key, oldest version first, and as they came where versions are equal. */
function byKey(rows: readonly ComparedRow[]): Iterable<readonly number[]> {
  const groups = new Map<string, number[]>();
  rows.forEach((row, index) => {
    const group = groups.get(row.key);
    if (group === undefined) {
      groups.set(row.key, [index]);
    } else {
      group.push(index);
    }
  });
  for (const group of groups.values()) {
    if (group.length > 1) {
      group.sort(
        (left, right) => compareVersions(rows[left]?.version ?? 0n, rows[right]?.version ?? 0n) || left - right,
      );
    }
  }
  return groups.values();
}

function compareVersions(left: bigint, right: bigint): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
