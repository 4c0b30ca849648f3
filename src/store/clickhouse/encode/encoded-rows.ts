/** Rows as the engine reads them, ready to be sent as often as it takes: the bytes of a repeated insert are the same. */
export interface EncodedRows {
  readonly format: "RowBinary" | "Native" | "TabSeparated" | "JSONCompactEachRow";
  readonly body: Buffer | readonly Buffer[] | string;
  readonly rows: number;
}

export function bytesOf(encoded: EncodedRows): number {
  if (typeof encoded.body === "string") {
    return Buffer.byteLength(encoded.body);
  }
  return Buffer.isBuffer(encoded.body) ? encoded.body.length : encoded.body.reduce((sum, part) => sum + part.length, 0);
}
