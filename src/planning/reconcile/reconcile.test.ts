import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sizes } from "../../../test/support/sizes.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import type { Span } from "../../domain/ledger.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { StoredPair, StoredSide } from "../../ports/stored-pair.ts";
import { BAOSTOCK_FACTS } from "../../sources/baostock/facts.ts";
import { TDX_FACTS } from "../../sources/tdx/facts.ts";
import { TUSHARE_FACTS } from "../../sources/tushare/facts.ts";
import { addCells, compareWorst, WorstFindings, type CodeReconciled, type Finding } from "./findings.ts";
import { Reconciliation } from "./reconcile.ts";

const CODE = parseSecurityCode("000001.SZ");
const OTHER = parseSecurityCode("600000.SH");
const FACTS = [TUSHARE_FACTS, TDX_FACTS] as const;
const NO_SPANS = (): readonly Span[] => [];

function bar(cells: StoredSide["cells"] = {}, call = "c"): StoredSide {
  const usual = { open: "10", high: "11", low: "9", close: "10.5", pre_close: "10", volume: "1234", amount: "13000" };
  return { cells: { ...usual, ...cells }, fetchedAt: "2026-11-28 20:59:05", callId: call, requestId: "r-1" };
}

function pair(
  day: string,
  sides: { left?: StoredSide; right?: StoredSide; time?: string; code?: SecurityCode },
): StoredPair {
  const { left, right, time = "", code = CODE } = sides;
  return { code, day: parseDay(day), time, left, right };
}

function reconcile(pairs: readonly StoredPair[], options: { listMax?: number; spans?: readonly Span[] } = {}) {
  const found: Finding[] = [];
  const { listMax = 50, spans = [] } = options;
  const all = new Reconciliation({ frequency: "1d", facts: FACTS, listMax, found: (one) => found.push(one) });
  all.take(pairs, () => spans);
  return { ...all.end(), found };
}

test("every cell of two bars is counted once, and one that differs names both rows and the rounding", () => {
  const right = bar({ close: "10.51", pre_close: null, volume: "1200", amount: "13000" }, "t-9");
  const { codes, listed } = reconcile([pair("2024-01-02", { left: bar({}, "s-1"), right })]);
  const counts = addCells(codes);
  assert.deepEqual(counts.close, { equal: 0, rounded: 0, different: 1, "not-given": 0 });
  assert.deepEqual(counts.pre_close, { equal: 0, rounded: 0, different: 0, "not-given": 1 });
  assert.deepEqual(counts.volume, { equal: 0, rounded: 1, different: 0, "not-given": 0 });
  assert.deepEqual(counts.amount, { equal: 1, rounded: 0, different: 0, "not-given": 0 });
  const said = { fetchedAt: "2026-11-28 20:59:05", requestId: "r-1", rounding: "" };
  assert.deepEqual(listed, [
    {
      kind: "cell",
      code: CODE,
      day: "2024-01-02",
      time: "",
      cell: "close",
      said: [
        { provider: "tushare", value: "10.5", callId: "s-1", ...said },
        { provider: "tdx", value: "10.51", callId: "t-9", ...said },
      ],
    },
  ]);
});

test("neighbouring days of one side are one finding for each thing that the ledger says of them", () => {
  const evidence = { provider: "tdx", callId: "c-7", version: 1n, note: "a list says so" } as const;
  const [from, to] = [parseDay("2024-01-04"), parseDay("2024-01-04")];
  const spans: readonly Span[] = [{ from, to, state: "suspended", evidence }];
  const { listed, codes } = reconcile(
    [
      pair("2024-01-02", { left: bar() }),
      pair("2024-01-03", { left: bar() }),
      pair("2024-01-04", { left: bar() }),
      pair("2024-01-05", { left: bar(), right: bar() }),
      pair("2024-01-08", { right: bar() }),
      pair("2024-01-09", { left: bar() }),
    ],
    { spans },
  );
  assert.deepEqual(
    listed.map((one) => (one.kind === "days" ? [one.day, one.to, one.days, one.only, one.missing, one.ledger] : one)),
    [
      ["2024-01-02", "2024-01-03", 2, "tushare", "tdx", "never asked for"],
      ["2024-01-04", "2024-01-04", 1, "tushare", "tdx", "suspended, tdx, call c-7: a list says so"],
      ["2024-01-08", "2024-01-08", 1, "tdx", "tushare", "never asked for"],
      ["2024-01-09", "2024-01-09", 1, "tushare", "tdx", "never asked for"],
    ],
  );
  assert.deepEqual(codes[0]?.loneDays, [4, 1]);
  assert.deepEqual(codes[0]?.lone, [
    { from: "2024-01-02", to: "2024-01-09" },
    { from: "2024-01-08", to: "2024-01-08" },
  ]);
});

