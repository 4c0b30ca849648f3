import assert from "node:assert/strict";
import test from "node:test";

import { ZERO } from "../base/decimal.ts";
import { systemClock, type Clock } from "../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import { RETRY_WAITS_DEFAULT } from "../base/jitter.ts";
import { silentLog } from "../base/log.ts";
import { type Day, SHANGHAI } from "../domain/day.ts";
import { OverdueError } from "../consumer/handling.ts";
import { SOURCE } from "../domain/enums.ts";
import type { AdjustmentFactor, RowOf } from "../domain/rows.ts";
import { MAINLAND_EXCHANGES, type SecurityCode } from "../domain/security-code.ts";
import type { Call, Unit } from "../domain/unit.ts";
import type { Budget } from "../ports/budget.ts";
import type { Capability, Page, Source } from "../ports/source.ts";
import { CallDesk, type KeepPart, type UnitPart } from "./call-desk.ts";
import { RowsInHand } from "./rows-in-hand.ts";
import { ProviderGate } from "./provider-gate.ts";
import type { CommandContext } from "./message-handler.ts";
import type { Pace } from "./pace.ts";
import { ProviderLine } from "./provider-line.ts";
import type { Planned } from "./ticket-book.ts";

type FactorCall = Call<"adjustment-factors">;
type FactorPage = Page<"adjustment-factors">;

const FROM = "2024-01-02" as Day;
const TO = "2024-01-03" as Day;
const never = new AbortController().signal;

const capability: Capability = {
  dataSet: "adjustment-factors",
  frequency: "1d",
  api: "adj_factor",
  rowsMax: 100,
  codesMax: 3,
  byDay: false,
  completeFrom: "09:20",
  zone: SHANGHAI,
  rowsPerDay: 1,
  exchanges: MAINLAND_EXCHANGES,
  kinds: ["stock"],
  since: undefined,
};

test("units that arrive together share calls, up to the codes a call may name", async () => {
  const desk = openDesk(answerAll);
  const answers = await Promise.all(["1", "2", "3", "4"].map((code) => desk.fetch(unitOf(code), never)));
  assert.deepEqual(desk.asked.map(codesOf), [["1", "2", "3"], ["4"]]);
  for (const answer of answers) {
    assert.deepEqual(
      answer.fetched.map(({ row }) => row.code),
      [answer.unit.code, answer.unit.code],
    );
  }
});

test("which units a call serves is decided when the budget grants it, not when the first one asked", async () => {
  const gate = Promise.withResolvers<void>();
  const desk = openDesk(answerAll, gate.promise);
  const first = desk.fetch(unitOf("1"), never);
  await systemClock.sleep(20);
  const second = desk.fetch(unitOf("2"), never);
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(desk.asked.map(codesOf), [["1", "2"]]);
});

test("when its message ends, a unit whose call is under way is still answered and kept; one that waits ends at once", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const desk = openDesk(
    async (call) => {
      asked.resolve();
      await answer.promise;
      return answerAll(call);
    },
    undefined,
    { callsAtOnceMax: 1 },
  );
  const lost = new AbortController();
  const context = { finishing: never };
  const underWay = desk.fetch(unitOf("1"), lost.signal, undefined, context);
  await asked.promise;
  const waiting = desk.fetch(unitOf("2"), lost.signal, undefined, context);
  lost.abort(new Error("the partition was lost"));
  await assert.rejects(waiting, /was lost/);
  await assert.rejects(desk.fetch(unitOf("3"), lost.signal, undefined, context), /was lost/);
  answer.resolve();
  assert.equal((await underWay).fetched.length, 2);
  assert.deepEqual(desk.asked.map(codesOf), [["1"]]);
});

