import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type {
  AppApi,
  CodeCoverage,
  CoverageOptions,
  CoverageReport,
  CoverageSpan,
  GapsReport,
  RequestPlan,
} from "../../app/app-api.ts";
import { NO_ROWS } from "../../domain/outcome.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";

const COUNTS = {
  present: 0,
  "no-trade": 0,
  suspended: 0,
  pending: 0,
  "unexplained-empty": 0,
  failed: 0,
  "row-missing": 0,
  "not-asked": 0,
};
const CODE = parseSecurityCode("000001.SZ");
const FAILED: CoverageSpan = {
  code: CODE,
  state: "failed",
  from: parseDay("2024-01-03"),
  to: parseDay("2024-01-04"),
  days: 2,
  reason: "verify: the ledger said present, and there is no row",
  callId: "",
  provider: "tushare",
  askAgainAtMs: undefined,
};
const SUSPENDED: CoverageSpan = { ...FAILED, state: "suspended", days: 1, reason: "a list says so", callId: "c-7" };
const ONE: CodeCoverage = {
  code: CODE,
  name: "平安银行",
  expected: 22,
  daysGone: 0,
  counts: { ...COUNTS, present: 19, suspended: 1, failed: 2 },
  spans: [FAILED, SUSPENDED],
};
const REPORT: CoverageReport = {
  market: "CN",
  tradingDays: undefined,
  otherMarkets: [],
  dataSet: "bars",
  frequency: "1d",
  range: { from: parseDay("2024-01-02"), to: parseDay("2024-01-31"), isNamed: false },
  isExplained: false,
  expected: 22,
  counts: ONE.counts,
  codes: [ONE],
  unknownCodes: [],
  goneCodes: 0,
  overdue: undefined,
  neverAsked: 298,
  codesNotCompared: 0,
  rowsUnknown: 0,
  freshness: { askedTo: parseDay("2024-01-31"), endedSince: 3 },
  warning: { level: "warning", missing: 2, text: "2 of 22 expected days are missing, 9.1 %" },
};

function coverageApp(report: CoverageReport) {
  const asked: CoverageOptions[] = [];
  const app: Partial<AppApi> = {
    coverage: (_config, options) => {
      asked.push(options);
      return Promise.resolve(report);
    },
  };
  return { app, asked };
}

test("coverage shows sums, the code, every reason, and ends with 1 when days are missing", async () => {
  const { app, asked } = coverageApp(REPORT);
  const { code, out, err } = await run(["coverage", "--code", CODE], { app });
  assert.equal(code, 1);
  assert.equal(
    out,
    `bars from 2024-01-02 to 2024-01-31 (what was asked for): 1 security, 22 expected days
STATE      DAYS   SHARE  SECURITIES
present      19  86.4 %           1
suspended     1   4.5 %           1
failed        2   9.1 %           1

CODE       NAME      EXPECTED  PRESENT  SUSPENDED  FAILED
000001.SZ  平安银行        22       19          1       2

CODE       STATE      FROM        TO          DAYS  REASON
000001.SZ  failed     2024-01-03  2024-01-04     2  verify: the ledger said present, and there is no row
000001.SZ  suspended  2024-01-03  2024-01-04     1  a list says so (call c-7)
`,
  );
  assert.match(err, /asked for up to 2024-01-31; 3 trading days have ended since: gdw request --all --wait/);
  assert.match(err, /298 listed securities were never asked for and not looked at: gdw coverage --market/);
  assert.match(err, /asked for again by gdw gaps --request/);
  assert.match(err, /warning: 2 of 22 expected days are missing/);
  assert.deepEqual(asked, [{ dataSet: "bars", frequency: "1d", codes: [CODE], from: undefined, to: undefined }]);
});

