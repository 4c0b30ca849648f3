import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";

export const ACCEPT_ENCODING = "gzip, deflate, br";

const UNPACKERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  br: promisify(brotliDecompress),
  deflate: (packed: Buffer, options: { readonly maxOutputLength: number }) =>
    promisify(hasZlibHeader(packed) ? inflate : inflateRaw)(packed, options),
} as const;

/** `encodings` are the values of `content-encoding`; an unknown one leaves the body as it came. */
export async function unpack(packed: Buffer, encodings: readonly string[], bytesMax: number): Promise<Buffer> {
  const name = (encodings[0] ?? "identity").trim().toLowerCase();
  // A status without a body may name an encoding all the same.
  if (!isKnown(name) || packed.length === 0) {
    return packed;
  }
  return UNPACKERS[name](packed, { maxOutputLength: bytesMax });
}

function isKnown(name: string): name is keyof typeof UNPACKERS {
  return Object.hasOwn(UNPACKERS, name);
}

/** The standard wants the header of zlib; some servers leave it out. */
function hasZlibHeader(packed: Buffer): boolean {
  const [first = 0, second = 0] = packed;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
