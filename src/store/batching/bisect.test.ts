import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PermanentError, TransientError } from "../../base/errors.ts";
import { insertHalving } from "./bisect.ts";
import { InsertProgress } from "./insert-progress.ts";

class Refusal extends Error {}
const refusalOf = (error: unknown) => (error instanceof Refusal ? error.message : undefined);

test("exactly the bad rows are refused and every other row is stored, in order", async () => {
  const rows = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 3, max: 50 }), async (all, every) => {
      const stored: number[] = [];
      // The first row is good, so that a run of refusals is about rows.
      const good = [-1, ...all];
      const isBad = (row: number) => row > 0 && row % every === 0;
      const progress = new InsertProgress(good);
      await insertHalving(
        progress,
        async (part) => {
          await Promise.resolve();
          if (part.some(isBad)) {
            throw new Refusal("bad");
          }
          stored.push(...part);
        },
        refusalOf,
      );
      assert.deepEqual([...progress.refused.keys()], good.filter(isBad));
      // A bad row at the end has an accepted one sent once more.
      assert.deepEqual(
        [...new Set(stored)],
        good.filter((row) => !isBad(row)),
      );
    }),
  );
});

test("one bad row among 1,024 costs about two inserts for each halving", async () => {
  let inserts = 0;
  await insertHalving(
    new InsertProgress(Array.from({ length: 1024 }, (_, index) => index)),
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
    insertHalving(new InsertProgress([1, 2]), () => Promise.reject(new TransientError("away")), refusalOf),
    TransientError,
  );
});

