import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { DataError } from "../../base/errors.ts";
import { addDays, parseDay } from "../../domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import { OFFSET_PAGES_MAX, OFFSET_ROWS_MAX, splitCall } from "./paging.ts";

const BEGIN = parseDay("1991-01-01");

/** What a call asks for, one entry for each code and day. */
function cover(call: Call): readonly string[] {
  const { selection } = call;
  assert.ok(selection.by === "codes" || selection.by === "range");
  const codes: readonly string[] = selection.by === "codes" ? selection.codes : ["all"];
  const entries: string[] = [];
  for (let day = selection.from; day <= selection.to; day = addDays(day, 1)) {
    entries.push(...codes.map((code) => `${code} ${day}`));
  }
  return entries;
}

function toCode(index: number): SecurityCode {
  return parseSecurityCode(`${600_000 + index}.SH`);
}

test("what is split asks for the same codes and days, each once", () => {
  const calls = fc.record({ codes: fc.integer({ min: 0, max: 9 }), days: fc.integer({ min: 2, max: 40 }) });
  fc.assert(
    fc.property(calls, ({ codes, days }) => {
      const span = { from: BEGIN, to: addDays(BEGIN, days - 1) };
      const call: Call =
        codes === 0
          ? { dataSet: "suspensions", frequency: "1d", selection: { by: "range", ...span } }
          : {
              dataSet: "bars",
              frequency: "1d",
              selection: { by: "codes", codes: Array.from({ length: codes }, (_, index) => toCode(index)), ...span },
            };
      const parts = splitCall(call, 100, 100);
      assert.equal(parts.length, 2);
      assert.deepEqual(parts.flatMap(cover).toSorted(), cover(call).toSorted());
    }),
  );
});

test("one code on one day that is still cut is a paradox and no endless loop", () => {
  const selection = { by: "codes", codes: [toCode(1)], from: BEGIN, to: BEGIN } as const;
  assert.throws(() => splitCall({ dataSet: "bars", frequency: "1d", selection }, 6_000, 6_000), DataError);
});

test("a cap set far below the server's own leaves a market's day whole: its pages are larger than ten of ours", () => {
  const call: Call = { dataSet: "bars", frequency: "1d", selection: { by: "day", day: BEGIN } };
  assert.deepEqual(splitCall(call, 5_500, 100), [{ ...call, offset: 5_500 }]);
  assert.throws(() => splitCall({ ...call, offset: OFFSET_ROWS_MAX - 100 }, 100, 100), DataError);
});

test("a market's day goes on by offset, and not for ever", () => {
  let call: Call = { dataSet: "bars", frequency: "1d", selection: { by: "day", day: BEGIN } };
  for (let page = 1; page < OFFSET_PAGES_MAX; page += 1) {
    const rest = splitCall(call, 6_000, 6_000);
    assert.equal(rest.length, 1);
    assert.equal(rest[0]?.offset, page * 6_000);
    call = rest[0] ?? call;
  }
  assert.throws(() => splitCall(call, 6_000, 6_000), DataError);
  assert.throws(() => splitCall({ ...call, offset: 0 }, 0, 6_000), DataError);
});
