import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError } from "../../base/errors.ts";
import { toReadOnly } from "./read-only.ts";

test("a read goes to the engine with the order not to write", () => {
  assert.equal(toReadOnly("SELECT 1"), "SELECT 1\nSETTINGS readonly = 1");
  assert.equal(toReadOnly(" select ';' -- ; DROP\n;\n"), " select ';' -- ; DROP\nSETTINGS readonly = 1");
  assert.equal(toReadOnly("WITH 1 AS x SELECT x"), "WITH 1 AS x SELECT x\nSETTINGS readonly = 1");
  assert.equal(toReadOnly("SELECT 1 SETTINGS max_threads = 1;"), "SELECT 1 SETTINGS max_threads = 1\n, readonly = 1");
  assert.equal(toReadOnly("SELECT settings FROM t"), "SELECT settings FROM t\nSETTINGS readonly = 1");
  assert.equal(toReadOnly("SELECT x AS format"), "SELECT x AS format\nSETTINGS readonly = 1");
  assert.equal(toReadOnly("-- what is there\nSHOW TABLES FROM ginkgo;"), "-- what is there\nSHOW TABLES FROM ginkgo");
});

test("whatever could write, or is not one read, is refused before the engine sees it", () => {
  const refused = [
    "",
    "  -- nothing\n",
    "INSERT INTO t SELECT 1",
    "WITH 1 AS x INSERT INTO t SELECT x",
    "/* SELECT */ DROP TABLE t",
    "ALTER TABLE t DELETE WHERE 1",
    "SET readonly = 0",
    "SYSTEM SHUTDOWN",
    "SELECT 1; DROP TABLE t",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 FORMAT JSON",
    "SELECT 1 FORMAT JSON SETTINGS max_threads = 1",
    "SELECT 1 SETTINGS readonly = 0",
    "(SELECT 1)",
  ];
  for (const statement of refused) {
    assert.throws(() => toReadOnly(statement), DataError, statement);
  }
});
