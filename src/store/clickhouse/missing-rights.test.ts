import assert from "node:assert/strict";
import { test } from "node:test";

import { rightsNotIn } from "./missing-rights.ts";

test("what is granted on our database or on all of them is not missing, what is granted elsewhere is", () => {
  assert.deepEqual(
    rightsNotIn(["GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TABLE ON ginkgo.* TO gdw"], "ginkgo"),
    [],
  );
  assert.deepEqual(rightsNotIn(["GRANT ALL ON *.* TO gdw WITH GRANT OPTION"], "ginkgo"), []);
  assert.deepEqual(
    rightsNotIn(["GRANT SELECT, CREATE, ALTER ON `my-data`.* TO gdw", "GRANT INSERT ON `my-data`.* TO gdw"], "my-data"),
    [],
  );
  assert.deepEqual(rightsNotIn(["GRANT SELECT ON ginkgo.* TO reader"], "ginkgo"), [
    "INSERT",
    "CREATE TABLE",
    "CREATE VIEW",
    "ALTER ADD COLUMN",
  ]);
  assert.deepEqual(
    rightsNotIn(["GRANT SELECT, INSERT, CREATE ON other.* TO gdw", "GRANT SELECT ON ginkgo.bar TO gdw"], "ginkgo"),
    ["SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "ALTER ADD COLUMN"],
  );
  assert.deepEqual(rightsNotIn(["GRANT ALL ON *.* TO gdw", "REVOKE INSERT ON ginkgo.* FROM gdw"], "ginkgo"), [
    "INSERT",
  ]);
  assert.deepEqual(rightsNotIn([], "ginkgo").length, 5);
});
