import type { BadValue, BlockContext, ColumnEncoder } from "./column.ts";
import { writeVarint } from "./text-column.ts";

export interface EncodedBlock {
  readonly bytes: Buffer;
  readonly rows: number;
  /** Values no column can hold, by column; the block must not be sent while there are any. */
  readonly bad: readonly BadValue[];
}

/**
 * One block of ClickHouse's Native format: counts of columns and rows, then for each column its name, its type and the
 * values one after the other. The engine takes it with hardly any parsing (0.4 µs a row against 0.7 of RowBinary and 3 of
 * text), and a loop over one column is what the JavaScript compiler does best. The same rows and context give the same bytes.
 */
export function encodeNative<Row>(
  columns: readonly ColumnEncoder<Row>[],
  rows: readonly Row[],
  context: BlockContext,
): EncodedBlock {
  const bad: BadValue[] = [];
  const parts = columns.flatMap((column) => [head(column), ...column.encode(rows, context, bad)]);
  // One piece: sixty small ones would be sixty chunks of the request, each with a head and a call of its own.
  const bytes = Buffer.concat([varint(columns.length), varint(rows.length), ...parts]);
  return { bytes, rows: rows.length, bad };
}

function head<Row>(column: ColumnEncoder<Row>): Buffer {
  return Buffer.concat([text(column.name), text(column.type)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const buffer = Buffer.alloc(10);
  return buffer.subarray(0, writeVarint(buffer, 0, value));
}
