import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { dayRecord, minuteRecord, minutesOfDay, writeRecords } from "../../../test/support/record-files.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { ImportRequest, RefusedFile } from "./import-api.ts";
import { surveyRecordFile } from "../../sources/tdx/read-record-file.ts";
import { planTdxImport, refuseUnread, type ImportPlanned } from "./plan-import.ts";

const never = new AbortController().signal;
/** Wednesday noon in Shanghai; the last day that is over is Tuesday, 2024-01-09. */
const NOON_MS = Date.parse("2024-01-10T04:00:00Z");
const EVENING_MS = Date.parse("2024-01-10T09:00:00Z");
const DAYS = [20_240_104, 20_240_105, 20_240_108, 20_240_109];

function plan(paths: readonly string[], more: Partial<ImportRequest> = {}, nowMs = NOON_MS): Promise<ImportPlanned> {
  const request = { paths, codes: undefined, from: undefined, to: undefined, ...more };
  return planTdxImport(request, nowMs, () => undefined, never);
}

const days = (numbers: readonly number[], price = 10.5): readonly Buffer[] =>
  numbers.map((day) => dayRecord({ day, price }));

const reasonsIn = (refused: readonly RefusedFile[]): Readonly<Record<string, string>> =>
  Object.fromEntries(refused.map((one) => [path.basename(one.path), one.reason]));

test("a vipdoc tree and single files give days, minutes and five minutes, by path", async () => {
  await using folder = await temporaryFolder();
  await writeRecords(folder.path, "vipdoc/sz/lday/sz000001.day", days(DAYS));
  await writeRecords(
    folder.path,
    "vipdoc/sh/minline/sh600000.lc1",
    minutesOfDay().map((minute) => minuteRecord({ day: 20_240_109, minute })),
  );
  const single = await writeRecords(
    folder.path,
    "elsewhere/BJ920002.LC5",
    minutesOfDay(5).map((minute) => minuteRecord({ day: 20_240_109, minute })),
  );
  const { plan: found } = await plan([path.join(folder.path, "vipdoc"), single]);
  assert.deepEqual(
    found.files.map(({ code, frequency, kind, records, rows, days: count, from, to }) => [
      [code, frequency, kind],
      [records, rows, count],
      [from, to],
    ]),
    [
      [
        ["920002.BJ", "5m", "stock"],
        [48, 48, 1],
        ["2024-01-09", "2024-01-09"],
      ],
      [
        ["600000.SH", "1m", "stock"],
        [240, 240, 1],
        ["2024-01-09", "2024-01-09"],
      ],
      [
        ["000001.SZ", "1d", "stock"],
        [4, 4, 4],
        ["2024-01-04", "2024-01-09"],
      ],
    ],
  );
  assert.deepEqual([found.refused, found.repeated, found.others], [[], [], {}]);
});

test("files with the same bytes under other codes or kinds are refused, each naming the others", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["sh000001.day", "sh688001.day", "sh127021.day"]) {
    await writeRecords(folder.path, name, days(DAYS));
  }
  await writeRecords(folder.path, "sz000001.day", days(DAYS, 9.9));
  const { plan: found } = await plan([folder.path]);
  assert.deepEqual(
    found.files.map(({ code }) => code),
    ["000001.SZ"],
  );
  assert.deepEqual(reasonsIn(found.refused), {
    "sh000001.day": "copy",
    "sh688001.day": "copy",
    "sh127021.day": "copy",
  });
  for (const { path: refused, detail } of found.refused) {
    const others = ["sh000001.day", "sh688001.day", "sh127021.day"].filter((name) => !refused.endsWith(name));
    assert.ok(
      others.every((name) => detail.includes(path.join(folder.path, name))),
      detail,
    );
  }
  // The one that is right can be named itself.
  const named = await plan([path.join(folder.path, "sh000001.day")]);
  assert.deepEqual([named.plan.files.length, named.plan.refused.length], [1, 0]);
});

