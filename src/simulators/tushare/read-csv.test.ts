import assert from "node:assert/strict";
import { test } from "node:test";

import { readCsv } from "./read-csv.ts";

test("cells stay text, empty ones are absent", () => {
  assert.deepEqual(readCsv("a,b,c\n1.50,,x\r\n9007199254740993,2,\n"), [
    { a: "1.50", c: "x" },
    { a: "9007199254740993", b: "2" },
  ]);
});

test("quoted cells hold commas, quotes and line ends", () => {
  assert.deepEqual(readCsv('\uFEFFa,b\n"x,""y""","1\n2"'), [{ a: 'x,"y"', b: "1\n2" }]);
});

test("a file without rows has none, a row of another length is refused", () => {
  assert.deepEqual(readCsv("a,b\n"), []);
  assert.deepEqual(readCsv(""), []);
  assert.throws(() => readCsv("a,b\n1,2\n1,2,3\n"), /row 3 has 3 cells, the header 2/);
  assert.throws(() => readCsv('a,b\n1,"2'), RangeError);
});
