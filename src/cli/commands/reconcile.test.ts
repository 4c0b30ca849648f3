import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi } from "../../app/app-api.ts";
import type { CodeReconciled, Finding, ReconcileOptions, ReconcileReport, Said } from "../../app/reconcile-api.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";

const CODE = parseSecurityCode("000001.SZ");
const OTHER = parseSecurityCode("600000.SH");
const [FROM, TO] = [parseDay("2024-01-02"), parseDay("2024-01-31")];
const NO_LONE = [undefined, undefined] as const;

function said(provider: Said["provider"], value: string, rounding = ""): Said {
  return { provider, value, fetchedAt: "2026-11-28 20:59:05", callId: `c-${provider}`, requestId: "r-1", rounding };
}

const FINDINGS: readonly Finding[] = [
  {
    kind: "cell",
    code: CODE,
    day: FROM,
    time: "",
    cell: "volume",
    said: [said("tushare", "123456"), said("tdx", "123600", "cut to 100")],
  },
  {
    kind: "days",
    code: CODE,
    day: parseDay("2024-01-30"),
    to: TO,
    days: 2,
    only: "tushare",
    missing: "tdx",
    ledger: "present, tushare, call c-9: complete answer",
  },
];
const ONE: CodeReconciled = {
  code: CODE,
  common: 20,
  cells: { volume: { equal: 17, rounded: 2, different: 1, "not-given": 0 } },
  different: 1,
  loneBars: [0, 0],
  loneDays: [2, 0],
  lone: [{ from: parseDay("2024-01-30"), to: TO }, undefined],
  findings: 2,
};
const EQUAL: CodeReconciled = { ...ONE, code: OTHER, different: 0, loneDays: [0, 0], lone: NO_LONE, findings: 0 };
const REPORT: ReconcileReport = {
  dataSet: "bars",
  frequency: "1d",
  providers: ["tushare", "tdx"],
  from: FROM,
  to: TO,
  isEqual: false,
  common: 40,
  cells: { volume: { equal: 35, rounded: 4, different: 1, "not-given": 0 } },
  codes: [ONE, EQUAL],
  withoutRows: [],
  missing: [
    { provider: "tdx", isEmpty: false, codes: [CODE], days: 2, from: parseDay("2024-01-30"), to: TO, unserved: [] },
  ],
  findings: 2,
  listed: FINDINGS,
};

function reconcileApp(report: ReconcileReport, found: readonly Finding[] = []) {
  const asked: ReconcileOptions[] = [];
  const app: Partial<AppApi> = {
    reconcile: (_config, options, watch) => {
      asked.push(options);
      watch.progress({ codes: 2, codesDone: 1, findings: 0 });
      for (const finding of found) {
        watch.finding?.(finding);
      }
      return Promise.resolve(report);
    },
  };
  return { app, asked };
}

const ASK = ["reconcile", "--providers", "tushare,tdx"];

test("differences are shown with both rows, their calls and the rounding, and what is missing with its command", async () => {
  const { app, asked } = reconcileApp(REPORT);
  const { code, out, err } = await run(
    [...ASK, "--codes", `${CODE},${OTHER}`, "--from", "20240102", "--to", "20240131"],
    {
      app,
    },
  );
  assert.equal(code, 1);
  assert.equal(
    out,
    `daily bars of tushare and tdx from 2024-01-02 to 2024-01-31: 2 securities, 40 of both, 2 differences
COLUMN  EQUAL  AFTER ROUNDING  DIFFERENT  NOT GIVEN
volume     35               4          1          0

CODE       ROWS OF BOTH  CELLS AFTER ROUNDING  DIFFERENT  DAYS OF tushare ONLY  DAYS OF tdx ONLY
000001.SZ            20                     2          1                     2                 0
600000.SH            20                     2          0                     0                 0

CODE       WHEN                      COLUMN  PROVIDER   VALUE  FETCHED (UTC)        CALL       REQUEST  ROUNDED, OR MISSING
000001.SZ  2024-01-02                volume  tushare   123456  2026-11-28 20:59:05  c-tushare  r-1
                                             tdx       123600  2026-11-28 20:59:05  c-tdx      r-1      cut to 100
000001.SZ  2024-01-30 to 2024-01-31          tushare                                                    2 days, none of tdx; ledger: present, tushare, call c-9: complete answer
`,
  );
  assert.match(
    err,
    /^gdw: tdx lacks daily bars of 1 security, 2 days: gdw request --provider tdx --codes 000001\.SZ --start 2024-01-30 --end 2024-01-31 --force --wait$/m,
  );
  assert.match(err, /^compared 1\/2 securities, 0 differences/m);
  assert.deepEqual(asked, [
    {
      dataSet: "bars",
      frequency: "1d",
      providers: ["tushare", "tdx"],
      codes: [CODE, OTHER],
      from: FROM,
      to: TO,
      listMax: 50,
    },
  ]);
});

