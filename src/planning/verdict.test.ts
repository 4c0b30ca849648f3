import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import * as fc from "fast-check";

import { parseDay, SHANGHAI, type Day } from "../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../domain/enums.ts";
import type { Instrument } from "../domain/rows.ts";
import { MAINLAND_EXCHANGES, parseSecurityCode } from "../domain/security-code.ts";
import type { Unit } from "../domain/unit.ts";
import { laySpans, countStates, stateOn } from "./spans.ts";
import { bundledCalendar } from "./trading-calendar.ts";
import { judgeUnit, LATE_PUBLICATION_MS, type Answer, type JudgeInput, type Judgement } from "./verdict.ts";

const calendar = bundledCalendar();
const day = (text: string): Day => parseDay(text);
const code = parseSecurityCode("000001.SZ");
const instrument: Instrument = {
  code,
  name: "Ping An Bank",
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: day("1991-04-03"),
  delistedOn: undefined,
  source: SOURCE.TUSHARE,
};
const capability = {
  dataSet: "bars",
  frequency: "1d",
  api: "daily",
  rowsMax: 6000,
  codesMax: 80,
  byDay: true,
  completeFrom: "17:00",
  zone: SHANGHAI,
  rowsPerDay: 1,
  exchanges: MAINLAND_EXCHANGES,
  kinds: ["stock"],
  since: undefined,
} as const;
const nowMs = Date.parse("2025-11-28T12:00:00Z");
const LIST_CALL = { provider: "tushare", callId: "list", version: 9n } as const;

function unit(from: string, to: string, missing: readonly (readonly [string, string])[] = [[from, to]]): Unit {
  return {
    dataSet: "bars",
    frequency: "1d",
    code,
    from: day(from),
    to: day(to),
    tradingDays: calendar.countBetween(day(from), day(to)),
    missing: missing.map(([first, last]) => ({ from: day(first), to: day(last) })),
    provider: "tushare",
  };
}

function answer(from: string, to: string, marketRows?: number, lostRows: Answer["lostRows"] = []): Answer {
  const evidence = { provider: "tushare", callId: `call ${from}`, version: 5n } as const;
  return { from: day(from), to: day(to), marketRows, lostRows, evidence };
}

/** An answer that named codes says how far it goes for the code. */
function withReach(one: Answer, rows: readonly Day[]): Answer {
  const own = rows.filter((at) => one.from <= at && at <= one.to);
  const [from, to] = [own[0], own.at(-1)];
  return one.marketRows !== undefined || one.reach !== undefined || from === undefined || to === undefined
    ? one
    : { ...one, reach: { from, to } };
}

function judge(
  one: Unit,
  texts: readonly string[],
  { answers = [answer(one.from, one.to)], ...more }: Partial<JudgeInput> = {},
): Judgement {
  const rows = texts.map((text) => day(text));
  return judgeUnit({
    unit: one,
    answers: answers.map((each) => withReach(each, rows)),
    daysWithRows: rows,
    rejectedDays: new Map(),
    suspensions: undefined,
    instrument,
    calendar,
    capability,
    nowMs,
    ...more,
  });
}

const shown = ({ spans }: Judgement): unknown => spans.map(({ from, to, state }) => [from, to, state]);

test("days with rows are present; an empty day with rows before and after it had no trade, and the evidence counts the rows", () => {
  const judged = judge(unit("2024-01-02", "2024-01-05"), ["2024-01-02", "2024-01-03", "2024-01-05"]);
  assert.deepEqual(shown(judged), [
    ["2024-01-02", "2024-01-03", "present"],
    ["2024-01-04", "2024-01-04", "no-trade"],
    ["2024-01-05", "2024-01-05", "present"],
  ]);
  assert.deepEqual(judged.suspects, []);
  assert.deepEqual(judged.spans[1]?.evidence, {
    provider: "tushare",
    callId: "call 2024-01-02",
    version: 5n,
    note: "complete answer with 3 rows of the code from 2024-01-02 to 2024-01-05, rows before and after",
  });
});

