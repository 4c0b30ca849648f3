import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { app } from "../../src/app.ts";
import { canRun } from "../support/services.ts";
import {
  type ClickHouseHttpService,
  startClickHouseHttp,
  whyNoClickHouse,
} from "../support/services/clickhouse-http.ts";
import { type Ran, run } from "../support/run-cli.ts";

const PAGE = await readFile(path.join(projectFolder, "docs", "migrating-from-ginkgo.md"), "utf8");

/** As Ginkgo makes it. */
const ORIGINAL_BAR = `CREATE TABLE ginkgo.bar (uuid String, meta String, desc String, code String, open Decimal(16, 2),
  high Decimal(16, 2), low Decimal(16, 2), close Decimal(16, 2), volume Int32, amount Decimal(16, 2), frequency Int8,
  timestamp DateTime, source Int8) ENGINE = MergeTree ORDER BY (code, timestamp)`;

test("the page's way from Ginkgo's table to ours: refused, renamed, copied, in our units and in Ginkgo's", async (t) => {
  if (!canRun(t, whyNoClickHouse())) {
    return;
  }
  await using clickhouse = await startClickHouseHttp();
  const gdw = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    await run(args, { app, env: { GINKGO_CLICKHOUSE_URL: clickhouse.url, ...env } });
  const volumes = async (): Promise<string> =>
    (await ask(clickhouse, "SELECT volume, toString(amount) FROM ginkgo.bar FORMAT TSV")).trim();

  // The first recorded bar of 000001.SZ, as Tushare gives it: the row of the page's table.
  await ask(clickhouse, "CREATE DATABASE ginkgo");
  await ask(clickhouse, ORIGINAL_BAR);
  await ask(
    clickhouse,
    `INSERT INTO ginkgo.bar VALUES ('a', '{}', '', '000001.SZ', 48.76, 48.76, 48.76, 48.76, 3, 15.00, 1, '1991-04-04 00:00:00', 7)`,
  );

  const refusal = /\n {3}(gdw: ensuring the schema: .*)\n/.exec(PAGE)?.[1] ?? "";
  const refused = await gdw(["schema", "ensure"]);
  assert.equal(refused.err.trim(), refusal);

  assert.match(PAGE, /```sh\n {3}gdw schema adopt --copy-rows\n/);
  const adopted = await gdw(["schema", "adopt", "--copy-rows", "--json"]);
  assert.equal(adopted.code, 0, adopted.err);
  const reports = JSON.parse(adopted.out) as { object: string; action: string }[];
  const old = reports.find(({ action }) => action === "copied")?.object.replace("table ", "") ?? "";
  assert.match(old, /^bar_before_\d{8}$/);
  assert.equal(await volumes(), "300\t15000");
  assert.match(PAGE, /\| `volume` +\| +3 \| +300 \| +100 \|\n\| `amount` +\| +15\.00 \| +15,000 \| +1,000 \|/);

  assert.match(PAGE, /export GINKGO_COMPAT_GINKGO_UNITS=true\ngdw schema ensure\n/);
  assert.equal((await gdw(["schema", "ensure"], { GINKGO_COMPAT_GINKGO_UNITS: "true" })).code, 0);
  assert.equal(await volumes(), "3\t15");
  assert.equal((await gdw(["schema", "ensure"])).code, 0);
  assert.equal(await volumes(), "300\t15000");

  // What is the same but for the units does not come out of the page's comparison; what is not, does.
  const comparison = (/```sql\n([^`]+)```/.exec(PAGE)?.[1] ?? "").replaceAll("bar_before_20261128", old);
  const compare = async (): Promise<readonly unknown[]> => {
    const { code, out, err } = await gdw(["sql", comparison, "--format", "json"]);
    assert.equal(code, 0, err);
    return JSON.parse(out) as unknown[];
  };
  assert.deepEqual(await compare(), []);
  await ask(clickhouse, `ALTER TABLE ginkgo.${old} UPDATE volume = 4 WHERE 1 SETTINGS mutations_sync = 1`);
  assert.equal((await compare()).length, 1);

  // Back again, as the page says.
  await ask(clickhouse, "DROP VIEW ginkgo.bar");
  await ask(clickhouse, `RENAME TABLE ginkgo.${old} TO ginkgo.bar`);
  assert.equal(await volumes(), "4\t15");
});

async function ask(clickhouse: ClickHouseHttpService, sql: string): Promise<string> {
  const response = await fetch(clickhouse.url, { method: "POST", body: sql });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}
