/**
 * Rows as the engine reads them, to be sent as often as it takes: the bytes of a repeated insert are the same. A body in
 * pieces may be made while it is sent; going through it again gives the same pieces.
 */
export interface EncodedRows {
  readonly format: "RowBinary" | "Native" | "TabSeparated" | "JSONCompactEachRow";
  readonly body: Buffer | string | Iterable<Buffer>;
  readonly rows: number;
}

/** The body as pieces, without making any of them yet. */
export function piecesOf({ body }: EncodedRows): Iterable<Buffer> {
  if (typeof body === "string") {
    return [Buffer.from(body)];
  }
  return Buffer.isBuffer(body) ? [body] : body;
}