test("of many codes the worst are named, of one day who is what", async () => {
  const codes = Array.from({ length: 30 }, (_, index): CodeCoverage => {
    const code = parseSecurityCode(`6000${String(index).padStart(2, "0")}.SH`);
    const isBad = index % 10 === 3;
    const counts = { ...COUNTS, ...(isBad ? { failed: 1 } : { present: 1 }) };
    return { ...ONE, code, expected: 1, counts, spans: isBad ? [{ ...FAILED, code }] : [] };
  });
  const counts = { ...COUNTS, present: 27, failed: 3 };
  const many = await run(["coverage"], coverageApp({ ...REPORT, codes, counts, expected: 30 }));
  assert.match(many.out, /^the worst of them:$/m);
  assert.match(many.out, /^600003\.SH/m);
  assert.equal(/^600004\.SH/m.exec(many.out), null);
  const range = { from: parseDay("2024-01-03"), to: parseDay("2024-01-03"), isNamed: true };
  const { app, asked } = coverageApp({ ...REPORT, range, codes, counts, expected: 30 });
  const day = await run(["coverage", "--date", "20240103"], { app });
  assert.match(day.out, /^failed +3 +10\.0 % +600003\.SH 600013\.SH 600023\.SH$/m);
  assert.deepEqual(asked, [
    { dataSet: "bars", frequency: "1d", codes: "listed", from: "2024-01-03", to: "2024-01-03" },
  ]);
});

test("what is said of minutes and ticks names them, and asks for the same with the same flags", async () => {
  const overdue = { days: 3, since: parseDay("2024-01-30") };
  for (const [data, head, asks, looks] of [
    [{ frequency: "5m" }, "5m bars", " --frequency 5m", " --frequency 5m"],
    [{ dataSet: "ticks" }, "ticks", " --kind ticks", " --data-set ticks"],
    [{ dataSet: "adjustment-factors" }, "adjustment-factors", " --kind factors", " --data-set factors"],
  ] as const) {
    const { out, err } = await run(["coverage"], coverageApp({ ...REPORT, ...data, overdue }));
    assert.equal(out.startsWith(`${head} from 2024-01-02`), true, out);
    assert.match(err, new RegExp(`ended since: gdw request${asks} --all --wait`));
    assert.match(err, new RegExp(`not looked at: gdw coverage${looks} --market`));
    assert.match(err, new RegExp(`nobody asked again: gdw gaps${looks} --request`));
    assert.match(err, new RegExp(`asked for again by gdw gaps${looks} --request`));
    const nothing = { ...REPORT, ...data, range: undefined, codes: [], expected: 0 };
    assert.match(
      (await run(["coverage"], coverageApp(nothing))).out,
      new RegExp(`${head} here; ask with gdw request${asks} --codes`),
    );
  }
});

test("coverage that explains everything ends with 0; JSON is the whole report", async () => {
  const fine = { ...REPORT, isExplained: true, neverAsked: 0, warning: undefined, freshness: undefined, codes: [] };
  const { code, out } = await run(["coverage", "--json", "--data-set", "factors"], coverageApp(fine));
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(fine)));
});

test("where nothing was asked for, and on a day without trading, it says so", async () => {
  const nothing = await run(["coverage"], coverageApp({ ...REPORT, range: undefined, codes: [], expected: 0 }));
  assert.equal(nothing.code, 1);
  assert.match(nothing.out, /nobody ever asked for bars here; ask with gdw request/);
  const overdue = { days: 3, since: parseDay("2024-01-30") };
  const late = await run(["coverage"], coverageApp({ ...REPORT, overdue }));
  assert.match(late.err, /3 days have been pending since 2024-01-30 and nobody asked again: gdw gaps --request/);
  const range = { from: parseDay("2026-12-01"), to: parseDay("2026-12-31"), isNamed: true };
  const cut = await run(["coverage"], coverageApp({ ...REPORT, range: { ...range, namedTo: parseDay("2027-01-08") } }));
  assert.match(cut.err, /calendar ends on 2026-12-31: the days from there to 2027-01-08 were not looked at/);
  const closed = await run(["coverage"], coverageApp({ ...REPORT, isExplained: true, expected: 0, counts: COUNTS }));
  assert.equal(closed.code, 0);
  assert.match(closed.out, /nothing is expected/);
});

