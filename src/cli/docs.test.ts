import assert from "node:assert/strict";
import { test } from "node:test";

import { renderDocs } from "../../scripts/docs.ts";

for (const { path, before, after } of renderDocs()) {
  test(`the tables of ${path.replace(/.*\//, "docs/")} are those of the code; npm run docs writes them`, () => {
    assert.equal(before, after);
  });
}