test("a store that refuses everything is a permanent failure, not a pile of bad rows", async () => {
  let inserts = 0;
  await assert.rejects(
    insertHalving(
      new InsertProgress(Array.from({ length: 100 }, (_, index) => index)),
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

test("bad rows at the head do not speak for the rest: all others are stored", async () => {
  const { stored, refused, inserts } = await halve(1_000, (row) => row < 16);
  assert.equal(stored.size, 984);
  assert.deepEqual(refused, new Set(Array.from({ length: 16 }, (_, index) => index)));
  assert.ok(inserts < 60, `${inserts} inserts`);
});

test("an eighth of good rows in one stretch is found wherever it stands", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (n, where) => {
        const good = Math.ceil(n / 8);
        const from = Math.floor((n - good) * where);
        const isBad = (row: number) => row < from || row >= from + good;
        const { stored, refused } = await halve(n, isBad);
        assert.deepEqual(stored, new Set(Array.from({ length: good }, (_, index) => from + index)));
        assert.equal(refused.size, n - good);
      },
    ),
  );
});

test("that a store refuses everything is found out with few inserts, however many rows there are", async () => {
  for (const rows of [16, 17, 40, 1_000, 100_000]) {
    let inserts = 0;
    const all = () => {
      inserts += 1;
      return true;
    };
    await assert.rejects(halve(rows, all), PermanentError, `${rows} rows`);
    assert.ok(inserts <= 2 * 16 + Math.ceil(Math.log2(rows)) + 16, `${inserts} inserts of ${rows} rows`);
  }
});

test("what fails half way goes on where it was, so that a batch ends although every third insert fails", async () => {
  const good = Array.from({ length: 200 }, (_, index) => index);
  const progress = new InsertProgress(good);
  const stored: number[] = [];
  let inserts = 0;
  let tries = 0;
  for (; progress.next !== undefined; tries += 1) {
    assert.ok(tries < 100, "it does not come to an end");
    await insertHalving(
      progress,
      async (part) => {
        inserts += 1;
        await Promise.resolve();
        if (inserts % 3 === 0) {
          throw new TransientError("away");
        }
        if (part.some((row) => row % 50 === 7)) {
          throw new Refusal("bad");
        }
        stored.push(...part);
      },
      refusalOf,
    ).catch((error: unknown) => assert.ok(error instanceof TransientError));
  }
  assert.deepEqual([...progress.refused.keys()], [7, 57, 107, 157]);
  assert.equal(stored.length, 196);
  assert.equal(new Set(stored).size, 196);
});

test("a store that refuses everything is found out also where every third insert fails on its way", async () => {
  const rows = Array.from({ length: 100 }, (_, index) => index);
  const progress = new InsertProgress(rows);
  let inserts = 0;
  const hostile = (): Promise<void> => {
    inserts += 1;
    return Promise.reject(inserts % 3 === 0 ? new TransientError("away") : new Refusal("wrong type"));
  };
  const untilEnd = async (): Promise<void> => {
    for (let tries = 0; tries < 100; tries += 1) {
      await insertHalving(progress, hostile, refusalOf).catch((error: unknown) => {
        if (!(error instanceof TransientError)) {
          throw error;
        }
      });
    }
  };
  await assert.rejects(untilEnd(), PermanentError);
});

test("a table that changes while a batch is under way is not taken for bad rows", async () => {
  const rows = Array.from({ length: 1_000 }, (_, index) => index);
  const progress = new InsertProgress(rows);
  let isChanged = false;
  const insert = async (part: readonly number[]): Promise<void> => {
    await Promise.resolve();
    if (isChanged || part.includes(999)) {
      throw new Refusal("wrong type");
    }
    isChanged = true;
  };
  await assert.rejects(insertHalving(progress, insert, refusalOf), PermanentError);
  assert.equal(progress.refused.size, 16);

  // The same where only a few rows are left to be refused.
  isChanged = false;
  const few = new InsertProgress([1, 2, 3, 999]);
  await assert.rejects(insertHalving(few, insert, refusalOf), PermanentError);
});

test("that the last refused rows are bad is asked again where the asking failed on its way", async () => {
  const progress = new InsertProgress([1, 2, 3, 4]);
  let isChanged = false;
  let isAway = true;
  const insert = async (part: readonly number[]): Promise<void> => {
    await Promise.resolve();
    if (isChanged) {
      // The row that was accepted, sent once more.
      if (part.length === 1 && part[0] === 2 && isAway) {
        isAway = false;
        throw new TransientError("away");
      }
      throw new Refusal("wrong type");
    }
    if (part.includes(3)) {
      throw new Refusal("x");
    }
    isChanged = true;
  };
  await assert.rejects(insertHalving(progress, insert, refusalOf), TransientError);
  await assert.rejects(insertHalving(progress, insert, refusalOf), PermanentError);
});

test("rows that fit no column say nothing of the table", async () => {
  const progress = new InsertProgress([1, 2, 3, 4, 5]);
  let isChanged = false;
  const insert = async (part: readonly number[]): Promise<void> => {
    await Promise.resolve();
    const fit = part.filter((row) => {
      if (row === 5) {
        progress.unfit.set(row, "too large");
      }
      return row !== 5;
    });
    if (fit.length === 0) {
      return;
    }
    if (isChanged || fit.includes(4)) {
      throw new Refusal("wrong type");
    }
    isChanged = true;
  };
  await assert.rejects(insertHalving(progress, insert, refusalOf), PermanentError);
});

/** Rows from 0 on, into a store that refuses an insert with a bad one; `isBad` is asked until it says so. */
async function halve(
  count: number,
  isBad: (row: number) => boolean,
): Promise<{ readonly stored: Set<number>; readonly refused: Set<number>; readonly inserts: number }> {
  const progress = new InsertProgress(Array.from({ length: count }, (_, index) => index));
  const stored: number[] = [];
  let inserts = 0;
  await insertHalving(
    progress,
    async (part) => {
      inserts += 1;
      await Promise.resolve();
      if (part.some(isBad)) {
        throw new Refusal("bad");
      }
      stored.push(...part);
    },
    refusalOf,
  );
  // An accepted row is sent again after each 16 refused ones, and after the last.
  const repeats = stored.length - new Set(stored).size;
  assert.ok(repeats <= 1 + progress.refused.size / 16, `${repeats} rows were stored twice`);
  return { stored: new Set(stored), refused: new Set(progress.refused.keys()), inserts };
}
