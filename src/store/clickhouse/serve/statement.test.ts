import assert from "node:assert/strict";
import { test } from "node:test";

import { scanStatement, withInfile } from "./statement.ts";

test("the data of an insert begin after the line feed behind the format, byte for byte", () => {
  for (const [text, data] of [
    ["INSERT INTO t FORMAT RowBinary\n\n\x00;' --", "\n\x00;' --"],
    ["INSERT INTO t FORMAT JSONEachRow {}", "{}"],
    ["insert into t (a, `format`) settings x = 'FORMAT' format CSV \r\n1", "1"],
    ["/* FORMAT A */ INSERT INTO FUNCTION null('a FORMAT') -- FORMAT B\nFORMAT Native\nx", "x"],
    ["INSERT INTO t FORMAT Native", ""],
  ] as const) {
    const statement = scanStatement(text);
    assert.ok(statement.isDataInsert, text);
    assert.equal(text.slice(statement.end), data);
  }
});

test("the file of the data is named before settings and format", () => {
  const text = "INSERT INTO t (a) SETTINGS async_insert=0 FORMAT Native\nxyz";
  assert.equal(
    withInfile(text, scanStatement(text), "/f").replaceAll(/\s+/g, " ").trim(),
    "INSERT INTO t (a) FROM INFILE '/f' SETTINGS async_insert=0 FORMAT Native",
  );
});

test("an insert from a query or with values has no data behind it", () => {
  for (const text of [
    "INSERT INTO t SELECT 1 FORMAT Null",
    "INSERT INTO t VALUES (1, ';')",
    "INSERT INTO t WITH 1 AS x SELECT x",
  ]) {
    const statement = scanStatement(text);
    assert.ok(statement.isInsert && !statement.isDataInsert, text);
  }
});

test("the format of a query is the one outside brackets, quotes and comments", () => {
  assert.equal(scanStatement("SELECT 'FORMAT CSV' FORMAT JSON").format, "JSON");
  assert.equal(scanStatement("SELECT (SELECT 1 FORMAT CSV)").format, undefined);
  assert.equal(scanStatement("SELECT 1 -- FORMAT CSV").format, undefined);
});

test("a second statement is seen, a last semicolon is not one", () => {
  assert.equal(scanStatement("SELECT 1; SELECT 2").secondAt, 10);
  assert.equal(scanStatement("SELECT 1; -- done\n").secondAt, undefined);
  assert.equal(scanStatement("SELECT ';' ; ;").secondAt, undefined);
});
