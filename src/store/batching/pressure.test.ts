import assert from "node:assert/strict";
import { test } from "node:test";

import { BATCH_LIMITS_DEFAULT } from "./limits.ts";
import { Pressure, PRESSURE_LIMITS_DEFAULT } from "./pressure.ts";

const LIMITS = { ...PRESSURE_LIMITS_DEFAULT, rowsMin: 100 };
const pressureOf = (random = () => 0.5) => new Pressure(BATCH_LIMITS_DEFAULT, LIMITS, random);

test("without pressure everything is as usual", () => {
  const pressure = pressureOf();
  assert.equal(pressure.kind, undefined);
  assert.deepEqual(pressure.batchLimits, BATCH_LIMITS_DEFAULT);
  assert.equal(pressure.isAlone, false);
});

const FLOORS = [
  ["memory", 1_600, [800, 400, 200, 100, 100, 100]],
  ["time", 6_000, [3_000, 1_500, 1_000, 1_000, 1_000, 1_000]],
] as const;

for (const [kind, rows, expected] of FLOORS) {
  test(`refused for ${kind}, inserts are halved from the size that was refused, down to the floor`, () => {
    const pressure = pressureOf();
    const sizes = Array.from({ length: 6 }, () => {
      assert.equal(pressure.refused(kind, rows), undefined);
      return pressure.rowsMax;
    });
    assert.deepEqual(sizes, expected);
    assert.equal(pressure.kind, kind);
    assert.equal(pressure.gather, 1, "smaller inserts gather no longer");
  });
}

/** Inserts that write `rows` rows which wait, when nothing is refused any more. */
function insertsFor(rows: number, pressure: Pressure): number {
  let inserts = 0;
  for (let left = rows; left > 0; inserts += 1) {
    left -= pressure.batchLimits.rowsMax;
    pressure.passed();
  }
  return inserts;
}

test("what gathered while a store hung does not reach it as a flood of small parts when it is back", () => {
  const pressure = pressureOf();
  for (let minute = 0; minute < 10; minute += 1) {
    pressure.refused("time", BATCH_LIMITS_DEFAULT.rowsMax);
  }
  const inserts = insertsFor(BATCH_LIMITS_DEFAULT.rowsInHandMax, pressure);
  assert.ok(inserts <= 20, `${inserts} inserts for what one or two could hold`);
});

test("a batch of the usual size whose time runs out is repeated whole, and larger ones are not cut for it", () => {
  const pressure = pressureOf();
  pressure.refused("time", BATCH_LIMITS_DEFAULT.rowsReady);
  assert.equal(pressure.rowsMax, BATCH_LIMITS_DEFAULT.rowsMax);
  pressure.refused("memory", 1_000);
  pressure.refused("time", 1_000);
  assert.equal(pressure.rowsMax, 500, "nor does it undo what memory has cut");
});

test("too many parts doubles again what a lack of memory has cut, up to the usual size", () => {
  const pressure = pressureOf();
  for (let count = 0; count < 5; count += 1) {
    pressure.refused("memory", 1_600);
  }
  const sizes = Array.from({ length: 12 }, () => {
    pressure.refused("parts", 1_600);
    return pressure.rowsMax;
  });
  assert.deepEqual(sizes.slice(0, 3), [200, 400, 800], "inserts stay small, which is what makes parts");
  assert.equal(sizes.at(-1), BATCH_LIMITS_DEFAULT.rowsMax);
});

test("a batch below the floor that is refused does not raise or lower what inserts may have", () => {
  const pressure = pressureOf();
  pressure.refused("memory", 10);
  assert.equal(pressure.rowsMax, 100);
  pressure.refused("memory", 10);
  assert.equal(pressure.rowsMax, 100);
});

test("what was halved grows back slowly, and then the pressure is over", () => {
  const pressure = pressureOf();
  pressure.refused("memory", 2_000);
  pressure.passed();
  assert.equal(pressure.rowsMax, 1_250);
  assert.equal(pressure.kind, "memory");
  let passed = 1;
  for (; pressure.kind !== undefined; passed += 1) {
    pressure.passed();
  }
  assert.equal(pressure.rowsMax, BATCH_LIMITS_DEFAULT.rowsMax);
  assert.ok(passed > 10 && passed < 30, `${passed} batches`);
});

for (const kind of ["parts", "queries"] as const) {
  test(`refused for ${kind}, inserts never get smaller: the next ones gather more rows, for longer, and quiet sends none`, () => {
    const pressure = pressureOf();
    pressure.refused(kind, 2_000);
    pressure.refused(kind, 2_000);
    assert.equal(pressure.rowsMax, BATCH_LIMITS_DEFAULT.rowsMax, "smaller inserts would make more parts");
    const { rowsReady, ageMsIdle, ageMsMax, quietMs } = pressure.batchLimits;
    assert.deepEqual(
      { rowsReady, ageMsIdle, ageMsMax, quietMs },
      { rowsReady: 4_000, ageMsIdle: 400, ageMsMax: 4_000, quietMs: 4_000 },
    );
    for (let count = 0; count < 20; count += 1) {
      pressure.refused(kind, 2_000);
    }
    assert.deepEqual(
      [pressure.batchLimits.rowsReady, pressure.batchLimits.ageMsIdle, pressure.batchLimits.ageMsMax],
      [50_000, 6_400, 10_000],
    );
    assert.equal(pressure.isAlone, kind === "queries");
  });
}

test("too many parts is waited out for longer each time, with jitter, and never for less than half of it", () => {
  const waits = (random: () => number) => {
    const pressure = pressureOf(random);
    return Array.from({ length: 8 }, () => pressure.refused("parts", 1));
  };
  assert.deepEqual(
    waits(() => 0),
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.deepEqual(
    waits(() => 1),
    [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
  );
});

test("each batch that passes halves the gathering, and the next refusal begins with a short wait again", () => {
  const pressure = pressureOf(() => 0);
  pressure.refused("parts", 1);
  pressure.refused("parts", 1);
  pressure.passed();
  assert.equal(pressure.gather, 2);
  assert.equal(pressure.kind, "parts");
  pressure.passed();
  assert.equal(pressure.kind, undefined);
  assert.deepEqual(pressure.batchLimits, BATCH_LIMITS_DEFAULT);
  assert.equal(pressure.refused("parts", 1), 1_000);
});

test("tables take turns from a refusal for too many queries until that batch has passed or is given up", () => {
  for (const end of ["passed", "gaveUp"] as const) {
    const pressure = pressureOf();
    pressure.refused("queries", 1);
    pressure.refused("queries", 1);
    assert.equal(pressure.isAlone, true);
    pressure[end]();
    assert.equal(pressure.isAlone, false);
  }
});