test("a call under way is waited for until finishing is over as well, and not at all by an overdue message", async () => {
  const desk = openDesk(() => new Promise(() => undefined));
  const [lost, finishing, overdue] = [new AbortController(), new AbortController(), new AbortController()];
  const held = desk.fetch(unitOf("1"), lost.signal, undefined, { finishing: finishing.signal });
  const late = desk.fetch(unitOf("2"), overdue.signal, undefined, { finishing: never });
  await systemClock.sleep(20);
  assert.equal(desk.asked.length, 1);
  overdue.abort(new OverdueError(1_000));
  await assert.rejects(late, OverdueError);
  lost.abort(new Error("the partition was lost"));
  assert.equal(await Promise.race([held, systemClock.sleep(20).then(() => "waits")]), "waits");
  finishing.abort(new Error("its grace is over"));
  await assert.rejects(held, /grace is over/);
});

test("of a unit of several calls whose message ended, what has come is kept and the rest is not asked for", async () => {
  const lost = new AbortController();
  const desk = openDesk((call) => {
    lost.abort(new Error("the partition was lost"));
    const page = answerAll(call);
    const rest: FactorCall = callFor(["1" as SecurityCode], TO);
    return { ...page, rows: page.rows.filter(({ tradingDay }) => tradingDay === FROM), rest: [rest] };
  });
  const kept: string[] = [];
  const stored = Promise.withResolvers<void>();
  const keep: KeepPart<"adjustment-factors"> = async ({ fetched, isLast }) => {
    await stored.promise;
    kept.push(...fetched.map(({ row }) => `${row.tradingDay} ${isLast}`));
  };
  const ended = desk.fetch(unitOf("1"), lost.signal, keep, { finishing: never });
  setImmediate(() => stored.resolve());
  await assert.rejects(ended, /was lost/);
  assert.deepEqual(kept, [`${FROM} false`], "ended before what had come was kept");
  assert.equal(desk.asked.length, 1);
});

test("a call that fails is not waited out by a unit whose message ended meanwhile", async () => {
  const lost = new AbortController();
  const desk = openDesk(() => {
    lost.abort(new Error("the partition was lost"));
    throw new TransientError("asking: connection reset", { retryAfterMs: 1 });
  });
  await assert.rejects(desk.fetch(unitOf("1"), lost.signal, undefined, { finishing: never }), /was lost/);
  assert.equal(desk.asked.length, 1);
});

test("a truncated page is followed by the calls that bring the rest before its unit is answered", async () => {
  const desk = openDesk((call) => {
    const page = answerAll(call);
    if (call.selection.by === "codes" && call.selection.from === FROM) {
      const rest: FactorCall = { ...call, selection: { ...call.selection, from: TO } };
      return { ...page, rows: page.rows.filter(({ tradingDay }) => tradingDay === FROM), rest: [rest] };
    }
    return { ...page, rows: page.rows.filter(({ tradingDay }) => tradingDay === TO) };
  });
  const answer = await desk.fetch(unitOf("1"), never);
  assert.deepEqual(
    answer.fetched.map(({ row }) => row.tradingDay),
    [FROM, TO],
  );
  assert.deepEqual(
    answer.answers.map(({ evidence }) => [evidence.callId, evidence.version]),
    [
      ["call-1", 1n],
      ["call-2", 2n],
    ],
  );
});

test("a failure of the provider is waited out and costs no unit", async () => {
  let failures = 2;
  const desk = openDesk((call) => {
    failures -= 1;
    if (failures >= 0) {
      throw new TransientError("asking: connection reset", { retryAfterMs: 1 });
    }
    return answerAll(call);
  });
  const answer = await desk.fetch(unitOf("1"), never);
  assert.equal(answer.fetched.length, 2);
  assert.equal(desk.asked.length, 3);
});

