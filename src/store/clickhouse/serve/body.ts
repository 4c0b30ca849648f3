import { createWriteStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

import { EngineError } from "./engine-error.ts";

export const BODY_BYTES_MAX = 1024 ** 3;
/** A statement that is not followed by data has to fit into memory. */
export const STATEMENT_BYTES_MAX = 256 * 1024 ** 2;

export interface Body {
  /** Bytes as they came over the wire, so far. */
  wireBytes(): number;
  /** The whole body, decompressed. */
  read(): Promise<Buffer>;
  /** The whole body, decompressed, behind `before` in a file. */
  write(file: string, before?: Uint8Array): Promise<void>;
}

export function openBody(request: IncomingMessage): Body {
  let bytes = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      done(bytes > BODY_BYTES_MAX ? new Error(`a body of more than ${BODY_BYTES_MAX} bytes`) : null, chunk);
    },
  });
  const decompress = (): Transform => decompressor(request.headers["content-encoding"]);
  return {
    wireBytes: () => bytes,
    read: async () => {
      const chunks: Buffer[] = [];
      let size = 0;
      const gather = async (source: AsyncIterable<Buffer>): Promise<void> => {
        for await (const chunk of source) {
          size += chunk.length;
          if (size > STATEMENT_BYTES_MAX) {
            throw new Error(`a statement of more than ${STATEMENT_BYTES_MAX} bytes`);
          }
          chunks.push(chunk);
        }
      };
      await translated(() => pipeline(request, count, decompress(), gather));
      return Buffer.concat(chunks);
    },
    write: async (file, before) => {
      const target = createWriteStream(file);
      if (before !== undefined) {
        target.write(before);
      }
      await translated(() => pipeline(request, count, decompress(), target));
    },
  };
}

async function translated(read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (error instanceof EngineError) {
      throw error;
    }
    const text = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      354,
      `Code: 354. DB::Exception: reading the request's body failed: ${text}. (ZLIB_INFLATE_FAILED)`,
    );
  }
}

function decompressor(encoding: string | undefined): Transform {
  switch (encoding) {
    case undefined:
    case "":
    case "identity":
      return new PassThrough();
    case "gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "zstd":
      return createZstdDecompress();
    case "br":
      return createBrotliDecompress();
    default:
      throw new EngineError(
        89,
        `Code: 89. DB::Exception: Unknown compression method: ${encoding}. (UNKNOWN_COMPRESSION_METHOD)`,
      );
  }
}
