import assert from "node:assert/strict";
import { after, test } from "node:test";

import { findStale, openMutantFolder, readMutants, tryMutant } from "../../scripts/lib/mutants.ts";

test("every mutant still applies, also those that only `npm run mutants` tries", async () => {
  assert.deepEqual(await findStale(readMutants()), []);
});

const folder = await openMutantFolder();
after(() => folder[Symbol.asyncDispose]());

/** Those whose test needs no service; the others are for `npm run mutants`. */
for (const mutant of readMutants().filter(({ test: file }) => file.endsWith(".test.ts"))) {
  test(`without its guard a test goes red: ${mutant.says}`, async (t) => {
    const verdict = await tryMutant(mutant, { variables: {}, hasControl: false, isFull: false }, folder);
    t.diagnostic(`${mutant.name}: ${JSON.stringify(verdict)}`);
    assert.equal(verdict.kind, "caught", `${mutant.test} does not notice: ${mutant.says}`);
  });
}
