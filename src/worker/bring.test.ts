import assert from "node:assert/strict";
import { test } from "node:test";

import { waitFor } from "../../test/support/wait-for.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { ZERO } from "../base/decimal.ts";
import { silentLog } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import { type Day, NEW_YORK, parseDay } from "../domain/day.ts";
import { MARKET, SOURCE } from "../domain/enums.ts";
import type { Frequency } from "../domain/frequency.ts";
import { type LedgerKey, ledgerKeyText, type Span } from "../domain/ledger.ts";
import { MessageError } from "../domain/message-error.ts";
import { PROVIDER_SOURCES, type ProviderName } from "../domain/provider.ts";
import type { Bar, CalendarDay } from "../domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import { createMemoryLock } from "../limits/memory-lock.ts";
import type { Budget } from "../ports/budget.ts";
import type { Capability, Source } from "../ports/source.ts";
import type { Ledger, ReferenceStore, Store } from "../ports/store.ts";
import { createBring } from "./bring.ts";
import type { CallDesk } from "./call-desk.ts";
import { ProviderChain } from "./provider-chain.ts";
import { LedgerBook } from "./ledger-book.ts";
import type { Done } from "./message-handler.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";
import { Reference } from "./reference.ts";
import type { Standing } from "./standing-watchers.ts";
import type { CodeLine } from "./sync-codes.ts";

const NOW = "2026-03-16T12:00:00Z";
const CODE = parseSecurityCode("AAPL.US");
const never = new AbortController().signal;
/** Ten trading days that end on the last one that is over. */
const DAYS = ["02", "03", "04", "05", "06", "09", "10", "11", "12", "13"].map((day) => parseDay(`2026-03-${day}`));
const CALENDAR: readonly CalendarDay[] = DAYS.map((day) => ({
  market: MARKET.NASDAQ,
  day,
  isOpen: true,
  source: SOURCE.YAHOO,
}));
const places = { params: "$.params", codes: "$.params.code" } as const;

test("who steps in and does not reach back so far leaves the older days to who does", async () => {
  const far = lineOf("yahoo", DAYS);
  const near = lineOf("tushare", DAYS, { since: DAYS[7] });
  const rig = openRig([far, near]);
  far.turn({ word: "out", untilMs: 60_000 });
  near.onFetch = () => far.turn({ word: "there" });
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.deepEqual(rig.states(), ["2026-03-02..2026-03-10 present", "2026-03-11..2026-03-13 present"]);
  assert.deepEqual([done.word, done.unexplainedDays], ["stored", 0]);
});

test("days that the request names and nobody keeps are unexplained in the ledger too, which says why", async () => {
  const far = lineOf("yahoo", DAYS, { since: DAYS[4] });
  const near = lineOf("tushare", DAYS, { since: DAYS[7] });
  const rig = openRig([near, far]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.deepEqual(rig.states(), ["2026-03-02..2026-03-05 unexplained-empty", "2026-03-06..2026-03-13 present"]);
  assert.deepEqual([done.word, done.unexplainedDays], ["unexplained", 4]);
  assert.equal(
    rig.notes()[0],
    "before what is kept: yahoo has it from 2026-03-06 on, tushare has it from 2026-03-11 on",
  );
  const again = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.equal(again.unexplainedDays, 4);
  assert.equal(far.asked.length + near.asked.length, 1, "nobody is asked for what nobody keeps");
});

test("what the ledger knows of days that nobody keeps any more stays, and a request that names no days owes none", async () => {
  const line = lineOf("yahoo", DAYS.slice(0, 3));
  const rig = openRig([line]);
  await rig.bring({ start: DAYS[0], end: DAYS[3] });
  const known = rig.states();
  assert.deepEqual(known, ["2026-03-02..2026-03-04 present", "2026-03-05..2026-03-05 unexplained-empty"]);
  const note = rig.notes()[1];
  line.has = DAYS;
  line.capability = { ...line.capability, since: DAYS[6] };
  await rig.bring({ start: undefined, end: undefined });
  assert.deepEqual(rig.states().slice(0, 2), known);
  assert.deepEqual(rig.states().slice(2), ["2026-03-10..2026-03-13 present"]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9], force: true });
  assert.deepEqual(rig.states(), [
    ...known,
    "2026-03-06..2026-03-09 unexplained-empty",
    "2026-03-10..2026-03-13 present",
  ]);
  assert.equal(rig.notes()[1], note);
  assert.equal(done.unexplainedDays, 3);
});

