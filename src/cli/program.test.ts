import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import { PermanentError, TransientError } from "../base/errors.ts";
import type { Config } from "../config.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import { runTdxSimulator } from "../simulators/tdx/run-tdx-simulator.ts";
import type { AppApi, RequestPlan, RequestProgress, VerifyOptions } from "../app/app-api.ts";
import { run } from "../../test/support/run-cli.ts";
import type { Cli } from "./cli.ts";

const settled: RequestProgress = {
  requestId: "r-1",
  total: 2,
  published: 2,
  settled: 2,
  outcomes: { stored: 1, "up-to-date": 1, pending: 0, unexplained: 0, ignored: 0, "dead-letter": 0 },
  rows: { ...NO_ROWS, new: 7 },
  calls: 1,
  pendingDays: 0,
  unexplainedDays: 0,
  deadLetters: [],
};

/** An app that keeps the plans it gets and answers with these states. */
function requestApp(...states: readonly RequestProgress[]): {
  readonly app: Partial<AppApi>;
  readonly plans: RequestPlan[];
} {
  const plans: RequestPlan[] = [];
  const app: Partial<AppApi> = {
    request: async function* (_config, plan) {
      plans.push(plan);
      yield* states;
    },
  };
  return { app, plans };
}

test("request turns its flags into a plan", async () => {
  const { app, plans } = requestApp(settled);
  const flags = ["--codes", "600000.SH,000001.SZ", "--file", "codes.txt", "--start", "20240102", "--end", "2024-02-01"];
  const files = { "codes.txt": "# mine\n000002.SZ\n600000.SH  # again\n\n" };
  const { code, out } = await run(["request", ...flags, "--force", "--provider", "tushare"], { app, files });
  assert.deepEqual([code, out], [0, "published 2 messages, request r-1\n"]);
  assert.deepEqual(plans, [
    {
      kind: "bars",
      codes: ["600000.SH", "000001.SZ", "000002.SZ"],
      frequency: "1d",
      range: { full: false, start: "2024-01-02", end: "2024-02-01", days: undefined },
      force: true,
      provider: "tushare",
      wait: false,
    },
  ]);
});

test("request takes the whole market, standard input and lists", async () => {
  const { app, plans } = requestApp(settled);
  await run(["request", "--all", "--days", "5"], { app });
  await run(["request", "--file", "-", "--full", "--kind", "factors"], { app, stdin: "000001.SZ" });
  await run(["request", "--kind", "calendar"], { app });
  assert.deepEqual(
    plans.map(({ kind, codes, range }) => [kind, codes, range.days, range.full]),
    [
      ["bars", "all", 5, false],
      ["factors", ["000001.SZ"], undefined, true],
      ["calendar", [], undefined, false],
    ],
  );
});

test("a request that makes no sense is a usage error and touches nothing", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /say which securities/],
    [["--codes", "000001.SZ", "--all"], /say which securities/],
    [
      ["--codes", " 000001.sz"],
      /expected codes such as 600000\.SH, 00700\.HK or AAPL\.US in --codes, got "000001\.sz", did you mean 000001\.SZ\?/,
    ],
    [["--codes", "700.HK"], /got "700\.HK", did you mean 00700\.HK\?/],
    [["--codes", "AAPL"], /got "AAPL", did you mean AAPL\.US\?/],
    [["--codes", "600000.SS"], /got "600000\.SS", did you mean 600000\.SH\?/],
    [["--codes", "sz.000001"], /got "sz\.000001", did you mean 000001\.SZ\?/],
    [["--codes", ","], /there is no code/],
    [["--file", "away.txt"], /there is no file away\.txt/],
    [["--file", "codes.txt"], /line 2 of codes\.txt, got "nonsense"/],
    [["--all", "--start", "2024-02-30"], /--start: expected a day/],
    [["--all", "--start", "20240202", "--end", "20240201"], /--start 2024-02-02 lies after --end 2024-02-01/],
    [["--all", "--end", "29990101"], /lies in the future/],
    [["--all", "--days", "0"], /trading days/],
    [["--all", "--days", "5", "--full"], /--days and --full contradict/],
    [["--all", "--frequency", "2h"], /--frequency: expected a frequency/],
    [["--all", "--frequency", "7m"], /--frequency: expected a frequency/],
    [["--all", "--frequency", "1w"], /read the view bar_1w/],
    [["--kind", "stock-list", "--provider", "tdx"], /first of providers\.chain that has it: leave --provider out/],
    [["--all", "--provider", "reuters"], /--provider: expected a provider/],
    [["--all", "--kind", "trades"], /expected one of bars, ticks, factors/],
    [["--kind", "calendar", "--all"], /whole market/],
    [["--kind", "calendar", "--start", "20240101"], /has no range/],
  ];
  for (const [flags, sentence] of cases) {
    const { code, err, loads } = await run(["request", ...flags], { files: { "codes.txt": "000001.SZ\nnonsense\n" } });
    assert.deepEqual([code, loads], [64, 0], flags.join(" "));
    assert.match(err, sentence);
    assert.match(err, /^gdw: [^\n]+\n$/);
  }
});