test("a copy is found though the security that it is a copy of was not asked for", async () => {
  await using folder = await temporaryFolder();
  await writeRecords(folder.path, "sh000001.day", days(DAYS));
  await writeRecords(folder.path, "sh688001.day", days(DAYS));
  await writeRecords(folder.path, "no-code.day", days(DAYS));
  const [asked, missing] = ["688001.SH", "600000.SH"].map((code) => parseSecurityCode(code));
  assert.ok(asked !== undefined && missing !== undefined);
  const { plan: found } = await plan([folder.path], { codes: [asked, missing] });
  assert.deepEqual([found.files, reasonsIn(found.refused)], [[], { "sh688001.day": "copy" }]);
  assert.deepEqual([found.otherCodes, found.codesWithoutFile], [1, [missing]]);
});

test("equal files of one security are read once, different ones are refused", async () => {
  await using folder = await temporaryFolder();
  await writeRecords(folder.path, "a/sz000001.day", days(DAYS));
  await writeRecords(folder.path, "b/sz000001.day", days(DAYS));
  const equal = await plan([folder.path]);
  assert.deepEqual([equal.plan.files.length, equal.plan.repeated], [1, [path.join(folder.path, "b/sz000001.day")]]);
  await writeRecords(folder.path, "b/sz000001.day", days(DAYS.slice(1)));
  const different = await plan([folder.path]);
  assert.deepEqual(
    [different.plan.files, different.plan.refused.map(({ reason }) => reason)],
    [[], ["two-files", "two-files"]],
  );
});

test("what is no record file is refused with its reason, what merely lies beside is counted", async () => {
  await using folder = await temporaryFolder();
  await writeRecords(folder.path, "sz000001.day", days(DAYS));
  await writeRecords(folder.path, "sz000002.day", []);
  await writeRecords(folder.path, "sz000004.day", [...days(DAYS), Buffer.alloc(7)]);
  await writeRecords(folder.path, "sz000005.day", [dayRecord({ day: 20_241_345 }), dayRecord({ day: 7 })]);
  await writeRecords(folder.path, "000006.day", days(DAYS));
  await writeRecords(folder.path, "ds/31#00700.day", days(DAYS));
  const text = await writeRecords(folder.path, "notes.txt", [Buffer.from("x")]);
  const { plan: found } = await plan([folder.path]);
  assert.deepEqual(reasonsIn(found.refused), {
    "000006.day": "no-code",
    "sz000002.day": "empty",
    "sz000004.day": "wrong-size",
    "sz000005.day": "no-days",
  });
  assert.deepEqual([found.files.length, found.others], [1, { "#": 1, txt: 1 }]);
  assert.deepEqual(reasonsIn((await plan([text])).plan.refused), { "notes.txt": "unknown-kind" });
  await assert.rejects(plan([path.join(folder.path, "nowhere")]), DataError);
});

test("a file that the system does not let be read is refused, and one that became shorter; the others go on", async () => {
  await using folder = await temporaryFolder();
  const file = await writeRecords(folder.path, "sz000001.day", days(DAYS));
  assert.equal(
    refuseUnread({ path: file }, Object.assign(new Error("EACCES"), { syscall: "open" })).reason,
    "unreadable",
  );
  const defect = new TypeError("a defect");
  assert.throws(() => refuseUnread({ path: file }, defect), defect);
  const longer = { path: file, frequency: "1d", size: 32 * (DAYS.length + 1) } as const;
  await assert.rejects(surveyRecordFile(longer, parseDay("2024-01-10"), never), (error) => {
    assert.equal(refuseUnread({ path: file }, error).reason, "changed");
    return true;
  });
});

test("records in no order are found, and doubles among them are told apart from the rest", async () => {
  await using folder = await temporaryFolder();
  const file = await writeRecords(folder.path, "sz000001.day", days([...DAYS, ...DAYS.slice(0, 1)]));
  const { readable } = await plan([file]);
  assert.deepEqual(
    readable.map(({ isSorted, planned }) => [isSorted, planned.rows, planned.days]),
    [[false, 5, 4]],
  );
});