test("a bar that one side lacks within a day is found alone, a day that it lacks as a whole is found once", () => {
  const at = (clock: string, sides: Parameters<typeof pair>[1], day = "2024-01-02"): StoredPair =>
    pair(day, { ...sides, time: `${day} ${clock}` });
  const { listed, codes } = reconcile([
    at("09:35:00", { left: bar(), right: bar() }),
    at("09:40:00", { right: bar() }),
    at("09:35:00", { left: bar() }, "2024-01-03"),
    at("09:40:00", { left: bar() }, "2024-01-03"),
  ]);
  assert.deepEqual(
    listed.map((one) => [one.kind, one.day, one.kind === "bar" ? `${one.time} ${one.missing}` : ""]),
    [
      ["bar", "2024-01-02", "2024-01-02 09:40:00 tushare"],
      ["days", "2024-01-03", ""],
    ],
  );
  assert.deepEqual([codes[0]?.common, codes[0]?.loneBars, codes[0]?.loneDays], [1, [0, 1], [1, 0]]);
});

test("a code may come in any number of parts: days, runs and the base of factors go on", () => {
  const factor = (value: string): StoredSide => ({ ...bar(), cells: { factor: value } });
  const days = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"];
  const pairs = [
    ...days.map((day) => pair(day, { left: factor("100"), right: factor("10") })),
    pair("2024-01-08", { left: factor("200"), right: factor("20.1") }),
    ...["2024-01-09", "2024-01-10"].map((day) => pair(day, { left: factor("200") })),
    pair("2024-01-02", { code: OTHER, left: factor("3"), right: factor("7") }),
  ];
  const whole = reconcile(pairs);
  assert.deepEqual(
    whole.found.map((one) => (one.kind === "cell" ? one.said.map(({ ratio }) => ratio) : [one.kind, one.day])),
    [
      ["2", "2.01"],
      ["days", "2024-01-09"],
    ],
  );
  for (let cut = 0; cut <= pairs.length; cut += 1) {
    const found: Finding[] = [];
    const parts = new Reconciliation({ frequency: "1d", facts: FACTS, listMax: 9, found: (one) => found.push(one) });
    parts.take(pairs.slice(0, cut), NO_SPANS);
    parts.take(pairs.slice(cut), NO_SPANS);
    assert.deepEqual({ ...parts.end(), found }, whole, `cut at ${cut}`);
  }
});

test("the findings of the worst codes are kept, whatever order codes come in and however many there are", () => {
  const code = (index: number, different: number): CodeReconciled => ({
    code: parseSecurityCode(String(600_000 + index).concat(".SH")),
    common: 9,
    cells: {},
    different,
    loneBars: [0, 0],
    loneDays: [0, 0],
    lone: [undefined, undefined],
    findings: different,
  });
  const findingsOf = (one: CodeReconciled, max: number): readonly Finding[] =>
    Array.from({ length: Math.min(max, one.different) }, (_, index) => ({
      kind: "bar",
      code: one.code,
      day: parseDay("2024-01-02"),
      time: String(index),
      said: { provider: "tdx", value: "", fetchedAt: "", callId: "", requestId: "", rounding: "" },
      missing: "tushare",
    }));
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), fc.nat(15), (counts, max) => {
      const codes = counts.map((count, index) => code(index, count));
      const worst = new WorstFindings(max);
      for (const one of codes) {
        worst.add(one, findingsOf(one, max));
      }
      const expected = codes.toSorted(compareWorst).flatMap((one) => findingsOf(one, max));
      assert.deepEqual(worst.list(), expected.slice(0, max));
    }),
    { numRuns: sizes.propertyRuns },
  );
});

test("what is counted adds up: every cell of every common bar has one verdict, every day one side or both", () => {
  const cents = fc.integer({ min: 1, max: 99_999 }).map((value) => (value / 100).toFixed(2).replace(/\.?0+$/, ""));
  const side = fc.option(fc.record({ close: cents, volume: fc.nat(9_999).map(String) }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(fc.tuple(side, side), { maxLength: 25 }), (rows) => {
      const pairs = rows.flatMap(([left, right], index): readonly StoredPair[] => {
        const day = `2024-01-${String(index + 1).padStart(2, "0")}` as Day;
        const sides = { ...(left && { left: bar(left) }), ...(right && { right: bar(right) }) };
        return left === undefined && right === undefined ? [] : [pair(day, sides)];
      });
      const { codes, found } = reconcile(pairs);
      const [one] = codes;
      const common = pairs.filter(({ left, right }) => left !== undefined && right !== undefined).length;
      assert.equal(one?.common ?? 0, common);
      assert.equal((one?.loneDays[0] ?? 0) + (one?.loneDays[1] ?? 0), pairs.length - common);
      for (const counts of Object.values(one?.cells ?? {})) {
        assert.equal(
          Object.values(counts).reduce((sum, count) => sum + count, 0),
          common,
        );
      }
      assert.equal(found.filter(({ kind }) => kind === "cell").length, one?.different ?? 0);
      const days = found.reduce((sum, each) => sum + (each.kind === "days" ? each.days : 0), 0);
      assert.equal(days, pairs.length - common);
    }),
    { numRuns: sizes.propertyRuns },
  );
});

test("two that round nothing are compared digit by digit", () => {
  const all = new Reconciliation({ frequency: "1d", facts: [BAOSTOCK_FACTS, BAOSTOCK_FACTS], listMax: 9 });
  all.take([pair("2024-01-02", { left: bar({ volume: "1234" }), right: bar({ volume: "1235" }) })], NO_SPANS);
  assert.deepEqual(
    all
      .end()
      .listed.map((one) => (one.kind === "cell" ? [one.cell, ...one.said.map(({ rounding }) => rounding)] : one)),
    [["volume", "", ""]],
  );
});
