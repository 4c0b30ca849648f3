import assert from "node:assert/strict";
import { test } from "node:test";

import { ZERO } from "../base/decimal.ts";
import { systemClock } from "../base/clock.ts";
import { SHANGHAI, type Day } from "../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../domain/enums.ts";
import type { Span } from "../domain/ledger.ts";
import type { AdjustmentFactor, Instrument } from "../domain/rows.ts";
import { MAINLAND_EXCHANGES, parseSecurityCode } from "../domain/security-code.ts";
import type { Unit } from "../domain/unit.ts";
import { bundledCalendar } from "../planning/trading-calendar.ts";
import type { RowOutcome } from "../ports/store.ts";
import type { KeepPart, UnitPart } from "./call-desk.ts";
import { syncUnit, type UnitWork } from "./sync-unit.ts";
import { StoredTally } from "./tally.ts";

type Part = UnitPart<"adjustment-factors">;

const calendar = bundledCalendar();
const code = parseSecurityCode("000001.SZ");
const DAYS = calendar.tradingDaysBetween("2024-01-02" as Day, "2024-04-30" as Day);
const never = new AbortController().signal;

test("of a unit of many calls the ledger knows what was stored before the rest comes", async () => {
  const [first, second] = [DAYS.slice(0, 30), DAYS.slice(30, 50)];
  const rig = openUnit(async (keep) => {
    await keep(partOf(first));
    await keep(partOf(second.slice(0, 10)));
    assert.deepEqual(rig.learned, [`${first[0]}..${first.at(-1)} present`]);
    await keep(partOf(second.slice(10)));
    throw new Error("the process ends here");
  });
  await assert.rejects(rig.sync(), /ends here/);
  assert.equal(rig.stored.length, 50);
  assert.deepEqual(rig.learned, [`${first[0]}..${first.at(-1)} present`, `${second[0]}..${second.at(-1)} present`]);
});

test("of a unit that ends early what has come is stored and the ledger knows it, unless finishing is over, too", async () => {
  const days = DAYS.slice(0, 5);
  const [lost, finishing] = [new AbortController(), new AbortController()];
  const rig = openUnit(
    async (keep) => {
      lost.abort(new Error("the partition was lost"));
      await keep(partOf(days));
      lost.signal.throwIfAborted();
    },
    lost.signal,
    finishing.signal,
  );
  await assert.rejects(rig.sync(), /was lost/);
  assert.deepEqual([rig.stored, rig.learned], [days, [`${days[0]}..${days.at(-1)} present`]]);
  assert.deepEqual([rig.tally.rows.new, rig.tally.callIds.length, rig.tally.provider], [5, 1, "tushare"]);

  finishing.abort(new Error("its grace is over"));
  await assert.rejects(rig.sync(), /grace is over/);
  assert.deepEqual([rig.stored.length, rig.learned.length, rig.tally.rows.new], [5, 1, 5]);
});

test("what was written to the ledger on the way is not said again, and a day without a row is judged by all that came", async () => {
  const gap = DAYS[40] ?? DAYS[0];
  const rig = openUnit(async (keep) => {
    await keep(partOf(DAYS.slice(0, 40)));
    await keep({ ...partOf(DAYS.slice(41)), isLast: true });
  });
  const { spans } = await rig.sync();
  assert.deepEqual(rig.learned, [`${DAYS[0]}..${DAYS[39]} present`]);
  assert.deepEqual(
    spans.map(({ from, to, state }) => `${from}..${to} ${state}`),
    [`${gap}..${gap} unexplained-empty`, `${DAYS[41]}..${DAYS.at(-1)} present`],
  );
  assert.match(spans[0]?.evidence.note ?? "", new RegExp(`^2 complete answers with ${DAYS.length - 1} rows`));
  assert.equal(rig.tally.rows.new, DAYS.length - 1);
  assert.equal(rig.tally.callIds.length, 2);
});

test("a lost unit asks for no suspension list any more, and keeps what it has", async () => {
  const [lost, finishing] = [new AbortController(), new AbortController()];
  let asked = 0;
  const rig = openUnit(
    async (keep) => {
      lost.abort(new Error("the partition was lost"));
      await keep({ ...partOf(DAYS.slice(1)), isLast: true });
    },
    lost.signal,
    finishing.signal,
    () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  );
  await assert.rejects(rig.sync(), /was lost/);
  assert.equal(asked, 0);
  assert.ok(rig.learned.length > 0);
});

test("a suspension list that was asked for is waited for no longer than the grace", { timeout: 5_000 }, async () => {
  const [lost, finishing] = [new AbortController(), new AbortController()];
  const rig = openUnit(
    (keep) => keep({ ...partOf(DAYS.slice(1)), isLast: true }),
    lost.signal,
    finishing.signal,
    () => {
      lost.abort(new Error("the partition was lost"));
      queueMicrotask(() => finishing.abort(new Error("its grace is over")));
      return new Promise(() => undefined);
    },
  );
  await assert.rejects(rig.sync(), /its grace is over/);
});

