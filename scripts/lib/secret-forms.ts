/**
 * How a secret may be written in a log, an error, an address or a header: as it is, percent-encoded, escaped once or
 * twice inside JSON, in hex, and in Base64 wherever it stands in what was encoded, as in `user:password` of Basic
 * authentication. Short pieces of Base64 are left out, since they would be found everywhere.
 */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret);
  const once = escapeJson(secret);
  const named: (readonly [string, string])[] = [
    ["plain", secret],
    ["percent-encoded", encodeURIComponent(secret)],
    ["form-encoded", new URLSearchParams({ x: secret }).toString().slice(2)],
    ["JSON", once],
    ["JSON in JSON", escapeJson(once)],
    ["hex", bytes.toString("hex")],
    ...[0, 1, 2].flatMap((offset) => {
      const piece = base64Inside(bytes, offset);
      return piece.length < BASE64_CHARACTERS_MIN
        ? []
        : [["Base64", piece] as const, ["Base64", piece.replaceAll("+", "-").replaceAll("/", "_")] as const];
    }),
  ];
  // Of forms that are written alike the first has the name.
  return new Map(named.toReversed().map(([form, text]) => [text, form]));
}

const BASE64_CHARACTERS_MIN = 8;

/** The characters of Base64 that depend on these bytes alone when `offset` bytes stand before them. */
function base64Inside(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes, Buffer.alloc(2)]).toString("base64");
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