test("request --wait shows how far it is on standard error and the result on standard output", async () => {
  const half = { ...settled, settled: 1, calls: 0 };
  const { code, out, err } = await run(["request", "--all", "--wait"], requestApp(half, settled));
  assert.equal(code, 0);
  assert.match(err, /^settled 1\/2.*0 calls\nsettled 2\/2.*1 call\n$/);
  assert.match(out, /^request r-1: 2 of 2 settled, 1 call\n {2}messages: stored 1, up-to-date 1\n {2}rows: new 7,/);
});

test("request --wait asks whether a worker runs when nothing is settled, and a stop says what stays queued", async () => {
  const signals = new EventEmitter();
  const app: Partial<AppApi> = {
    request: async function* (_config, _plan, _log, signal) {
      const nothing = { ...settled, settled: 0, calls: 0 };
      yield nothing;
      yield { ...nothing, isQuiet: true };
      signals.emit("SIGINT");
      signal.throwIfAborted();
    },
  };
  const { code, out, err } = await run(["request", "--all", "--wait"], { app, signals });
  assert.deepEqual([code, out], [130, ""]);
  assert.equal(
    err,
    "settled 0/2 after 0 s, 0 calls\n" +
      "nothing settled yet: is a worker running (gdw start) on topic ginkgo.data.update, with the same ClickHouse?\n" +
      "2 messages stay queued, request id r-1\n",
  );
});

test("request --wait ends with 1 when a message was set aside, and says which and why", async () => {
  const last: RequestProgress = {
    ...settled,
    outcomes: { ...settled.outcomes, stored: 0, "dead-letter": 1 },
    deadLetters: [{ codes: [], reason: "unknown-code" }],
  };
  const { code, out } = await run(["request", "--all", "--wait"], requestApp(last));
  assert.equal(code, 1);
  assert.match(out, /dead letter: bars unknown-code \(the stock list does not have the code, also after one refresh\)/);
  const json = await run(["request", "--all", "--wait", "--json"], requestApp(last));
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, last]);
});

test("verify reopens unless told not to, and then ends with 1 when something differs", async () => {
  const asked: VerifyOptions[] = [];
  const app: Partial<AppApi> = {
    verify: (_config, options) => {
      asked.push(options);
      return Promise.resolve({ codes: 1, days: 9, differences: [], reopenedDays: 0 });
    },
  };
  const agreed = await run(["verify", "--codes", "000001.SZ"], { app });
  assert.deepEqual([agreed.code, agreed.out], [0, "compared 9 days of 1 security: 0 differences, 0 days reopened\n"]);
  await run(["verify", "--no-reopen"], { app });
  assert.deepEqual(asked, [{ codes: ["000001.SZ"], reopen: true }, { reopen: false }]);
});

test("topics and schema print tables or JSON", async () => {
  const topic = { topic: "t", action: "created" as const, partitions: 24, note: "" };
  const object = { object: "bar", action: "exists" as const, note: "" };
  const adopted: unknown[] = [];
  const app: Partial<AppApi> = {
    ensureTopics: () => Promise.resolve([topic]),
    ensureSchema: () => Promise.resolve([object]),
    adoptSchema: (_config, options) => {
      adopted.push(options);
      return Promise.resolve([object]);
    },
  };
  assert.match((await run(["topics", "ensure"], { app })).out, /^TOPIC .*\nt {6}created {2}24\n$/);
  assert.deepEqual(JSON.parse((await run(["topics", "ensure", "--json"], { app })).out), [topic]);
  assert.match((await run(["schema", "ensure"], { app })).out, /\nbar {5}exists\n$/);
  await run(["schema", "adopt"], { app });
  await run(["schema", "adopt", "--copy-rows", "--json"], { app });
  await run(["schema", "adopt", "--tick-tables"], { app });
  assert.deepEqual(adopted, [
    { copyRows: false, tickTables: false },
    { copyRows: true, tickTables: false },
    { copyRows: false, tickTables: true },
  ]);
});

