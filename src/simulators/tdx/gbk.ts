/** Text in GBK; a character that it does not have becomes a question mark. */
export function encodeGbk(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const pair = code < 0x80 ? code : (pairs().get(character) ?? 0x3f);
    if (pair > 0xff) {
      bytes.push(pair >>> 8);
    }
    bytes.push(pair & 0xff);
  }
  return Uint8Array.from(bytes);
}

let known: ReadonlyMap<string, number> | undefined;

/** Every pair of bytes that stands for a character, made from the decoder, which is all that the platform has. */
function pairs(): ReadonlyMap<string, number> {
  if (known === undefined) {
    const decoder = new TextDecoder("gbk");
    const table = new Map<string, number>();
    for (let lead = 0x81; lead <= 0xfe; lead += 1) {
      for (let trail = 0x40; trail <= 0xfe; trail += 1) {
        const character = decoder.decode(Uint8Array.of(lead, trail));
        if (character.length === 1 && character !== "\uFFFD" && !table.has(character)) {
          table.set(character, lead * 0x100 + trail);
        }
      }
    }
    known = table;
  }
  return known;
}
