import type { SettledFault } from "./faults.ts";

/** The rows as a fault lets them through; `rows` are in ascending order of time. */
export function spoilRows<Row>(rows: readonly Row[], fault: SettledFault | undefined): readonly Row[] {
  if (fault?.kind === "empty") {
    return [];
  }
  if (fault?.kind === "stale") {
    return rows.slice(0, Math.max(0, rows.length - fault.rows));
  }
  if (fault?.kind === "lost-rows") {
    const from = (rows.length - Math.min(fault.rows, rows.length)) >> 1;
    return rows.filter((_, index) => index < from || index >= from + fault.rows);
  }
  return rows;
}

/** Rows of cells, the first of which is the time. */
export function spoilCells<Cell>(
  rows: readonly (readonly (Cell | string)[])[],
  fault: SettledFault | undefined,
): readonly (readonly (Cell | string)[])[] {
  if (fault?.kind !== "dash") {
    return rows;
  }
  const middle = rows.length >> 1;
  return rows.map((row, index) => (index === middle ? row.map((cell, at) => (at === 0 ? cell : "-")) : row));
}
