import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay, type Day } from "../domain/day.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { Selection } from "../domain/unit.ts";
import { chooseSuspensionCalls, type CodeDays } from "./suspension-calls.ts";

const ROWS_MAX = 5_000;

function asks(code: number, ...days: readonly string[]): CodeDays {
  return { code: parseSecurityCode(`${600_000 + code}.SH`), days: days.map((day) => parseDay(day)) };
}

function from(start: string, count: number, step = 1): readonly Day[] {
  return Array.from({ length: count }, (_, index) => addDays(parseDay(start), index * step));
}

function kinds(asked: readonly CodeDays[]): readonly string[] {
  return chooseSuspensionCalls(asked, ROWS_MAX).map(({ by }) => by);
}

test("two codes decades apart are asked for one by one, not the market over the decades between", () => {
  const asked = [asks(1, ...from("1995-06-01", 5)), asks(2, ...from("2024-06-03", 5))];
  assert.deepEqual(chooseSuspensionCalls(asked, ROWS_MAX), [
    { by: "codes", codes: ["600001.SH"], from: "1995-06-01", to: "1995-06-05" },
    { by: "codes", codes: ["600002.SH"], from: "2024-06-03", to: "2024-06-07" },
  ]);
});

test("a day that many codes ask about is the market's, and a code with a long suspension is asked for by itself", () => {
  const many = Array.from({ length: 300 }, (_, index) => asks(index, "2024-06-03"));
  const long = { ...asks(999), days: from("2020-01-01", 400) };
  assert.deepEqual(kinds(many), ["day"]);
  assert.deepEqual(kinds([...many, long]), ["day", "codes"]);
});

test("many codes over the same weeks take the market over those weeks, cut where nobody asks", () => {
  const many = Array.from({ length: 300 }, (_, index) => ({
    ...asks(index),
    days: [...from("2015-07-06", 12), ...from("2021-02-01", 12)],
  }));
  assert.deepEqual(chooseSuspensionCalls(many, ROWS_MAX), [
    { by: "range", from: "2015-07-06", to: "2015-07-17" },
    { by: "range", from: "2021-02-01", to: "2021-02-12" },
  ]);
});

test("every day of every code is asked for, in no more calls than by codes or by days alone", () => {
  const one = fc.record({
    code: fc.nat(12),
    days: fc.uniqueArray(fc.nat(400), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { minLength: 1, maxLength: 10, selector: ({ code }) => code }), (drawn) => {
      const asked = drawn.map(({ code, days }) => ({
        ...asks(code),
        days: days.map((day) => addDays(parseDay("2020-01-01"), day)).toSorted(),
      }));
      const calls = chooseSuspensionCalls(asked, ROWS_MAX);
      const days = new Set(asked.flatMap((ask) => ask.days));
      assert.ok(calls.length <= Math.min(asked.length, days.size));
      for (const { code, days: wanted } of asked) {
        assert.ok(wanted.every((day) => calls.some((call) => tells(call, code, day))));
      }
    }),
  );
});

function tells(call: Selection, code: string, day: Day): boolean {
  switch (call.by) {
    case "day":
      return call.day === day;
    case "codes":
      return call.codes.some((named) => named === code) && call.from <= day && day <= call.to;
    case "range":
      return call.from <= day && day <= call.to;
    case "status":
      return false;
  }
}