test("rows on anchor days prove that the hole between them had no trade, and the anchors are not judged again", () => {
  const hole = unit("2024-01-02", "2024-01-05", [["2024-01-03", "2024-01-04"]]);
  assert.deepEqual(shown(judge(hole, ["2024-01-02", "2024-01-05"])), [["2024-01-03", "2024-01-04", "no-trade"]]);
});

test("empty days at the edge are suspects until the suspension list has been asked", () => {
  const edge = unit("2024-01-02", "2024-01-05");
  const first = judge(edge, ["2024-01-02", "2024-01-03"]);
  assert.deepEqual(first.suspects, ["2024-01-04", "2024-01-05"]);
  assert.deepEqual(shown(first), [["2024-01-02", "2024-01-03", "present"]]);
  const second = judge(edge, ["2024-01-02", "2024-01-03"], {
    suspensions: { days: new Set([day("2024-01-04")]), evidence: LIST_CALL },
  });
  assert.deepEqual(second.suspects, []);
  assert.deepEqual(
    second.spans.map(({ from, state, evidence }) => [from, state, evidence.callId]),
    [
      ["2024-01-02", "present", "call 2024-01-02"],
      ["2024-01-04", "suspended", "list"],
      ["2024-01-05", "unexplained-empty", "call 2024-01-02"],
    ],
  );
  assert.match(second.spans[2]?.evidence.note ?? "", /not on the suspension list/);
  const unread = judge(edge, [], { suspensions: { days: new Set(), evidence: undefined } });
  assert.match(unread.spans[0]?.evidence.note ?? "", /no suspension list to be read/);
});

test("what only the end of an answer says is in doubt: days without a reason, and no trade at an edge of the listing", () => {
  const list = { days: new Set<Day>(), evidence: LIST_CALL };
  const short = { ...capability, isSilentlyShort: true };
  const rows = ["2024-01-02", "2024-01-04"];
  const hole = judge(unit("2024-01-02", "2024-01-05"), rows, { suspensions: list, capability: short });
  assert.deepEqual(hole.doubts, ["2024-01-05"], "rows on both sides bear out that there was no trade between them");
  const delisted = { ...instrument, delistedOn: day("2024-01-10") };
  const edge = judge(unit("2024-01-02", "2024-01-10"), ["2024-01-02", "2024-01-08"], {
    instrument: delisted,
    capability: short,
  });
  assert.equal(stateOn(edge.spans, day("2024-01-09")), "no-trade");
  assert.deepEqual(edge.doubts, ["2024-01-09"]);
  const told = judge(unit("2024-01-02", "2024-01-10"), ["2024-01-02", "2024-01-08"], { instrument: delisted });
  assert.deepEqual(told.doubts, [], "the provider says whether there is more, and has rows of it");
  assert.deepEqual(judge(unit("2024-01-02", "2024-01-03"), ["2024-01-02", "2024-01-03"]).doubts, []);
});

test("an answer without any row of the code proves nothing of its days, also where the provider says whether there is more", () => {
  const suspensions = { days: new Set<Day>(), evidence: LIST_CALL };
  const halves = [
    answer("2024-01-02", "2024-01-05"),
    answer("2024-01-08", "2024-01-10"),
    answer("2024-01-11", "2024-01-12"),
  ];
  const rows = ["2024-01-02", "2024-01-05", "2024-01-11"];
  const judged = judge(unit("2024-01-02", "2024-01-12"), rows, { answers: halves, suspensions });
  assert.deepEqual(shown(judged), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-04", "no-trade"],
    ["2024-01-05", "2024-01-05", "present"],
    ["2024-01-08", "2024-01-10", "unexplained-empty"],
    ["2024-01-11", "2024-01-11", "present"],
    ["2024-01-12", "2024-01-12", "unexplained-empty"],
  ]);
  assert.deepEqual(judged.doubts, ["2024-01-08", "2024-01-09", "2024-01-10"]);

  // Of a code that no list has such days look like those before its first one.
  const implied: Instrument = { ...instrument, listedOn: day("2023-10-09"), isImplied: true };
  const answers = [answer("2023-10-09", "2024-01-05"), answer("2024-01-08", "2024-01-12")];
  const late = judge(unit("2023-10-09", "2024-01-12"), ["2024-01-09", "2024-01-11"], { answers, instrument: implied });
  assert.equal(stateOn(late.spans, day("2024-01-05")), "before-listing");
  assert.deepEqual(late.doubts, calendar.tradingDaysBetween(day("2023-10-09"), day("2024-01-05")));
});

