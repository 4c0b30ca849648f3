/** A value that its column cannot hold. The row is the caller's to set aside; its neighbours go on. */
export interface BadValue {
  /** Index of the row among those that were encoded. */
  readonly index: number;
  readonly column: string;
  /** What is wrong, with the value. */
  readonly detail: string;
}

/** What is the same for all rows of one insert and must stay so when it is repeated. */
export interface BlockContext {
  /** Epoch milliseconds of the first attempt. */
  readonly ingestedAtMs: number;
}

/**
 * Encodes one column of a block. It goes over all rows by itself, so that its loop sees one kind of value; what a column
 * cannot hold is written as zero and reported.
 */
export interface ColumnEncoder<Row> {
  readonly name: string;
  /** The type that the bytes have; the engine converts it to the table's (String to LowCardinality(String)). */
  readonly type: string;
  encode(rows: readonly Row[], context: BlockContext, bad: BadValue[]): readonly Buffer[];
}

/** The bytes of a typed array. They are little-endian as ClickHouse wants them, since every platform of Node is. */
export function bufferOf(array: ArrayBufferView<ArrayBuffer>): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