test("a second opinion counts what it was asked about, and what it does not reach stays unexplained", async () => {
  const first = lineOf("yahoo", DAYS.slice(0, 8), { isSilentlyShort: true });
  const near = lineOf("tushare", DAYS, { since: DAYS[9] });
  const rig = openRig([first, near]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.deepEqual(
    rig.states().filter((state) => !state.endsWith("present")),
    ["2026-03-12..2026-03-12 unexplained-empty"],
  );
  assert.deepEqual([done.word, done.unexplainedDays], ["unexplained", 1]);
});

test("a second opinion that fails leaves the days to the next one, and nobody is said to have had none who did not answer", async () => {
  const first = lineOf("yahoo", DAYS.slice(0, 9));
  const failing = lineOf("tushare", DAYS);
  failing.onFetch = () => {
    throw new DataError("no such code here");
  };
  const third = lineOf("akshare", DAYS.slice(0, 9));
  const rig = openRig([first, failing, third]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.equal(done.unexplainedDays, 1);
  assert.equal(third.asked.length, 3, "until it had nothing three times");
  assert.match(rig.notes().at(-1) ?? "", /and yahoo had none either$/);
});

test("a row that was rejected is no day without one, whoever else has none", async () => {
  const first = lineOf("yahoo", DAYS, { rejects: DAYS[4] });
  const second = lineOf(
    "tushare",
    DAYS.filter((day) => day !== DAYS[4]),
  );
  const rig = openRig([first, second]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.equal(second.asked.length, 1);
  assert.deepEqual(
    rig.states().filter((state) => !state.endsWith("present")),
    ["2026-03-06..2026-03-06 failed"],
  );
  assert.deepEqual([done.word, done.unexplainedDays], ["unexplained", 1]);
});

test("a part of a day is made whole by all of it only: whoever has another part of it, or nothing, leaves it as it is", async () => {
  const [day] = DAYS.slice(4) as [Day];
  const without = DAYS.filter((one) => one !== day);
  const withinDay = { frequency: "60m", rowsPerDay: 4 } as const;
  const part = (provider: ProviderName, bars: number): FakeLine =>
    lineOf(provider, DAYS, { ...withinDay, short: new Map([[day, bars]]) });
  const cases: readonly { readonly others: readonly FakeLine[]; readonly isWhole: boolean }[] = [
    { others: [part("tushare", 2)], isWhole: false },
    { others: [lineOf("tushare", without, withinDay)], isWhole: false },
    { others: [lineOf("tushare", without, withinDay), lineOf("akshare", DAYS, withinDay)], isWhole: true },
  ];
  for (const { others, isWhole } of cases) {
    const rig = openRig([part("yahoo", 3), ...others], { frequency: "60m" });
    const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
    assert.ok(others.every(({ asked }) => asked.join() === "2026-03-05..2026-03-09"));
    assert.deepEqual(rig.states(), [
      "2026-03-02..2026-03-05 present",
      `2026-03-06..2026-03-06 ${isWhole ? "present" : "unexplained-empty"}`,
      "2026-03-09..2026-03-13 present",
    ]);
    assert.equal(rig.notes()[1] === "3 of 4 bars of the day", !isWhole);
    assert.deepEqual([done.word, done.unexplainedDays], isWhole ? ["stored", 0] : ["unexplained", 1]);
  }
});

test("of a day that one has nothing of, another one a part and the last one nothing, the part is what is known", async () => {
  const withinDay = { frequency: "60m", rowsPerDay: 4 } as const;
  const [day] = DAYS.slice(9) as [Day];
  const first = lineOf("yahoo", DAYS.slice(0, 9), withinDay);
  const second = lineOf("tushare", DAYS, { ...withinDay, short: new Map([[day, 3]]) });
  const third = lineOf("akshare", DAYS.slice(0, 9), withinDay);
  const rig = openRig([first, second, third], { frequency: "60m" });
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.deepEqual([third.asked.length, rig.notes().at(-1), done.unexplainedDays], [3, "3 of 4 bars of the day", 1]);
});

test("nobody waits for a second opinion", async () => {
  const first = lineOf("yahoo", DAYS.slice(0, 9));
  const next = lineOf("tushare", DAYS);
  next.onFetch = async (signal) => {
    next.turn({ word: "out", untilMs: 3_600_000 });
    signal.throwIfAborted();
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  };
  const rig = openRig([first, next]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.equal(done.word, "unexplained");
});

test("who is moved on from, and whose second opinion breaks off, counts with all that it brought", async () => {
  const first = lineOf("yahoo", DAYS.slice(0, 5));
  const second = lineOf("tushare", DAYS.slice(0, 8));
  const third = lineOf("akshare", DAYS.slice(8, 9));
  first.onKept = (signal) => {
    first.turn({ word: "out", untilMs: 3_600_000 });
    signal.throwIfAborted();
  };
  third.onKept = (signal) => {
    third.turn({ word: "out", untilMs: 3_600_000 });
    signal.throwIfAborted();
  };
  const rig = openRig([first, second, third]);
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9] });
  assert.deepEqual(
    [first, second, third].map(({ asked }) => asked),
    [["2026-03-02..2026-03-13"], ["2026-03-06..2026-03-13"], ["2026-03-11..2026-03-13"]],
  );
  assert.deepEqual(done.rows, { new: 5 + 4 + 1, same: 0, revised: 0, rejected: 0 });
  assert.deepEqual([done.callIds, done.provider], [["yahoo-1", "tushare-1", "akshare-1"], "yahoo"]);
});

test("where the provider refuses the index what is known of its days serves, and without that only its codes are set aside", async () => {
  const refusal = new PermanentError("asking: the server's certificate was refused", "provider");
  const rig = openRig([lineOf("yahoo", DAYS)], { lookedTo: DAYS[9], refusal });
  assert.equal((await rig.bring({ start: DAYS[0], end: DAYS[9] })).word, "stored");
  const bare = openRig([lineOf("yahoo", DAYS)], { days: [], lookedTo: undefined, refusal });
  await assert.rejects(
    bare.bring({ start: DAYS[0], end: DAYS[9] }),
    (error) => error instanceof MessageError && error.reason === "provider-refused",
  );
});

test("lists of one market that nobody brings do not hold up the codes of another one", async () => {
  const rig = openRig([lineOf("yahoo", DAYS)]);
  const stop = new AbortController();
  const codes = [parseSecurityCode("600000.SH"), CODE];
  const bringing = rig.bring({ start: DAYS[0], end: DAYS[9] }, stop.signal, codes);
  await waitFor(() => rig.states().length === 1, { timeoutMs: 2_000, everyMs: 5, what: "the bars of AAPL.US" });
  stop.abort(new Error("enough"));
  await assert.rejects(bringing, /enough/);
});

test("by force, a stored row stays known whoever has none now, and the outcome says so", async () => {
  const first = lineOf("yahoo", DAYS);
  const rig = openRig([first]);
  await rig.bring({ start: DAYS[0], end: DAYS[7] });
  first.has = [];
  const done = await rig.bring({ start: DAYS[0], end: DAYS[9], force: true });
  assert.deepEqual(rig.states(), ["2026-03-02..2026-03-11 present", "2026-03-12..2026-03-13 unexplained-empty"]);
  assert.deepEqual([done.word, done.unexplainedDays], ["unexplained", 10]);
});

interface FakeLine extends CodeLine<"bars"> {
  has: readonly Day[];
  capability: Capability;
  turn(standing: Standing): void;
  onFetch: ((signal: AbortSignal) => Promise<unknown> | void) | undefined;
  /** When its rows are stored. */
  onKept: ((signal: AbortSignal) => void) | undefined;
  readonly asked: string[];
}

interface FakeRows {
  readonly rejects?: Day | undefined;
  /** How many bars it has of days that it does not have all of. */
  readonly short?: ReadonlyMap<Day, number>;
}

function lineOf(
  provider: ProviderName,
  has: readonly Day[],
  { rejects, short, ...more }: Partial<Capability> & FakeRows = {},
): FakeLine {
  let standing: Standing = { word: "there" };
  let calls = 0;
  const watchers = new Set<() => void>();
  const asked: string[] = [];
  const fetch: CallDesk<"bars">["fetch"] = async (unit, keep, signal) => {
    asked.push(`${unit.from}..${unit.to}`);
    signal.throwIfAborted();
    await line.onFetch?.(signal);
    const days = line.has.filter(
      (day) => day >= unit.from && day <= unit.to && day >= (more.since ?? day) && day !== rejects,
    );
    const provenance = { version: BigInt((calls += 1)), callId: `${provider}-${calls}` };
    const [from, to] = [days[0], days.at(-1)];
    const reach = from === undefined || to === undefined ? {} : { reach: { from, to } };
    const answer = { from: unit.from, to: unit.to, marketRows: undefined, lostRows: [], ...reach };
    const { frequency, rowsPerDay } = line.capability;
    await keep({
      fetched: days.flatMap((day) =>
        Array.from({ length: short?.get(day) ?? rowsPerDay }, (_, hour) => ({
          row: { ...barOn(day, provider), frequency, time: `${day} 0${hour}:00:00` },
          provenance,
        })),
      ),
      rejected:
        rejects === undefined || rejects < unit.from || rejects > unit.to
          ? []
          : [{ dataSet: "bars", code: unit.code, day: rejects, reason: "not-parseable", detail: "", raw: "" }],
      answers: [{ ...answer, evidence: { provider, ...provenance } }],
      isLast: true,
    });
    line.onKept?.(signal);
  };
  const line: FakeLine = {
    has,
    dataSet: "bars",
    provider,
    capability: { ...CAPABILITY, ...more },
    desk: { fetch },
    standing: () => standing,
    onChange: (tell) => {
      watchers.add(tell);
      return () => void watchers.delete(tell);
    },
    suspensions: { suspendedDays: async () => ({ days: new Set(), evidence: undefined }) },
    toModel: (row, provenance) => ({ model: "bar", row, provenance }),
    turn: (next) => {
      standing = next;
      for (const tell of watchers) {
        tell();
      }
    },
    onFetch: undefined,
    onKept: undefined,
    asked,
  };
  return line;
}

const CAPABILITY: Capability = {
  dataSet: "bars",
  frequency: "1d",
  api: "chart",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 1,
  byDay: false,
  completeFrom: "17:00",
  zone: NEW_YORK,
  exchanges: ["US"],
  kinds: ["stock"],
  since: undefined,
};

function barOn(tradingDay: Day, provider: ProviderName): Bar {
  return {
    code: CODE,
    frequency: "1d",
    tradingDay,
    time: `${tradingDay} 00:00:00`,
    zone: NEW_YORK,
    open: ZERO,
    high: ZERO,
    low: ZERO,
    close: ZERO,
    preClose: undefined,
    volume: ZERO,
    turnover: undefined,
    source: PROVIDER_SOURCES[provider],
    flags: 0,
  };
}

interface Rig {
  bring(
    range: { start: Day | undefined; end: Day | undefined; force?: boolean },
    signal?: AbortSignal,
    codes?: readonly SecurityCode[],
  ): Promise<Done>;
  states(): readonly string[];
  notes(): readonly string[];
}

interface RigOptions {
  readonly days?: readonly CalendarDay[];
  /** Up to there its days were looked at. */
  readonly lookedTo?: Day | undefined;
  /** What whoever asks for it is told; nothing at all by default. */
  readonly refusal?: Error;
  /** Of the bars that are asked for. */
  readonly frequency?: Frequency;
}

function openRig(
  lines: readonly FakeLine[],
  { days = CALENDAR, lookedTo = parseDay("2026-03-15"), refusal, frequency = "1d" }: RigOptions = {},
): Rig {
  const clock = new ManualClock(NOW);
  const spans = new Map<string, readonly Span[]>();
  const index: LedgerKey = { dataSet: "trading-calendar", frequency: "1d", code: "US" };
  const evidence = { provider: "yahoo", callId: "x", version: 1n, note: "bars of the index" } as const;
  if (lookedTo !== undefined) {
    spans.set(ledgerKeyText(index), [{ from: parseDay("1970-01-01"), to: lookedTo, state: "present", evidence }]);
  }
  const ledger: Ledger = {
    read: async (keys) =>
      new Map(keys.map((key) => [ledgerKeyText(key), spans.get(ledgerKeyText(key)) ?? []] as const)),
    write: async (changes) => {
      for (const { key, change } of changes) {
        spans.set(ledgerKeyText(key), change(spans.get(ledgerKeyText(key)) ?? []));
      }
    },
  };
  const stored: ReferenceStore = { instruments: async () => [], calendar: async () => days };
  const store: Store = {
    addBatch: async (models) => models.map(() => "new" as const),
    quarantine: async () => undefined,
    storedDays: async () => [],
    storedTicks: async () => [],
    [Symbol.asyncDispose]: async () => undefined,
  };
  const listLine = lineOfLists(clock, refusal);
  const providers = lines.map(({ provider }) => provider);
  const chain = new ProviderChain({ providers, log: silentLog });
  const reference = new Reference({
    stored,
    store,
    ledger,
    lock: createMemoryLock(),
    clock,
    log: silentLog,
    work: never,
    chain,
    lines: { "stock-list": [listLine], "trading-calendar": [listLine] },
    indexLines: new Map([["US", [listLine]]]),
  });
  const bring = createBring({
    lines: new Map(lines.map((line) => [line.provider, { lines: () => [line as never] }])),
    chain,
    chains: { chain: providers, chains: [] },
    abilities: new Map(),
    reference,
    ledger: new LedgerBook(ledger, { clock, log: silentLog }, never),
    store,
    clock,
    historyStart: undefined,
    tickDays: 5,
    log: silentLog,
  });
  const key = ledgerKeyText({ dataSet: "bars", frequency, code: CODE });
  return {
    bring: ({ start, end, force = false }, signal = never, codes = [CODE]) =>
      bring(
        "bars",
        {
          codes,
          frequency,
          range: { start, end, days: undefined, full: false },
          force,
          provider: undefined,
        },
        { requestId: "r", askedAtMs: clock.nowMs(), places, finishing: never },
        signal,
      ),
    states: () => (spans.get(key) ?? []).map(({ from, to, state }) => `${from}..${to} ${state}`),
    notes: () => (spans.get(key) ?? []).map(({ evidence }) => evidence.note),
  };
}

/** Of lists that are refused, or never granted. */
function lineOfLists(clock: ManualClock, refusal: Error | undefined): ProviderLine {
  const source: Source = {
    provider: "yahoo",
    capabilities: [],
    fetch: () => Promise.reject(refusal ?? new TransientError("reset")),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const capability: Capability = { ...CAPABILITY, dataSet: "trading-calendar" };
  const list: Capability = { ...capability, exchanges: ["SH"] };
  const limits = { failuresToOpen: 5, pauses: { waitMs: 1, factor: 2, waitMsMax: 2 }, outageDeadlineMs: 0 };
  const gate = new ProviderGate({ key: { provider: "yahoo", api: "x" }, limits, clock, log: silentLog });
  const budget: Budget = {
    acquire: async (_key, signal) => {
      if (refusal === undefined) {
        await orAbort(new Promise(() => undefined), signal);
      }
      return { grantedAtMicros: 1n, callsLeft: 1, waitedMs: 0 };
    },
    lower: async () => undefined,
    pause: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return new ProviderLine({
    source,
    capability: list,
    budget,
    gate,
    retryWaits: { waitMs: 1, factor: 2, waitMsMax: 2 },
    clock,
    log: silentLog,
    newCallId: () => "x",
  });
}