test("what does not fit together is refused before anything is opened", async () => {
  const wrong: readonly (readonly string[])[] = [
    ["coverage", "--code", "1"],
    ["coverage", "--codes", ","],
    ["coverage", "--market", "--code", CODE],
    ["coverage", "--date", "20240103", "--from", "20240101"],
    ["coverage", "--from", "20240203", "--to", "20240101"],
    ["coverage", "--to", "2999-01-01"],
    ["coverage", "--data-set", "trades"],
    ["coverage", "--data-set", "ticks", "--frequency", "5m"],
    ["coverage", "--frequency", "1w"],
    ["gaps", "--wait"],
    ["gaps", "--date", "20240103"],
  ];
  for (const args of wrong) {
    const { code, err, loads } = await run(args);
    assert.deepEqual([code, loads], [64, 0], args.join(" "));
    assert.match(err, /^gdw: [^\n]+\n$/);
  }
});

const GAPS: GapsReport = {
  dataSet: "bars",
  frequency: "1d",
  range: REPORT.range,
  gaps: [FAILED],
  requests: [{ code: CODE, from: parseDay("2024-01-03"), to: parseDay("2024-01-04"), days: 2 }],
  rowsMissing: [],
  unknownCodes: [],
  goneCodes: 0,
};

function gapsApp(report: GapsReport, outcome: { readonly unexplainedDays: number }) {
  const plans: RequestPlan[] = [];
  const app: Partial<AppApi> = {
    gaps: () => Promise.resolve(report),
    request: async function* (_config, plan) {
      plans.push(plan);
      yield {
        requestId: "r-1",
        total: 1,
        published: 1,
        settled: 1,
        outcomes: { stored: 1, "up-to-date": 0, pending: 0, unexplained: 0, ignored: 0, "dead-letter": 0 },
        rows: { ...NO_ROWS, new: 2 },
        calls: 1,
        pendingDays: 0,
        deadLetters: [],
        ...outcome,
      };
    },
  };
  return { app, plans };
}

test("gaps are listed with exit 1, and asked for with --request: one message a code from first to last gap", async () => {
  const { app, plans } = gapsApp(GAPS, { unexplainedDays: 0 });
  const listed = await run(["gaps"], { app });
  assert.equal(listed.code, 1);
  assert.match(listed.out, /2 days are gaps, of 1 security/);
  assert.deepEqual(plans, []);
  const asked = await run(["gaps", "--request", "--wait"], { app });
  assert.equal(asked.code, 0);
  assert.match(asked.out, /request r-1: 1 of 1 settled/);
  assert.deepEqual(
    plans.map(({ kind, codes, ranges, wait, force }) => ({ kind, codes, ranges, wait, force })),
    [
      {
        kind: "bars",
        codes: [CODE],
        ranges: { [CODE]: { full: false, start: "2024-01-03", end: "2024-01-04", days: undefined } },
        wait: true,
        force: false,
      },
    ],
  );
  const still = await run(["gaps", "--request", "--wait"], gapsApp(GAPS, { unexplainedDays: 1 }));
  assert.equal(still.code, 1);
});

test("without gaps nothing is published; rows that only verify can reopen are pointed out", async () => {
  const none = { ...GAPS, gaps: [], requests: [] };
  const { app, plans } = gapsApp(none, { unexplainedDays: 0 });
  const clean = await run(["gaps", "--request"], { app });
  assert.deepEqual([clean.code, plans], [0, []]);
  assert.match(clean.out, /no gaps/);
  const gone = await run(["gaps", "--request"], gapsApp({ ...none, goneCodes: 2 }, { unexplainedDays: 0 }));
  assert.equal(gone.code, 0);
  assert.match(gone.err, /2 codes are gone from the lists and cannot be asked/);
  const lost = await run(["gaps"], gapsApp({ ...none, rowsMissing: [FAILED] }, { unexplainedDays: 0 }));
  assert.equal(lost.code, 1);
  assert.match(lost.err, /2 days are present in the ledger and without a row.*run gdw verify first/);
});