test("an answer that was cut speaks of the days within its reach only: the rest of it is another one", () => {
  const suspensions = { days: new Set<Day>(), evidence: LIST_CALL };
  const early = answer("2024-01-02", "2024-01-03");
  const cut: Answer = { ...answer("2024-01-04", "2024-01-12"), isCut: true };
  const rest = answer("2024-01-04", "2024-01-09");
  const rows = ["2024-01-02", "2024-01-10", "2024-01-12"];
  const judged = judge(unit("2024-01-02", "2024-01-12"), rows, { answers: [early, cut, rest], suspensions });
  assert.equal(stateOn(judged.spans, day("2024-01-05")), "unexplained-empty");
  assert.equal(stateOn(judged.spans, day("2024-01-11")), "no-trade");
});

test("where answers may be silently short, rows of two of them prove no day between them", () => {
  const short = { ...capability, isSilentlyShort: true };
  const list = { days: new Set<Day>(), evidence: LIST_CALL };
  const rows = ["2024-01-02", "2024-01-03", "2024-01-05"];
  const named = { ...answer("2024-01-02", "2024-01-04"), reach: { from: day("2024-01-02"), to: day("2024-01-03") } };
  const market = answer("2024-01-05", "2024-01-05", 5_000);
  const two = { answers: [named, market], capability: short, suspensions: list };
  const apart = judge(unit("2024-01-02", "2024-01-05"), rows, two);
  assert.equal(stateOn(apart.spans, day("2024-01-04")), "unexplained-empty");
  assert.deepEqual(apart.doubts, ["2024-01-04"]);
  const over = { ...answer("2024-01-03", "2024-01-05"), reach: { from: day("2024-01-03"), to: day("2024-01-05") } };
  const together = judge(unit("2024-01-02", "2024-01-05"), rows, { ...two, answers: [named, market, over] });
  assert.equal(stateOn(together.spans, day("2024-01-04")), "no-trade");
  assert.deepEqual(together.doubts, []);
  const holed = { ...two, answers: [named, market, over], capability: { ...short, hasHoles: true } };
  const doubted = judge(unit("2024-01-02", "2024-01-05"), rows, holed);
  assert.equal(stateOn(doubted.spans, day("2024-01-04")), "no-trade");
  assert.deepEqual(doubted.doubts, ["2024-01-04"], "another answer may well have it");
});

test("a missing adjustment factor is no day without trade, whatever surrounds it: the suspension list names it, or nothing does", () => {
  const factors = { ...unit("2024-06-12", "2024-06-18"), dataSet: "adjustment-factors" } as const;
  const rows = ["2024-06-12", "2024-06-13", "2024-06-17", "2024-06-18"];
  assert.deepEqual(judge(factors, rows).suspects, ["2024-06-14"]);
  const suspensions = { days: new Set<Day>(), evidence: LIST_CALL };
  assert.equal(stateOn(judge(factors, rows, { suspensions }).spans, day("2024-06-14")), "unexplained-empty");
  const named = { ...suspensions, days: new Set([day("2024-06-14")]) };
  assert.equal(stateOn(judge(factors, rows, { suspensions: named }).spans, day("2024-06-14")), "suspended");
  assert.deepEqual(judge(factors, rows, { suspensions: named }).doubts, []);
  const silent = judge(factors, [], {
    suspensions: { ...suspensions, days: new Set(calendar.tradingDaysBetween(factors.from, factors.to)) },
  });
  assert.equal(stateOn(silent.spans, day("2024-06-14")), "suspended");
  assert.deepEqual(
    silent.doubts,
    calendar.tradingDaysBetween(factors.from, factors.to),
    "a suspended day may have a factor",
  );
  const edges = { ...instrument, listedOn: day("2024-06-12"), delistedOn: day("2024-06-19") };
  assert.deepEqual(judge(factors, ["2024-06-14"], { instrument: edges }).suspects, [
    "2024-06-12",
    "2024-06-13",
    "2024-06-17",
    "2024-06-18",
  ]);
});