test("a day that only silence speaks of is asked for again where answers may be short, and no more than twice", async () => {
  const asked: string[] = [];
  const silent = DAYS.slice(-2);
  const looks = (brings: number) => async (keep: KeepPart<"adjustment-factors">, unit: Unit) => {
    asked.push(`${unit.from}..${unit.to}`);
    const isThere = asked.length === brings;
    const days = asked.length === 1 ? DAYS.slice(0, -2) : isThere ? silent : [];
    await keep({ ...partOf(days, BigInt(asked.length)), isLast: true });
  };
  // From the newest day with a row on, which shows how far the answer goes.
  const again = `${DAYS.at(-3)}..${silent[1]}`;
  const whole = `${DAYS[0]}..${DAYS.at(-1)}`;
  for (const { brings, isSilentlyShort, want, calls } of [
    { brings: 2, isSilentlyShort: true, want: "present", calls: [whole, again] },
    { brings: 3, isSilentlyShort: true, want: "present", calls: [whole, again, again] },
    { brings: 4, isSilentlyShort: true, want: "unexplained-empty", calls: [whole, again, again] },
    { brings: 2, isSilentlyShort: false, want: "unexplained-empty", calls: [whole] },
  ]) {
    asked.length = 0;
    const rig = openUnit(looks(brings), never, never, undefined, isSilentlyShort);
    const { spans } = await rig.sync();
    assert.equal(spans.find(({ from, to }) => from <= (silent[0] ?? "") && to >= (silent[1] ?? ""))?.state, want);
    assert.deepEqual(asked, calls);
    assert.equal(rig.tally.callIds.length, calls.length);
  }
});

test("an answer without any row is asked for again also where the provider says whether there is more", async () => {
  for (const { brings, want, asked } of [
    { brings: 3, want: ["present"], asked: 3 },
    { brings: 4, want: ["unexplained-empty"], asked: 3 },
  ]) {
    let looks = 0;
    const rig = openUnit(async (keep) => {
      looks += 1;
      await keep({ ...partOf(looks === brings ? DAYS : [], BigInt(looks)), isLast: true });
    });
    const { spans } = await rig.sync();
    assert.deepEqual([spans.map(({ state }) => state), looks], [want, asked]);
  }
});

test("a unit that ends between two looks says nothing of the days in doubt", async () => {
  for (const marketRows of [undefined, 5_000]) {
    const moved = new AbortController();
    const rig = openUnit(
      async (keep) => {
        const part = partOf(DAYS.slice(0, -1));
        await keep({ ...part, answers: marketRows === undefined ? part.answers : ofMarket(part), isLast: true });
      },
      moved.signal,
      never,
      () => {
        queueMicrotask(() => moved.abort(new Error("another one is there")));
        return new Promise((resolve) => setImmediate(() => resolve({ days: new Set<Day>(), evidence: undefined })));
      },
      marketRows === undefined,
    );
    await assert.rejects(rig.sync(), /another one is there/);
    assert.deepEqual(rig.learned, [`${DAYS[0]}..${DAYS.at(-2)} present`]);
  }
});

test("days that only a market's answers lack are asked for by code, from the nearest days with a row on, and by code again where nothing comes", async () => {
  const [lacking, rest] = [DAYS.slice(5, 7), [...DAYS.slice(0, 5), ...DAYS.slice(7)]];
  for (const { has, want, looks } of [
    { has: lacking, want: "present", looks: 1 },
    { has: [], want: "unexplained-empty", looks: 2 },
  ]) {
    const asked: Unit[] = [];
    const rig = openUnit(async (keep, unit) => {
      asked.push(unit);
      const isByCode = unit.isByCodeOnly === true;
      const part = partOf(isByCode ? has : rest, isByCode ? 2n : 1n);
      await keep({ ...part, answers: isByCode ? part.answers : ofMarket(part), isLast: true });
    });
    const { spans } = await rig.sync();
    assert.deepEqual(
      asked.map(({ from, to, missing, isByCodeOnly }) => [from, to, missing, isByCodeOnly]),
      [
        [DAYS[0], DAYS.at(-1), [{ from: DAYS[0], to: DAYS.at(-1) }], undefined],
        ...Array.from({ length: looks }, () => [DAYS[4], DAYS[7], [{ from: DAYS[5], to: DAYS[6] }], true]),
      ],
    );
    assert.equal(spans.find(({ from, to }) => from <= (DAYS[5] ?? "") && to >= (DAYS[6] ?? ""))?.state, want);
  }
});

