/**
 * Cuts rows into inserts of at most `partitionsMax` partitions and `rowsMax` rows. What fits in one stays as it is; what
 * does not is gathered by partition, so that each partition is touched by as few inserts as can be. Order within a
 * partition is kept.
 */
export function cutByPartitions<Row>(
  rows: readonly Row[],
  partitionOf: (row: Row) => number,
  partitionsMax: number,
  rowsMax: number,
): readonly (readonly Row[])[] {
  return countPartitions(rows, partitionOf) <= partitionsMax
    ? cutByRows(rows, rowsMax)
    : pack(groupByPartition(rows, partitionOf), partitionsMax, rowsMax);
}

function countPartitions<Row>(rows: readonly Row[], partitionOf: (row: Row) => number): number {
  const seen = new Set<number>();
  let last: number | undefined;
  for (const row of rows) {
    const partition = partitionOf(row);
    if (partition !== last) {
      seen.add(partition);
      last = partition;
    }
  }
  return seen.size;
}

function groupByPartition<Row>(rows: readonly Row[], partitionOf: (row: Row) => number): readonly (readonly Row[])[] {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const partition = partitionOf(row);
    const group = groups.get(partition);
    if (group === undefined) {
      groups.set(partition, [row]);
    } else {
      group.push(row);
    }
  }
  return [...groups].toSorted(([left], [right]) => left - right).map(([, group]) => group);
}

function pack<Row>(
  groups: readonly (readonly Row[])[],
  partitionsMax: number,
  rowsMax: number,
): readonly (readonly Row[])[] {
  const parts: Row[][] = [];
  let current: Row[] = [];
  let partitions = 0;
  for (const group of groups.flatMap((whole) => cutByRows(whole, rowsMax))) {
    if (partitions === partitionsMax || current.length + group.length > rowsMax) {
      parts.push(current);
      current = [];
      partitions = 0;
    }
    current = current.concat(group);
    partitions += 1;
  }
  return [...parts, current].filter((part) => part.length > 0);
}

function cutByRows<Row>(rows: readonly Row[], rowsMax: number): readonly (readonly Row[])[] {
  if (rows.length <= rowsMax) {
    return [rows];
  }
  const count = Math.ceil(rows.length / rowsMax);
  return Array.from({ length: count }, (_, index) => rows.slice(index * rowsMax, (index + 1) * rowsMax));
}
