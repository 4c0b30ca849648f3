import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { cleanText } from "./clean-text.ts";
import { textColumn } from "./text-column.ts";

test("any texts come back cleaned, also long ones, and where neighbours are equal", () => {
  const column = textColumn("name", (text: string) => text);
  const texts = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "000001.SZ", "平安银行", "a\tb\r\nc", "x\u0000y", "\ud800", "é".repeat(100)),
      fc.string({ minLength: 120, maxLength: 400, unit: "grapheme" }),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 5 }), (some, repeats) => {
      const rows = some.flatMap((text) => Array.from({ length: repeats }, () => text));
      const bytes = Buffer.concat(column.encode(rows, { ingestedAtMs: 0 }, []));
      assert.deepEqual(readTexts(bytes), rows.map(cleanText));
    }),
  );
});

test("control characters and null bytes never reach a table, and cleaning twice changes nothing", () => {
  assert.equal(cleanText("万\t科\u0000A\r\n\u0085b\u007f"), "万 科A b");
  assert.equal(cleanText("plain 平安银行 é"), "plain 平安银行 é");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const clean = cleanText(text);
      assert.ok(clean.isWellFormed());
      assert.equal(cleanText(clean), clean);
      assert.ok([...clean].every((character) => (character.codePointAt(0) ?? 0) > 31));
    }),
  );
});

function readTexts(bytes: Buffer): readonly string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      size += (byte & 127) << shift;
      if (byte < 128) {
        break;
      }
    }
    texts.push(bytes.toString("utf8", at, at + size));
    at += size;
  }
  return texts;
}