test("a shared call that the server fails on twice is halved; one that does not reach it is not", async () => {
  for (const [isAnswered, expected] of [
    [true, [["1", "2", "3"], ["1", "2", "3"], ["1", "2"], ["3"]]],
    [
      false,
      [
        ["1", "2", "3"],
        ["1", "2", "3"],
        ["1", "2", "3"],
      ],
    ],
  ] as const) {
    let failures = 2;
    const desk = openDesk((call) => {
      failures -= 1;
      if (failures >= 0) {
        throw new TransientError("asking: failed", { retryAfterMs: 1, isAnswered });
      }
      return answerAll(call);
    });
    const answers = await Promise.all(["1", "2", "3"].map((code) => desk.fetch(unitOf(code), never)));
    assert.deepEqual(desk.asked.map(codesOf), expected);
    assert.ok(answers.every(({ fetched }) => fetched.length === 2));
  }
});

test("when the provider calls a shared call wrong, only the unit at fault fails, and few calls find it", async () => {
  const desk = openDesk(
    (call) => {
      if (codesOf(call).includes("5")) {
        throw new DataError("asking: parameter ts_code is wrong");
      }
      return answerAll(call);
    },
    Promise.resolve(),
    {},
    8,
  );
  const codes = ["1", "2", "3", "4", "5", "6", "7", "8"];
  const results = await Promise.allSettled(codes.map((code) => desk.fetch(unitOf(code), never)));
  assert.deepEqual(
    results.flatMap(({ status }, index) => (status === "rejected" ? [codes[index]] : [])),
    ["5"],
  );
  assert.equal(desk.asked.length, 7, "all, two halves, two quarters, two alone");
});

test("a whole market that is called wrong once is asked for again, and three times fails all that wait for it", async () => {
  for (const [refusals, expected] of [
    [1, { calls: 2, failed: 0 }],
    [9, { calls: 3, failed: 4 }],
  ] as const) {
    let left = refusals;
    const desk = openDesk(
      (call) => {
        left -= 1;
        if (left >= 0) {
          throw new DataError("asking: refused for an unknown reason");
        }
        return answerAll(call, ["1", "2", "3", "4"]);
      },
      Promise.resolve(),
      {},
      "market",
    );
    const results = await Promise.allSettled(["1", "2", "3", "4"].map((code) => desk.fetch(unitOf(code, FROM), never)));
    const failed = results.filter(({ status }) => status === "rejected").length;
    assert.deepEqual({ calls: desk.asked.length, failed }, expected);
  }
});

test("refused credentials end every unit that waits and every later one, without another call", async () => {
  const desk = openDesk(() => {
    throw new PermanentError("asking: token refused", "provider", { isCredentials: true });
  });
  await assert.rejects(desk.fetch(unitOf("1"), never), PermanentError);
  await assert.rejects(desk.fetch(unitOf("2"), never), PermanentError);
  assert.equal(desk.asked.length, 1);
});

test("a unit nobody waits for any more is not asked for, and its neighbours are", async () => {
  const gate = Promise.withResolvers<void>();
  const desk = openDesk(answerAll, gate.promise);
  const gone = new AbortController();
  const dropped = desk.fetch(unitOf("1"), gone.signal);
  const kept = desk.fetch(unitOf("2"), never);
  gone.abort(new Error("partition lost"));
  await assert.rejects(dropped, /partition lost/);
  gate.resolve();
  await kept;
  assert.deepEqual(desk.asked.map(codesOf), [["2"]]);
});

test("no call starts while too many fetched rows are not stored yet", async () => {
  const desk = openDesk(answerAll, Promise.resolve(), { rowsInHandMax: 1 });
  const stored = Promise.withResolvers<void>();
  const first = desk.fetch(unitOf("1"), never, () => stored.promise);
  await systemClock.sleep(20);
  const second = desk.fetch(unitOf("2"), never);
  await systemClock.sleep(30);
  assert.equal(desk.asked.length, 1);
  stored.resolve();
  await Promise.all([first, second]);
  assert.equal(desk.asked.length, 2);
});

