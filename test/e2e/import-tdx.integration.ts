import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";

import { tradingDays } from "../../src/domain/cn-trading-days.ts";
import { compactDay } from "../../src/domain/day.ts";
import { dayRecord, writeRecords } from "../support/record-files.ts";
import { runGdw, startGdw, type GdwEnded } from "../support/run-gdw.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const DAYS = tradingDays()
  .filter((day) => day >= "2001" && day < "2025")
  .map((day) => Number.parseInt(compactDay(day), 10));

/** The embedded engine in the folder, and providers that nobody is at. */
const ENV = {
  GINKGO_MODE: "embedded",
  GINKGO_HEALTH_PORT: "0",
  GINKGO_PROVIDERS_CHAIN: "tushare,tdx",
  TUSHARE_TOKEN: "a".repeat(40),
  GINKGO_TUSHARE_URL: "http://127.0.0.1:9",
  GINKGO_TDX_HOSTS: "127.0.0.1:9",
};

interface Report {
  readonly files: readonly {
    readonly code: string;
    readonly outcome: string;
    readonly tally: Readonly<Record<"new" | "same" | "revised" | "rejected", number>>;
    readonly daysLearned: number;
  }[];
}

/** Each day of a price of its own, so that no two files are the same. */
async function writeDays(folder: string, name: string, days: readonly number[], price: number): Promise<string> {
  const records = days.map((day) => dayRecord({ day, price, volume: 100, amount: price * 100 }));
  return await writeRecords(folder, `vipdoc/${name}`, records);
}

const reportOf = ({ out }: GdwEnded): Report => JSON.parse(out) as Report;

test("files are imported into a folder nobody holds, and into one that a running worker holds", async () => {
  await using folder = await temporaryFolder("import");
  const options = { folder: folder.path, env: ENV };
  const first = await writeDays(folder.path, "sz/lday/sz000001.day", DAYS.slice(-10), 10.5);
  const imported = await runGdw(["import", "tdx", path.join(folder.path, "vipdoc"), "--json"], options);
  assert.equal(imported.code, 0, imported.err);
  assert.deepEqual(
    reportOf(imported).files.map(({ code, outcome, tally, daysLearned }) => [code, outcome, tally.new, daysLearned]),
    [["000001.SZ", "new", 10, 10]],
  );
  await using worker = startGdw(["start"], options);
  await worker.until(/worker ready/);
  const second = await writeDays(folder.path, "sh/lday/sh600000.day", DAYS.slice(-5), 9.5);
  const held = await runGdw(["import", "tdx", first, second], options);
  assert.equal(held.code, 0, held.err);
  assert.match(held.out, /2 files \(new 1, same 1, revised 0\)/);
  const counted = await runGdw(
    ["sql", "SELECT code, count() AS bars FROM ginkgo.bar GROUP BY code ORDER BY code", "--format", "csv"],
    options,
  );
  assert.equal(counted.out, '"code","bars"\n"000001.SZ",10\n"600000.SH",5\n');
  const refused = await writeRecords(folder.path, "vipdoc/sh688001.day", [Buffer.alloc(20)]);
  const bad = await runGdw(["import", "tdx", refused, second, "--dry-run"], options);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /1 file would be imported[^]*sh688001\.day: its size is no multiple/);
  assert.equal((await worker.stop()).code, 143);
});

test("an import that is told to stop ends at once and says so, and the same command completes it", async () => {
  await using folder = await temporaryFolder("import-stop");
  const options = { folder: folder.path, env: ENV };
  const names = Array.from({ length: 14 }, (_, index) => `sh/lday/sh${600_000 + index}.day`);
  for (const [index, name] of names.entries()) {
    await writeDays(folder.path, name, DAYS, 10 + index);
  }
  const command = ["import", "tdx", path.join(folder.path, "vipdoc"), "--json"];
  const stopped = await runGdw(command, { ...options, stopAt: /storing .*, [1-9][0-9,]*\/[0-9,]+ records/ });
  assert.equal(stopped.code, 143, stopped.err);
  assert.match(stopped.err, /stopped: what is stored stays, and the same command goes on from there/);
  assert.equal(stopped.out, "");
  const verified = await runGdw(["verify", "--no-reopen", "--json"], options);
  assert.ok(!verified.out.includes("row-missing"), verified.out);
  const again = reportOf(await runGdw(command, { ...options, endMsMax: 200_000 }));
  const sum = (word: "new" | "same"): number => again.files.reduce((total, { tally }) => total + tally[word], 0);
  assert.equal(sum("new") + sum("same"), names.length * DAYS.length);
  assert.ok(sum("new") > 0 && sum("same") > 0, `${sum("new")} new, ${sum("same")} same`);
  const counted = await runGdw(["sql", "SELECT count() FROM ginkgo.bar", "--format", "csv"], options);
  assert.equal(counted.out, `"count()"\n${names.length * DAYS.length}\n`);
});