test("start hands over the settings and ends with the signal's code after a clean stop", async () => {
  const signals = new EventEmitter();
  let config: Config | undefined;
  const app: Partial<AppApi> = {
    start: async (given, _log, shutdown) => {
      config = given;
      const stopped = new Promise((resolve) => shutdown.intake.addEventListener("abort", resolve));
      signals.emit("SIGTERM");
      await stopped;
    },
  };
  assert.equal(
    (await run(["start", "--worker-window-messages", "1", "--schema-auto", "false"], { app, signals })).code,
    143,
  );
  assert.deepEqual([config?.worker.windowMessages, config?.schema.auto], [1, false]);
  assert.equal(signals.listenerCount("SIGTERM"), 0);
});

test("an interrupted command ends with 130 and says nothing", async () => {
  const signals = new EventEmitter();
  const app: Partial<AppApi> = {
    ensureTopics: async (_config, _log, signal) => {
      signals.emit("SIGINT");
      await Promise.resolve();
      signal.throwIfAborted();
      return [];
    },
  };
  const { code, err } = await run(["topics", "ensure"], { app, signals });
  assert.deepEqual([code, err], [130, ""]);
});

test("each kind of error has its code and one sentence that says what to do, without a secret or a stack", async () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9092"), { code: "ECONNREFUSED" });
  const inUse = Object.assign(new Error("listen EADDRINUSE: 127.0.0.1:8080"), { code: "EADDRINUSE" });
  const noEngine = Object.assign(new Error("Cannot find package 'chdb'"), { code: "ERR_MODULE_NOT_FOUND" });
  const login = { isCredentials: true };
  const cases: readonly (readonly [Error, number, RegExp])[] = [
    [
      new PermanentError("logging in to ClickHouse with hush-hush: wrong password", "store", login),
      77,
      /check clickhouse\.user/,
    ],
    [new PermanentError("logging in to Redis: WRONGPASS", "budget", login), 77, /check redis\.user/],
    [new PermanentError("calling daily: token refused", "provider", login), 77, /tushare\.token/],
    [new PermanentError("reading tables: bar_row is missing", "store"), 69, /bar_row is missing; it needs a person/],
    [
      new TransientError("asking the brokers", { cause: refused }),
      69,
      /ECONNREFUSED 127\.0\.0\.1:9092; nobody listens there/,
    ],
    [new TransientError("asking ClickHouse: no answer in 60000 ms"), 69, /try again/],
    [inUse, 69, /set health\.port/],
    [noEngine, 69, /npm install chdb/],
    [new Error("x is not a function"), 1, /a defect in gdw, --stack shows where/],
  ];
  for (const [error, expected, sentence] of cases) {
    const app: Partial<AppApi> = { start: () => Promise.reject(error) };
    const { code, err } = await run(["start"], { app, env: { GINKGO_CLICKHOUSE_PASSWORD: "hush-hush" } });
    assert.equal(code, expected, error.message);
    assert.match(err, /^gdw: [^\n]+\n$/);
    assert.match(err, sentence);
    assert.equal(/hush/.exec(err), null);
  }
});

test("the stack is shown when asked for, by flag or in debug mode", async () => {
  const app: Partial<AppApi> = { start: () => Promise.reject(new Error("broken", { cause: new Error("deeper") })) };
  for (const [args, env] of [
    [["start", "--stack"], {}],
    [["start"], { GINKGO_DEBUG_MODE: "True" }],
  ] as const) {
    const { code, err } = await run(args, { app, env });
    assert.equal(code, 1);
    assert.match(err, /Error: broken\n\s+at [\s\S]+caused by Error: deeper/);
  }
});