test("desks that share the room for rows start no call while the others fill it, and go on when they let go", async () => {
  const room = new RowsInHand();
  const open = () => openDesk(answerAll, Promise.resolve(), { rowsInHandMax: 3 }, 3, room);
  const [first, second] = [open(), open()];
  const [firstStored, secondStored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const others = first.fetch(unitOf("1"), never, () => firstStored.promise);
  const own = second.fetch(unitOf("2"), never, () => secondStored.promise);
  await systemClock.sleep(30);
  assert.deepEqual([room.rows, first.asked.length, second.asked.length], [4, 1, 1]);
  const waiting = second.fetch(unitOf("3"), never);
  await systemClock.sleep(30);
  assert.equal(second.asked.length, 1);
  firstStored.resolve();
  await Promise.all([others, waiting]);
  assert.equal(second.asked.length, 2);
  secondStored.resolve();
  await own;
  assert.equal(room.rows, 0);
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

test("what cannot be stored fails its own unit, and leaves room for the others", async () => {
  const desk = openDesk(answerAll, Promise.resolve(), { rowsInHandMax: 1 });
  const lost = desk.fetch(unitOf("1"), never, () => Promise.reject(new RangeError("the store calls it a defect")));
  await assert.rejects(lost, /a defect/);
  assert.equal((await desk.fetch(unitOf("2"), never)).fetched.length, 2);
});

test("closing the desk ends what waits and leaves nothing running", async () => {
  const desk = openDesk(answerAll, new Promise(() => undefined));
  const waiting = desk.fetch(unitOf("1"), never);
  const ended = assert.rejects(waiting, /closed/);
  await desk[Symbol.asyncDispose]();
  await ended;
});

/** Everything that came for a unit, and how many rows each of its parts had. */
test("a unit rests until one of its calls is under way, and every answer is progress", async () => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  let failures = 1;
  const desk = openDesk((call) => {
    seen.push("asked");
    failures -= 1;
    if (failures >= 0) {
      throw new TransientError("asking: connection reset", { retryAfterMs: 1 });
    }
    return answerAll(call);
  }, gate.promise);
  let doing = (): string => "";
  const pace: Pace = {
    progress: () => void seen.push("progress"),
    rest: () => {
      seen.push("rest");
      return { [Symbol.dispose]: () => void seen.push("on") };
    },
    doing: (what) => {
      doing = what;
    },
  };
  const answered = desk.fetch(unitOf("1"), never, undefined, { pace });
  await systemClock.sleep(20);
  assert.deepEqual(seen, ["rest"]);
  gate.resolve();
  await answered;
  assert.deepEqual(seen, ["rest", "on", "asked", "rest", "on", "asked", "rest", "progress", "on"]);
  assert.equal(doing(), `tushare adj_factor, 1 ${FROM}..${TO}`);
});

interface Fetched {
  readonly unit: Unit;
  readonly fetched: readonly UnitPart<"adjustment-factors">["fetched"][number][];
  readonly answers: readonly UnitPart<"adjustment-factors">["answers"][number][];
}

interface TestDesk {
  fetch(
    unit: Unit,
    signal: AbortSignal,
    keep?: KeepPart<"adjustment-factors">,
    context?: Pick<CommandContext, "pace" | "finishing">,
  ): Promise<Fetched>;
  [Symbol.asyncDispose](): Promise<void>;
  readonly asked: readonly FactorCall[];
}

function openDesk(
  answer: (call: FactorCall) => FactorPage | Promise<FactorPage>,
  granted: Promise<void> = Promise.resolve(),
  limits = {},
  shape: number | "market" = 3,
  rowsInHand = new RowsInHand(),
): TestDesk {
  const asked: FactorCall[] = [];
  let calls = 0;
  let grants = 0n;
  const source: Source = {
    provider: "tushare",
    capabilities: [capability],
    fetch: async (call) => {
      asked.push(call as FactorCall);
      return (await Promise.resolve(answer(call as FactorCall))) as never;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const budget: Budget = {
    acquire: async (_key, signal) => {
      const aborted = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
      await Promise.race([granted, aborted.promise]);
      grants += 1n;
      return { grantedAtMicros: grants, callsLeft: 1, waitedMs: 0 };
    },
    lower: () => Promise.resolve(),
    pause: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const clock = shape === "market" ? HASTY_CLOCK : systemClock;
  const line = new ProviderLine({
    source,
    capability,
    budget,
    gate: new ProviderGate({
      key: { provider: "tushare", api: "adj_factor" },
      limits: GATE_LIMITS,
      clock,
      log: silentLog,
    }),
    retryWaits: RETRY_WAITS_DEFAULT,
    clock,
    log: silentLog,
    newCallId: () => `call-${(calls += 1)}`,
  });
  const desk = new CallDesk<"adjustment-factors">(
    {
      line,
      coalesce: (units) => (shape === "market" ? byMarket(units) : byCodes(units, shape)),
      check: (rows) => ({ rows, rejected: [] }),
      setAside: () => Promise.resolve(),
      clock,
      log: silentLog,
      retryWaits: RETRY_WAITS_DEFAULT,
      limits: { callsAtOnceMax: 2, rowsInHandMax: 1_000, gatherMs: 5, gatherMsMax: 10, ...limits },
      rowsInHand,
    },
    never,
  );
  return {
    fetch: async (unit, signal, keep = () => Promise.resolve(), { pace, finishing } = {}) => {
      const parts: UnitPart<"adjustment-factors">[] = [];
      const keepAll: KeepPart<"adjustment-factors"> = async (part) => {
        await keep(part);
        parts.push(part);
      };
      await desk.fetch(unit, keepAll, signal, { pace, finishing });
      return { unit, fetched: parts.flatMap((part) => part.fetched), answers: parts.flatMap((part) => part.answers) };
    },
    [Symbol.asyncDispose]: () => desk[Symbol.asyncDispose](),
    asked,
  };
}

const GATE_LIMITS = { failuresToOpen: 5, pauses: RETRY_WAITS_DEFAULT, outageDeadlineMs: 0 };

/** Waits between tries are drawn from seconds. */
const HASTY_CLOCK: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal) };

function byMarket(units: readonly Unit[]): readonly Planned<"adjustment-factors">[] {
  const selection = { by: "day", day: FROM } as const;
  return [{ call: { dataSet: "adjustment-factors", frequency: "1d", selection }, units, rank: 0 }];
}

function byCodes(units: readonly Unit[], codesMax: number): readonly Planned<"adjustment-factors">[] {
  const planned: Planned<"adjustment-factors">[] = [];
  for (let at = 0; at < units.length; at += codesMax) {
    const taken = units.slice(at, at + codesMax);
    const codes = taken.map(({ code }) => code);
    planned.push({
      call: callFor(codes, FROM),
      units: taken,
      rank: 0,
    });
  }
  return planned;
}

function callFor(codes: readonly SecurityCode[], from: Day): FactorCall {
  return { dataSet: "adjustment-factors", frequency: "1d", selection: { by: "codes", codes, from, to: TO } };
}

function answerAll(call: FactorCall, codes = codesOf(call)): FactorPage {
  const rows: RowOf["adjustment-factors"][] = codes.flatMap((code) => [factorOf(code, FROM), factorOf(code, TO)]);
  return { dataSet: "adjustment-factors", rows, rejected: [], received: rows.length, rest: [] };
}

function factorOf(code: string, tradingDay: Day): AdjustmentFactor {
  return { code: code as SecurityCode, tradingDay, factor: ZERO, source: SOURCE.TUSHARE };
}

function codesOf(call: FactorCall): readonly string[] {
  return call.selection.by === "codes" ? call.selection.codes : [];
}

function unitOf(code: string, to = TO): Unit {
  return {
    dataSet: "adjustment-factors",
    frequency: "1d",
    code: code as SecurityCode,
    from: FROM,
    to,
    tradingDays: to === FROM ? 1 : 2,
    missing: [{ from: FROM, to }],
    provider: "tushare",
  };
}