test("a wholly empty answer proves nothing", () => {
  assert.equal(judge(unit("2024-01-02", "2024-01-05"), []).suspects.length, 4);
});

test("the day between listing and first bar is no-trade and the note says so", () => {
  const judged = judge(unit("1991-04-03", "1991-04-05"), ["1991-04-04", "1991-04-05"]);
  assert.deepEqual(shown(judged), [
    ["1991-04-03", "1991-04-03", "no-trade"],
    ["1991-04-04", "1991-04-05", "present"],
  ]);
  assert.match(
    judged.spans[0]?.evidence.note ?? "",
    /no bar between listing on 1991-04-03 and first trade on 1991-04-04/,
  );
});

test("a history that begins years after the listing is suspect, not quiet", () => {
  const judged = judge(unit("1991-04-03", "1993-01-05"), ["1993-01-04", "1993-01-05"]);
  assert.ok(judged.suspects.length > 400);
  assert.equal(judge(unit("1991-04-04", "1991-04-09"), ["1991-04-08", "1991-04-09"]).suspects.length, 2);
});

test("between last trade and delisting nothing trades, and the day of delisting is after it", () => {
  const delisted = { ...instrument, delistedOn: day("2024-01-10") };
  const judged = judge(unit("2024-01-02", "2024-01-10"), ["2024-01-02", "2024-01-05"], { instrument: delisted });
  assert.deepEqual(shown(judged), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-04", "no-trade"],
    ["2024-01-05", "2024-01-05", "present"],
    ["2024-01-08", "2024-01-09", "no-trade"],
    ["2024-01-10", "2024-01-10", "after-delisting"],
  ]);
});

test("a row that came before its day is final leaves the day pending", () => {
  const judged = judge(unit("2025-11-27", "2025-11-28"), ["2025-11-27", "2025-11-28"], {
    nowMs: Date.parse("2025-11-28T08:59:00Z"),
  });
  assert.equal(judged.spans[1]?.state, "pending");
  assert.equal(judged.spans[1]?.askAgainAtMs, Date.parse("2025-11-28T09:00:00Z"));
});

test("a rejected row's day has failed, with the reason", () => {
  const judged = judge(unit("2024-01-02", "2024-01-04"), ["2024-01-02", "2024-01-04"], {
    rejectedDays: new Map([[day("2024-01-03"), "close is -1"]]),
  });
  assert.deepEqual(
    [judged.spans[1]?.state, judged.spans[1]?.evidence.note],
    ["failed", "the row was rejected: close is -1"],
  );
});

test("a day whose row may be a rejected one that nobody can place has failed, unless a list says that it was suspended", () => {
  const one = unit("2024-01-02", "2024-01-05");
  const rows = ["2024-01-02", "2024-01-05"];
  const asked = { days: new Set<Day>(), evidence: LIST_CALL };
  const withoutCode = [
    answer("2024-01-02", "2024-01-05", undefined, [{ day: day("2024-01-03"), reason: "not-parseable" }]),
  ];
  assert.deepEqual(judge(one, rows, { answers: withoutCode }).suspects, ["2024-01-03"]);
  assert.deepEqual(shown(judge(one, rows, { answers: withoutCode, suspensions: asked })), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-03", "failed"],
    ["2024-01-04", "2024-01-04", "no-trade"],
    ["2024-01-05", "2024-01-05", "present"],
  ]);
  const named = { ...asked, days: new Set([day("2024-01-03")]) };
  assert.equal(judge(one, rows, { answers: withoutCode, suspensions: named }).spans[1]?.state, "suspended");
  const withoutDay = [answer("2024-01-02", "2024-01-05", undefined, [{ day: undefined, reason: "not-parseable" }])];
  assert.deepEqual(shown(judge(one, rows, { answers: withoutDay, suspensions: asked })), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-04", "failed"],
    ["2024-01-05", "2024-01-05", "present"],
  ]);
});