test("equal after rounding ends with 0; more than the limit is counted", async () => {
  const fine = { ...REPORT, isEqual: true, codes: [EQUAL], missing: [], findings: 0, listed: [] };
  const { code, out, err } = await run([...ASK, "--market"], reconcileApp(fine));
  assert.equal(code, 0, err);
  assert.match(out, /1 security, 40 of both, 0 differences/);
  const many = reconcileApp({ ...REPORT, findings: 1_002 });
  const cut = await run([...ASK, "--code", CODE, "--limit", "2"], many);
  assert.match(cut.out, /^and 1,000 more; --limit lists more, --json has all$/m);
  assert.equal(many.asked[0]?.listMax, 2);
});

test("JSON has every finding as it was found, and the report behind them", async () => {
  const { app } = reconcileApp(REPORT, FINDINGS);
  const { code, out, err } = await run([...ASK, "--code", CODE, "--json"], { app });
  assert.equal(code, 1, err);
  const { listed: _, ...rest } = REPORT;
  assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify({ differences: FINDINGS, ...rest })));
  const none = await run([...ASK, "--code", CODE, "--json"], reconcileApp({ ...REPORT, findings: 0 }));
  assert.deepEqual(JSON.parse(none.out).differences, []);
});

test("a side without rows is named with the command that brings them, unless it never has such data", async () => {
  const empty = {
    ...REPORT.missing[0],
    provider: "tdx",
    isEmpty: true,
    codes: [CODE],
    unserved: [],
    days: 20,
  } as const;
  const nothing: ReconcileReport = {
    ...REPORT,
    common: 0,
    cells: {},
    codes: [ONE],
    missing: [{ ...empty, from: FROM, to: TO }],
  };
  const { err } = await run(
    [...ASK, "--code", CODE, "--frequency", "5m"],
    reconcileApp({ ...nothing, frequency: "5m" }),
  );
  assert.match(
    err,
    /no 5m bars of tdx are stored from 2024-01-02 to 2024-01-31: gdw request --provider tdx --codes 000001\.SZ --frequency 5m --start 2024-01-02 --end 2024-01-31 --force --wait/,
  );
  const factors: ReconcileReport = {
    ...nothing,
    dataSet: "adjustment-factors",
    missing: [{ ...empty, codes: [], unserved: [CODE], from: FROM, to: TO }],
  };
  const never = await run([...ASK, "--code", CODE, "--data-set", "factors"], reconcileApp(factors));
  assert.match(never.err, /tdx has no adjustment factors of 000001\.SZ: they cannot be compared with it/);
  assert.doesNotMatch(never.err, /gdw request/);
  const neither = { ...nothing, codes: [], withoutRows: [CODE], missing: [] };
  assert.match(
    (await run([...ASK, "--code", CODE], reconcileApp(neither))).err,
    /neither has daily bars of 000001\.SZ/,
  );
});

test("what does not fit together is refused before anything is opened", async () => {
  const wrong: readonly (readonly string[])[] = [
    ["reconcile", "--code", CODE],
    ["reconcile", "--code", CODE, "--providers", "tdx"],
    ["reconcile", "--code", CODE, "--providers", "tdx,tdx"],
    ["reconcile", "--code", CODE, "--providers", "tdx,sina"],
    ["reconcile", "--code", CODE, "--providers", "tdx,tushare,yahoo"],
    ASK,
    [...ASK, "--codes", ","],
    [...ASK, "--market", "--code", CODE],
    [...ASK, "--code", CODE, "--from", "20240203", "--to", "20240101"],
    [...ASK, "--code", CODE, "--data-set", "ticks"],
    [...ASK, "--code", CODE, "--data-set", "factors", "--frequency", "5m"],
    [...ASK, "--code", CODE, "--frequency", "1w"],
    [...ASK, "--code", CODE, "--limit", "-1"],
    [...ASK, "--code", CODE, "--limit", "many"],
  ];
  for (const args of wrong) {
    const { code, err, loads } = await run(args);
    assert.deepEqual([code, loads], [64, 0], args.join(" "));
    assert.match(err, /^gdw: [^\n]+\n$/);
  }
});