test("a day that is not over is left out: today, and a last day in whose course the file was written", async () => {
  await using folder = await temporaryFolder();
  const file = await writeRecords(folder.path, "sz000001.day", days([...DAYS, 20_240_110]));
  const of = async (nowMs: number): Promise<unknown> => {
    const [planned] = (await plan([file], {}, nowMs)).plan.files;
    return [planned?.rows, planned?.to, planned?.unfinished];
  };
  assert.deepEqual(await of(NOON_MS), [4, "2024-01-09", "2024-01-10"]);
  assert.deepEqual(await of(EVENING_MS), [5, "2024-01-10", undefined]);
  const nextWeekMs = EVENING_MS + 7 * 24 * 60 * 60_000;
  const written = (at: string): Promise<string> =>
    writeRecords(folder.path, "sz000001.day", days([...DAYS, 20_240_110]), at);
  await written("2024-01-10T03:30:00Z");
  assert.deepEqual(await of(nextWeekMs), [4, "2024-01-09", "2024-01-10"]);
  await written("2024-01-10T08:01:00Z");
  assert.deepEqual(await of(nextWeekMs), [5, "2024-01-10", undefined]);
  // No file is older than what it says: this is no time of writing.
  await written("2024-01-08T03:30:00Z");
  assert.deepEqual(await of(nextWeekMs), [5, "2024-01-10", undefined]);
});

test("days that were asked for are what is planned, and records without a day are counted", async () => {
  await using folder = await temporaryFolder();
  const bad = [dayRecord({ day: 20_240_230 }), dayRecord({ day: 20_990_105 })];
  const file = await writeRecords(folder.path, "sz000001.day", [...days(DAYS), ...bad]);
  const bounds = { from: parseDay("2024-01-05"), to: parseDay("2024-01-08") };
  const [planned] = (await plan([file], bounds)).plan.files;
  assert.deepEqual([planned?.rows, planned?.from, planned?.to, planned?.undated], [2, "2024-01-05", "2024-01-08", 2]);
  const [none] = (await plan([file], { from: parseDay("2024-02-01") })).plan.files;
  assert.deepEqual([none?.rows, none?.from], [0, undefined]);
});

test("the version of a file is the hour at which its last day was over, whenever it is read and copied", async () => {
  await using folder = await temporaryFolder();
  const file = await writeRecords(folder.path, "sz000001.day", days(DAYS));
  const over = BigInt(Date.parse("2024-01-09T16:00:00+08:00")) * 1000n;
  for (const [nowMs, at] of [
    [NOON_MS, "2024-01-09T16:00:00+08:00"],
    [EVENING_MS, "2024-01-10T15:00:00+08:00"],
    [EVENING_MS * 1.01, "2026-05-01T00:00:00Z"],
  ] as const) {
    await writeRecords(folder.path, "sz000001.day", days(DAYS), at);
    assert.deepEqual(
      (await plan([file], {}, Math.trunc(nowMs))).readable.map(({ version }) => version),
      [over],
    );
  }
  const longer = await writeRecords(folder.path, "sz000001.day", days([...DAYS, 20_240_110]));
  const [today] = (await plan([longer], {}, EVENING_MS)).readable;
  assert.ok(today !== undefined && today.version > over && today.version <= BigInt(EVENING_MS) * 1000n);
});

test("a file of a code that was given up is read under the code that took its place, unless that has a file", async () => {
  await using folder = await temporaryFolder();
  await writeRecords(folder.path, "bj430047.day", days(DAYS));
  const old = await plan([folder.path], { codes: [parseSecurityCode("920047.BJ")] });
  assert.deepEqual(
    old.plan.files.map(({ code }) => code),
    ["920047.BJ"],
  );
  await writeRecords(folder.path, "bj920047.day", days(DAYS.slice(2)));
  const both = await plan([folder.path]);
  assert.deepEqual(reasonsIn(both.plan.refused), { "bj430047.day": "renumbered" });
  assert.deepEqual(
    both.plan.files.map(({ code, days: count }) => [code, count]),
    [["920047.BJ", 2]],
  );
});