test("a code that is absent from a market day is a suspect, also with rows before and after", () => {
  const one = unit("2024-01-02", "2024-01-04");
  const answers = [
    answer("2024-01-02", "2024-01-02"),
    answer("2024-01-03", "2024-01-03", 5300),
    answer("2024-01-04", "2024-01-04"),
  ];
  assert.deepEqual(judge(one, ["2024-01-02", "2024-01-04"], { answers }).suspects, ["2024-01-03"]);
});

test("a market day that is empty for everybody is late on its evening and suspect a day later", () => {
  const one = unit("2025-11-28", "2025-11-28");
  const answers = [answer("2025-11-28", "2025-11-28", 0)];
  const late = judge(one, [], { answers });
  assert.deepEqual([late.spans[0]?.state, late.spans[0]?.askAgainAtMs], ["pending", nowMs + LATE_PUBLICATION_MS]);
  assert.equal(judge(one, [], { answers, nowMs: nowMs + 86_400_000 }).suspects.length, 1);
});

test("an empty newest day that no list explains is late within a day of its hour, however it was asked for", () => {
  const one = unit("2025-11-27", "2025-11-28");
  const suspensions = { days: new Set<Day>(), evidence: LIST_CALL };
  for (const marketRows of [undefined, 5300]) {
    const answers = [answer("2025-11-27", "2025-11-28", marketRows)];
    const late = judge(one, ["2025-11-27"], { answers, suspensions }).spans[1];
    assert.deepEqual([late?.state, late?.askAgainAtMs], ["pending", nowMs + LATE_PUBLICATION_MS]);
    const lastMs = Date.parse("2025-11-29T08:59:59Z");
    assert.equal(judge(one, ["2025-11-27"], { answers, suspensions, nowMs: lastMs }).spans[1]?.state, "pending");
    const dayLater = judge(one, ["2025-11-27"], { answers, suspensions, nowMs: lastMs + 1_000 });
    assert.equal(dayLater.spans[1]?.state, "unexplained-empty");
  }
  const named = { ...suspensions, days: new Set([day("2025-11-28")]) };
  assert.equal(judge(one, ["2025-11-27"], { suspensions: named }).spans[1]?.state, "suspended");
});

test("what only a market's answer lacks is unproven: unexplained always, pending where the answer is short and codes can be named", () => {
  const one = unit("2025-11-28", "2025-11-28");
  const suspensions = { days: new Set<Day>(), evidence: LIST_CALL };
  const later = nowMs + 86_400_000;
  const [whole, short] = [answer("2025-11-28", "2025-11-28", 5300), answer("2025-11-28", "2025-11-28", 3000)];
  const named = answer("2025-11-28", "2025-11-28");
  const cut = { ...short, isShort: true } as const;
  const unprovenBy = (answers: readonly Answer[], more: Partial<JudgeInput> = {}): readonly Day[] =>
    judge(one, [], { answers, suspensions, ...more }).unproven;
  assert.deepEqual(unprovenBy([whole], { nowMs: later }), ["2025-11-28"]);
  assert.deepEqual(unprovenBy([whole]), []);
  assert.deepEqual(unprovenBy([cut]), ["2025-11-28"]);
  assert.deepEqual(unprovenBy([cut], { capability: { ...capability, codesMax: 1 } }), []);
  assert.deepEqual(unprovenBy([cut], { nowMs: later, capability: { ...capability, codesMax: 1 } }), ["2025-11-28"]);
  // An answer that named the code, a list that names the day, a market without any row, and a list not asked yet.
  assert.deepEqual(unprovenBy([cut, named], { nowMs: later }), []);
  assert.deepEqual(unprovenBy([cut], { suspensions: { ...suspensions, days: new Set([day("2025-11-28")]) } }), []);
  assert.deepEqual(unprovenBy([answer("2025-11-28", "2025-11-28", 0)], { nowMs: later }), []);
  assert.deepEqual(unprovenBy([cut], { suspensions: undefined }), []);
});

