import type { SQLOutputValue } from "node:sqlite";

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Fields of a row, by the type that the table's declaration promises; anything else is a defect. */
export function numberOf(row: Row, field: string): number {
  const value = row[field];
  if (typeof value !== "number") {
    throw new TypeError(`expected a number in field ${field}, got ${typeof value}`);
  }
  return value;
}

export function optionalNumberOf(row: Row, field: string): number | undefined {
  return row[field] === null ? undefined : numberOf(row, field);
}

export function textOf(row: Row, field: string): string {
  const value = row[field];
  if (typeof value !== "string") {
    throw new TypeError(`expected a text in field ${field}, got ${typeof value}`);
  }
  return value;
}

export function bytesOf(row: Row, field: string): Buffer | undefined {
  const value = row[field];
  if (value === null) {
    return undefined;
  }
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`expected bytes in field ${field}, got ${typeof value}`);
  }
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
