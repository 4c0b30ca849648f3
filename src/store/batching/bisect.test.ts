import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PermanentError, TransientError } from "../../base/errors.ts";
import { insertHalving } from "./bisect.ts";

class Refusal extends Error {}
const refusalOf = (error: unknown) => (error instanceof Refusal ? error.message : undefined);

test("exactly the bad rows are refused and every other row is stored once, in order", async () => {
  const rows = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 3, max: 50 }), async (all, every) => {
      const stored: number[] = [];
      // The first row is good, so that a run of refusals is about rows.
      const good = [-1, ...all];
      const isBad = (row: number) => row > 0 && row % every === 0;
      const refused = await insertHalving(
        good,
        async (part) => {
          await Promise.resolve();
          if (part.some(isBad)) {
            throw new Refusal("bad");
          }
          stored.push(...part);
        },
        refusalOf,
      );
      assert.deepEqual(
        refused.map(({ row }) => row),
        good.filter(isBad),
      );
      assert.deepEqual(
        stored,
        good.filter((row) => !isBad(row)),
      );
    }),
  );
});

test("one bad row among 1,024 costs about two inserts for each halving", async () => {
  let inserts = 0;
  await insertHalving(
    Array.from({ length: 1024 }, (_, index) => index),
    async (part) => {
      inserts += 1;
      await Promise.resolve();
      if (part.includes(700)) {
        throw new Refusal("bad");
      }
    },
    refusalOf,
  );
  assert.equal(inserts, 21);
});

test("an error that is not about rows ends it", async () => {
  await assert.rejects(
    insertHalving([1, 2], () => Promise.reject(new TransientError("away")), refusalOf),
    TransientError,
  );
});

test("a store that refuses everything is a permanent failure, not a pile of bad rows", async () => {
  let inserts = 0;
  await assert.rejects(
    insertHalving(
      Array.from({ length: 100 }, (_, index) => index),
      () => {
        inserts += 1;
        return Promise.reject(new Refusal("wrong type"));
      },
      refusalOf,
    ),
    PermanentError,
  );
  assert.ok(inserts < 60);
});