test("a missing day that no answer covers is a defect, never a verdict", () => {
  assert.throws(
    () => judge(unit("2024-01-02", "2024-01-05"), [], { answers: [answer("2024-01-02", "2024-01-04")] }),
    /no answer covers 2024-01-05/,
  );
});

test("every missing day gets one verdict, only days with a row are present, and no day without proof is covered", () => {
  const days = calendar.tradingDaysBetween(day("2024-01-02"), day("2024-02-02"));
  fc.assert(
    fc.property(fc.subarray([...days]), fc.subarray([...days]), fc.boolean(), (rows, suspended, isAsked) => {
      const suspensions = isAsked ? { days: new Set(suspended), evidence: LIST_CALL } : undefined;
      const { spans, suspects } = judge(unit("2024-01-02", "2024-02-02"), rows, { suspensions });
      for (const one of days) {
        const state = stateOn(spans, one);
        assert.equal(state === undefined, suspects.includes(one));
        assert.equal(state === "present", rows.includes(one));
        assert.equal(state === "no-trade", !rows.includes(one) && (rows[0] ?? one) < one && one < (rows.at(-1) ?? one));
        assert.ok(state !== "suspended" || suspended.includes(one));
      }
      assert.ok(!isAsked || suspects.length === 0);
    }),
  );
});

const recording = path.join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "tushare", "daily", "000001.SZ.csv");
const skip = existsSync(recording) ? false : `NOT RUN: no recording at ${recording}, set GINKGO_TEST_DATA`;

test(
  "of a recorded whole history every day is explained: 8,242 present, listing day and 217 others without trade",
  { skip },
  () => {
    const rows = readFileSync(recording, "utf8").trim().split("\n").slice(1);
    const one = unit("1991-04-03", "2025-11-28");
    const answers = [answer("1991-04-03", "2008-12-31"), answer("2009-01-05", "2025-11-28")];
    const { spans, suspects } = judge(
      one,
      rows.map((line) => line.split(",")[1] ?? ""),
      { answers },
    );
    assert.deepEqual(suspects, []);
    const written = laySpans([], spans, calendar);
    const counts = countStates(written, calendar.tradingDaysBetween(one.from, one.to));
    assert.deepEqual([counts.present, counts["no-trade"], counts.unknown], [8242, 218, 0]);
    assert.match(
      spans[0]?.evidence.note ?? "",
      /2 complete answers with 8242 rows.*listing on 1991-04-03 and first trade on 1991-04-04/,
    );
  },
);

const minutes = { ...capability, frequency: "5m", rowsPerDay: 48 } as const;
const ticks = { ...capability, dataSet: "ticks", rowsPerDay: 5_000 } as const;

test("a day that the answer itself calls suspended needs no list", () => {
  const suspended = { ...answer("2024-01-02", "2024-01-03"), suspended: new Set([day("2024-01-03")]) };
  assert.deepEqual(shown(judge(unit("2024-01-02", "2024-01-03"), ["2024-01-02"], { answers: [suspended] })), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-03", "suspended"],
  ]);
});

test("a day with a part of its bars is not done: pending within a day of publication, unexplained later", () => {
  const one = unit("2024-01-02", "2024-01-03");
  const partialDays = new Map([[day("2024-01-03"), 31]]);
  const judged = judge(one, ["2024-01-02", "2024-01-03"], { capability: minutes, partialDays });
  assert.deepEqual(shown(judged), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-03", "unexplained-empty"],
  ]);
  assert.equal(judged.spans[1]?.evidence.note, "31 of 48 bars of the day");
  const soon = Date.parse("2024-01-03T10:00:00Z");
  const early = judge(one, ["2024-01-02", "2024-01-03"], { capability: minutes, partialDays, nowMs: soon });
  assert.deepEqual(early.spans.slice(1).map(({ from, to, state }) => [from, to, state])[0], [
    "2024-01-03",
    "2024-01-03",
    "pending",
  ]);
});