test("of a day that is replaced nothing is taken back where a row of it cannot be read", async () => {
  const [broken, whole] = DAYS as [Day, Day];
  const compared: Day[] = [];
  const rig = openUnit(
    async (keep) => {
      const part = partOf([broken, whole]);
      const row = { dataSet: "adjustment-factors", code, reason: "not-parseable", detail: "", raw: "" } as const;
      await keep({ ...part, rejected: [{ ...row, day: broken }] });
      await keep({ ...part, rejected: [{ ...row, day: undefined }] });
    },
    never,
    never,
    undefined,
    false,
    async (rows) => {
      compared.push(...rows.map(({ tradingDay }) => tradingDay));
      return [factorOn(whole)];
    },
  );
  await rig.sync();
  assert.deepEqual(compared, [whole]);
  assert.deepEqual(rig.stored, [broken, whole, whole, broken, whole]);
});

interface UnitRig {
  readonly sync: () => ReturnType<typeof syncUnit>;
  readonly stored: readonly string[];
  readonly learned: readonly string[];
  readonly tally: StoredTally;
}

function openUnit(
  fetch: (keep: KeepPart<"adjustment-factors">, unit: Unit) => Promise<void>,
  signal = never,
  finishing = signal,
  suspendedDays: UnitWork<"adjustment-factors">["line"]["suspensions"]["suspendedDays"] = () =>
    Promise.resolve({ days: new Set<Day>(), evidence: undefined }),
  isSilentlyShort = false,
  vanished?: UnitWork<"adjustment-factors">["line"]["vanished"],
): UnitRig {
  const stored: string[] = [];
  const learned: string[] = [];
  const tally = new StoredTally();
  const span = { from: DAYS[0] as Day, to: DAYS.at(-1) as Day };
  const unit: Unit = {
    dataSet: "adjustment-factors",
    frequency: "1d",
    code,
    ...span,
    tradingDays: DAYS.length,
    missing: [span],
    provider: "tushare",
  };
  const capability = {
    dataSet: "adjustment-factors",
    frequency: "1d",
    api: "adj_factor",
    rowsMax: 6_000,
    codesMax: 1,
    byDay: true,
    completeFrom: "09:20",
    zone: SHANGHAI,
    rowsPerDay: 1,
    exchanges: MAINLAND_EXCHANGES,
    kinds: ["stock"],
    since: undefined,
    isSilentlyShort,
  } as const;
  const work: UnitWork<"adjustment-factors"> = {
    instrument: INSTRUMENT,
    line: {
      dataSet: "adjustment-factors",
      provider: "tushare",
      capability,
      desk: { fetch: (asked, keep) => fetch(keep, asked) },
      suspensions: { suspendedDays },
      standing: () => ({ word: "there" }),
      onChange: () => () => undefined,
      toModel: (row, provenance) => ({ model: "adjustment-factor", row, provenance }),
      ...(vanished === undefined ? {} : { vanished }),
    },
    parts: {
      store: {
        addBatch: async (models, storing) => {
          storing.throwIfAborted();
          return models.map(({ row }): RowOutcome => {
            stored.push("tradingDay" in row ? row.tradingDay : "");
            return "new";
          });
        },
        quarantine: () => Promise.resolve(),
      },
      clock: systemClock,
      reached: undefined,
    },
    calendar,
    context: { requestId: "r", tally, finishing },
    isRewrite: vanished !== undefined,
    learn: async (spans: readonly Span[]) => {
      learned.push(...spans.map(({ from, to, state }) => `${from}..${to} ${state}`));
    },
  };
  return { sync: () => syncUnit(unit, work, signal), stored, learned, tally };
}

const INSTRUMENT: Instrument = {
  code,
  name: "n",
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: "1991-04-03" as Day,
  delistedOn: undefined,
  source: SOURCE.TUSHARE,
};

/** One complete answer for all days, with rows on some of them. */
function partOf(days: readonly Day[], version = 1n): Part {
  const provenance = { version, callId: `c${days[0]}-${version}` };
  return {
    fetched: days.map((tradingDay) => ({ row: factorOn(tradingDay), provenance })),
    rejected: [],
    answers: [
      {
        from: DAYS[0] as Day,
        to: DAYS.at(-1) as Day,
        marketRows: undefined,
        lostRows: [],
        ...(days.length === 0 ? {} : { reach: { from: days[0] as Day, to: days.at(-1) as Day } }),
        evidence: { provider: "tushare", ...provenance },
      },
    ],
    isLast: false,
  };
}

/** The same part as the answer for a whole market, which says nothing of how far it goes for one code. */
function ofMarket({ answers }: Part): Part["answers"] {
  return answers.map(({ from, to, lostRows, evidence }) => ({ from, to, lostRows, evidence, marketRows: 5_000 }));
}

function factorOn(tradingDay: Day): AdjustmentFactor {
  return { code, tradingDay, factor: ZERO, source: SOURCE.TUSHARE };
}
