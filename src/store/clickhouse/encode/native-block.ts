import type { BadValue, BlockContext, ColumnEncoder } from "./column.ts";
import type { EncodedRows } from "./encoded-rows.ts";
import { writeVarint } from "./text-column.ts";

export interface EncodedBlock {
  readonly encoded: EncodedRows;
  /** Values no column can hold, by column; the block must not be sent while there are any. */
  readonly bad: readonly BadValue[];
}

/**
 * Rows encoded at a time. A row's objects are then still in the processor's cache when the next column comes for them,
 * which halves the time of a block of 100,000.
 */
const TILE_ROWS = 4096;

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
  const streams = columns.map((): Buffer[][] => []);
  for (let from = 0; from < rows.length; from += TILE_ROWS) {
    const tile = from === 0 && rows.length <= TILE_ROWS ? rows : rows.slice(from, from + TILE_ROWS);
    columns.forEach((column, at) => {
      addTile(streams[at] ?? [], column, tile, from, context, bad);
    });
  }
  const heads = columns.map(head);
  const parts = [
    varint(columns.length),
    varint(rows.length),
    ...heads.flatMap((name, at) => [name, ...(streams[at] ?? []).flat()]),
  ];
  // One piece: sixty small ones would be sixty chunks of the request, each with a head and a call of its own.
  return { encoded: { format: "Native", body: Buffer.concat(parts), rows: rows.length }, bad };
}

/** A column is one or more streams of bytes (NULLs first, then values), each of which goes on from tile to tile. */
function addTile<Row>(
  streams: Buffer[][],
  column: ColumnEncoder<Row>,
  tile: readonly Row[],
  from: number,
  context: BlockContext,
  bad: BadValue[],
): void {
  const badInTile: BadValue[] = [];
  column.encode(tile, context, badInTile).forEach((bytes, at) => {
    const stream = streams[at];
    if (stream === undefined) {
      streams[at] = [bytes];
    } else {
      stream.push(bytes);
    }
  });
  for (const { index, column: name, detail } of badInTile) {
    bad.push({ index: index + from, column: name, detail });
  }
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