test("of many rows a day one rejected leaves the day failed, of one row a day it is the day's", () => {
  const rejectedDays = new Map([[day("2024-01-02"), "price-not-positive"]]);
  const judged = judge(unit("2024-01-02", "2024-01-02"), ["2024-01-02"], { capability: minutes, rejectedDays });
  assert.deepEqual(shown(judged), [["2024-01-02", "2024-01-02", "failed"]]);
  const daily = judge(unit("2024-01-02", "2024-01-02"), ["2024-01-02"], { rejectedDays });
  assert.deepEqual(shown(daily), [["2024-01-02", "2024-01-02", "present"]]);
});

test("a day of which the daily bar is there was traded, whatever its minutes say by lacking it, unless idle bars are left out", () => {
  const one = { ...unit("2024-01-02", "2024-01-05"), frequency: "5m" } as const;
  const rows = ["2024-01-02", "2024-01-05"];
  const evidence = { ...LIST_CALL, note: "" };
  const dailySpans = [{ from: day("2024-01-03"), to: day("2024-01-03"), state: "present", evidence }] as const;
  const judged = judge(one, rows, { capability: minutes, dailySpans });
  assert.deepEqual(judged.suspects, ["2024-01-03"]);
  assert.equal(stateOn(judged.spans, day("2024-01-04")), "no-trade", "of this one nothing is known by the day");
  const idle = judge(one, rows, { capability: { ...minutes, skipsIdleBars: true }, dailySpans });
  assert.deepEqual([idle.suspects, stateOn(idle.spans, day("2024-01-03"))], [[], "no-trade"]);
  const implied: Instrument = { ...instrument, listedOn: day("2024-01-02"), isImplied: true };
  const begins = judge(one, ["2024-01-04", "2024-01-05"], { instrument: implied, capability: minutes, dailySpans });
  assert.deepEqual(begins.suspects, ["2024-01-03"]);
});

test("an empty day of ticks is explained by the daily bars, never by its neighbours", () => {
  const one = { ...unit("2024-01-02", "2024-01-05"), dataSet: "ticks" } as const;
  const rows = ["2024-01-02", "2024-01-05"];
  const evidence = { ...LIST_CALL, note: "" };
  const dailySpans = [
    { from: day("2024-01-03"), to: day("2024-01-03"), state: "suspended", evidence },
    { from: day("2024-01-04"), to: day("2024-01-04"), state: "present", evidence },
  ] as const;
  const judged = judge(one, rows, { capability: ticks, dailySpans });
  assert.deepEqual(shown(judged), [
    ["2024-01-02", "2024-01-02", "present"],
    ["2024-01-03", "2024-01-03", "suspended"],
    ["2024-01-05", "2024-01-05", "present"],
  ]);
  assert.deepEqual(judged.suspects, ["2024-01-04"]);
});

test("of a code that no list has, the first row of an answer from the beginning is its listing", () => {
  const implied: Instrument = { ...instrument, listedOn: day("1990-12-19"), isImplied: true };
  const judged = judge(unit("1990-12-19", "1991-07-16"), ["1991-07-15", "1991-07-16"], { instrument: implied });
  assert.deepEqual(shown(judged), [
    ["1990-12-19", "1991-07-12", "before-listing"],
    ["1991-07-15", "1991-07-16", "present"],
  ]);
  const listed: Instrument = { ...instrument, listedOn: day("1990-12-19") };
  assert.equal(
    judge(unit("1990-12-19", "1991-07-16"), ["1991-07-15"], { instrument: listed }).suspects.length > 100,
    true,
  );
});