test("simulate tushare hands over its flags, with the defaults of the rest", async () => {
  const signals = new EventEmitter();
  const asked: unknown[] = [];
  const simulators: Cli["loadSimulators"] = () =>
    Promise.resolve({
      tushareToken: "any-token",
      openDemoProvider: () => assert.fail("nothing of the demo was to be used"),
      runBaostock: () => assert.fail("nothing of BaoStock was to be used"),
      runTdx: () => assert.fail("nothing of TDX was to be used"),
      runAkshare: () => assert.fail("nothing of AKShare was to be used"),
      runYahoo: () => assert.fail("nothing of Yahoo was to be used"),
      runTushare: ({ onListening: _onListening, ...options }) => {
        asked.push(options);
        signals.emit("SIGINT");
        return Promise.resolve();
      },
    });
  const flags = ["--port", "0", "--seed", "7", "--codes", "30", "--days", "60", "--latency", "80-200", "--limit", "9"];
  flags.push("--to", "20260331");
  assert.equal((await run(["simulate", "tushare", ...flags], { simulators, signals })).code, 130);
  const latency = { fromMs: 80, toMs: 200 };
  assert.deepEqual(asked, [
    {
      port: 0,
      seed: 7,
      codes: 30,
      days: 60,
      to: "2026-03-31",
      dataFolder: undefined,
      callsMax: 9,
      windowMs: 60_000,
      latency,
      token: "any-token",
    },
  ]);
  const bad = await run(["simulate", "tushare", "--latency", "200-80"], { simulators });
  assert.deepEqual([bad.code, /expected milliseconds such as 100 or 80-200/.test(bad.err)], [64, true]);
});

test("simulate baostock hands over its flags, with the defaults of the rest", async () => {
  const signals = new EventEmitter();
  const asked: unknown[] = [];
  const simulators: Cli["loadSimulators"] = () =>
    Promise.resolve({
      tushareToken: "any-token",
      openDemoProvider: () => assert.fail("nothing of the demo was to be used"),
      runTushare: () => assert.fail("nothing of Tushare was to be used"),
      runTdx: () => assert.fail("nothing of TDX was to be used"),
      runAkshare: () => assert.fail("nothing of AKShare was to be used"),
      runYahoo: () => assert.fail("nothing of Yahoo was to be used"),
      runBaostock: ({ onListening: _onListening, ...options }) => {
        asked.push(options);
        signals.emit("SIGINT");
        return Promise.resolve();
      },
    });
  const flags = ["--requests", "9", "--codes", "30", "--data", "recorded"];
  assert.equal((await run(["simulate", "baostock", ...flags], { simulators, signals })).code, 130);
  assert.deepEqual(asked, [
    {
      port: 10_030,
      seed: 1,
      codes: 30,
      days: 250,
      to: "2025-12-31",
      dataFolder: "recorded",
      requestsMax: 9,
      latency: { fromMs: 0, toMs: 0 },
    },
  ]);
  assert.equal((await run(["simulate", "baostock", "--requests", "0"], { simulators })).code, 64);
});

test("simulate tdx hands over its flags, with the defaults of the rest, and prints its address as the setting", async () => {
  const signals = new EventEmitter();
  const asked: unknown[] = [];
  const simulators: Cli["loadSimulators"] = () =>
    Promise.resolve({
      tushareToken: "any-token",
      openDemoProvider: () => assert.fail("nothing of the demo was to be used"),
      runTushare: () => assert.fail("nothing of Tushare was to be used"),
      runBaostock: () => assert.fail("nothing of BaoStock was to be used"),
      runAkshare: () => assert.fail("nothing of AKShare was to be used"),
      runYahoo: () => assert.fail("nothing of Yahoo was to be used"),
      runTdx: async (options, signal) => {
        const { onListening: _onListening, ...rest } = options;
        asked.push(rest);
        setImmediate(() => signals.emit("SIGINT"));
        await runTdxSimulator({ ...options, port: 0, codes: 2, days: 5 }, signal);
      },
    });
  const { code, out } = await run(["simulate", "tdx", "--seed", "7", "--refuse-upgrade"], { simulators, signals });
  assert.equal(code, 130);
  assert.match(out, /^GINKGO_TDX_HOSTS=127\.0\.0\.1:\d+\n$/);
  assert.deepEqual(asked, [
    {
      port: 7_709,
      seed: 7,
      codes: 300,
      days: 250,
      to: "2025-12-31",
      dataFolder: undefined,
      latency: { fromMs: 0, toMs: 0 },
      refusesUpgrade: true,
    },
  ]);
  assert.equal((await run(["simulate", "tdx", "--port", "99999"], { simulators })).code, 64);
});

test("every command has help with examples and loads nothing for it", async () => {
  for (const words of [
    ["start"],
    ["request"],
    ["verify"],
    ["ticks"],
    ["import", "tdx"],
    ["config", "show"],
    ["topics", "ensure"],
    ["schema", "ensure"],
    ["schema", "adopt"],
    ["simulate", "tushare"],
    ["simulate", "baostock"],
    ["simulate", "tdx"],
  ]) {
    const { code, out, loads } = await run([...words, "--help"]);
    assert.deepEqual([code, loads], [0, 0]);
    assert.match(out, /Examples:\n/, words.join(" "));
  }
});
