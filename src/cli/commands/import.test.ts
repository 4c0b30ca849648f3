import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi } from "../../app/app-api.ts";
import type { ImportedFile, ImportPlan, ImportReport, ImportRequest } from "../../app/import/import-api.ts";
import { orAbort } from "../../base/or-abort.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";

const FILE: ImportedFile = {
  path: "vipdoc/sz/lday/sz000001.day",
  code: parseSecurityCode("000001.SZ"),
  kind: "stock",
  frequency: "1d",
  records: 12,
  rows: 10,
  days: 10,
  from: parseDay("2024-01-02"),
  to: parseDay("2024-01-15"),
  unfinished: undefined,
  undated: 0,
  outcome: "new",
  tally: { new: 10, same: 0, revised: 0, rejected: 0 },
  flagged: {},
  daysLearned: 10,
  daysInPart: 0,
};
const PLAN: ImportPlan = {
  files: [FILE],
  refused: [],
  repeated: [],
  others: {},
  otherCodes: 0,
  codesWithoutFile: [],
};
const REPORT: ImportReport = { ...PLAN, requestId: "r-1", files: [FILE] };

function importApp(report: ImportReport) {
  const requests: ImportRequest[] = [];
  const app: Partial<AppApi> = {
    importFiles: (_config, request, watch) => {
      requests.push(request);
      watch({ phase: "looking", files: 1, filesDone: 0, records: 1, recordsDone: 0 });
      watch({ phase: "storing", files: 1, filesDone: 1, records: 12, recordsDone: 12 });
      return Promise.resolve(report);
    },
  };
  return { app, requests };
}

test("import prints what became of the files by frequency, with progress on standard error", async () => {
  const { app, requests } = importApp({ ...REPORT, files: [FILE, { ...FILE, frequency: "1m", outcome: "same" }] });
  const words = ["import", "tdx", "vipdoc", "more", "--codes", "000001.SZ", "--from", "20240102", "--to", "2024-01-15"];
  const { code, out, err } = await run(words, { app });
  assert.equal(code, 0, err);
  assert.equal(
    out,
    [
      "import r-1: 2 files (new 1, same 1, revised 0)",
      "FREQUENCY  FILES  NEW  SAME  REVISED  REJECTED  DAYS LEARNED  FROM        TO",
      "1d             1   10     0        0         0            10  2024-01-02  2024-01-15",
      "1m             1   10     0        0         0            10  2024-01-02  2024-01-15",
      "",
    ].join("\n"),
  );
  assert.match(err, /looking 0\/1 files\n/);
  assert.match(err, /storing 1\/1 files, 12\/12 records/);
  assert.deepEqual(requests, [
    { paths: ["vipdoc", "more"], codes: ["000001.SZ"], from: "2024-01-02", to: "2024-01-15" },
  ]);
});

test("a refused file, a rejected row or nothing at all is exit code 1, and is said", async () => {
  const path = "vipdoc/sh688001.day\u001b[2J";
  const copy = { path, reason: "copy", detail: "the same bytes as vipdoc/sh000001.day" } as const;
  const refused = await run(["import", "tdx", "vipdoc"], importApp({ ...REPORT, refused: [copy] }));
  assert.equal(refused.code, 1);
  assert.match(
    refused.out,
    /refused:\n {2}vipdoc\/sh688001\.day\\u001b\[2J: it is a copy .*\(the same bytes as vipdoc\/sh000001\.day\)\n/,
  );
  const rejected = { ...FILE, tally: { ...FILE.tally, rejected: 2 }, flagged: { jump: 3 }, daysInPart: 4 };
  const some = await run(["import", "tdx", "vipdoc"], importApp({ ...REPORT, files: [rejected] }));
  assert.equal(some.code, 1);
  assert.match(some.out, /sz000001\.day: 2 rows rejected\n[^]*flagged: jump 3\n[^]*fewer bars than a day has: 4/);
  const none = await run(["import", "tdx", "vipdoc"], importApp({ ...REPORT, files: [] }));
  assert.equal(none.code, 1);
});

test("a dry run only looks, and says what would be left out", async () => {
  const plan: ImportPlan = {
    ...PLAN,
    files: [{ ...FILE, unfinished: parseDay("2024-01-16"), undated: 2 }],
    repeated: ["b/sz000001.day"],
    others: { "#": 2, txt: 1, "": 1 },
    otherCodes: 3,
    codesWithoutFile: [parseSecurityCode("600000.SH")],
  };
  const app: Partial<AppApi> = { planImport: () => Promise.resolve(plan) };
  const { code, out } = await run(["import", "tdx", "vipdoc", "--dry-run"], { app });
  assert.equal(code, 0);
  for (const line of [
    "1 file would be imported; nothing was stored",
    "1d             1    10    10  2024-01-02  2024-01-15  stock 1",
    "  vipdoc/sz/lday/sz000001.day: 2024-01-16",
    "  vipdoc/sz/lday/sz000001.day: 2",
    "  b/sz000001.day",
    "  600000.SH",
    "3 files of other securities left out",
    "other files in the folders: 2 of other markets, 1 .txt, 1 without an ending",
  ]) {
    assert.ok(out.split("\n").includes(line), `${line}\n${out}`);
  }
  const json = await run(["import", "tdx", "vipdoc", "--dry-run", "--json"], { app });
  assert.deepEqual(JSON.parse(json.out), JSON.parse(JSON.stringify(plan)));
});

test("a long list is cut, and --json has all of it", async () => {
  const refused = Array.from(
    { length: 25 },
    (_, index) => ({ path: `f${index}.day`, reason: "empty", detail: "" }) as const,
  );
  const { out } = await run(["import", "tdx", "vipdoc"], importApp({ ...REPORT, refused }));
  assert.match(out, /f19\.day: it has 0 bytes\n {2}and 5 more \(--json has all\)\n/);
  assert.ok(!out.includes("f20.day"));
});

test("wrong words are a usage error and load nothing", async () => {
  for (const words of [
    [],
    ["vipdoc", "--from", "2024-13-01"],
    ["vipdoc", "--codes", "1.SZ"],
    ["vipdoc", "--to", "x"],
  ]) {
    const { code, loads } = await run(["import", "tdx", ...words], importApp(REPORT));
    assert.deepEqual([code, loads], [64, 0], words.join(" "));
  }
});

test("an import that is interrupted says that it can go on, and ends with the signal's code", async () => {
  const signals = new EventEmitter();
  const app: Partial<AppApi> = {
    importFiles: async (_config, _request, _watch, _log, signal) => {
      setImmediate(() => signals.emit("SIGINT"));
      return await orAbort(new Promise<ImportReport>(() => undefined), signal);
    },
  };
  const { code, out, err } = await run(["import", "tdx", "vipdoc"], { app, signals });
  assert.deepEqual([code, out], [130, ""]);
  assert.match(err, /the same command goes on from there/);
});
