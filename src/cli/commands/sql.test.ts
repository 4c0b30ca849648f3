import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../../../test/support/run-cli.ts";
import type { AppApi } from "../../app/app-api.ts";
import { DataError } from "../../base/errors.ts";

function sqlApp(text: string, pieceLength = 7) {
  const asked: string[] = [];
  const bytes = Buffer.from(text);
  const app: Partial<AppApi> = {
    sql: async function* (_config, statement, format) {
      asked.push(`${format} ${statement}`);
      for (let at = 0; at < bytes.length; at += pieceLength) {
        yield bytes.subarray(at, at + pieceLength);
      }
    },
  };
  return { app, asked };
}

test("sql prints a table: numbers to the right, nothing for NULL, wide characters aligned, lists as JSON", async () => {
  const answer = [
    '["code","name","close","n","list"]',
    '["String","String","Nullable(Decimal(18, 4))","UInt64","Array(String)"]',
    '["000001.SZ","平安银行","9.5","12",["a"]]',
    '["600000.SH","x\\ny",null,"3",[]]',
  ].join("\n");
  const { app, asked } = sqlApp(answer);
  const { code, out, err } = await run(["sql", "SELECT 1"], { app });
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    [
      "code       name      close   n  list",
      '000001.SZ  平安银行    9.5  12  ["a"]',
      "600000.SH  x y               3  []",
      "",
    ].join("\n"),
  );
  assert.deepEqual(asked, ["rows SELECT 1"]);
});

test("a long table is cut and says so", async () => {
  const rows = Array.from({ length: 1_005 }, (_, index) => `[${index}]`);
  const { out, err } = await run(["sql", "SELECT 1"], sqlApp(['["n"]', '["UInt8"]', ...rows].join("\n"), 100));
  assert.equal(out.trimEnd().split("\n").length, 1_001);
  assert.match(err, /the first 1000 rows are shown and 5 are not: --format csv has all/);
});

test("csv goes through as it is, json becomes one array with the engine's own texts", async () => {
  const csv = '"a"\n"b, c"\n';
  assert.equal((await run(["sql", "SELECT 1", "--format", "csv"], sqlApp(csv))).out, csv);
  const json = await run(["sql", "-", "--format", "json"], {
    ...sqlApp('{"a":"1.50"}\n{"a":"银"}\n'),
    stdin: "SELECT a",
  });
  assert.deepEqual(JSON.parse(json.out), [{ a: "1.50" }, { a: "银" }]);
  assert.equal((await run(["sql", "SELECT 1", "--format", "json"], sqlApp(""))).out, "[]\n");
});

test("a statement that would write is a usage error", async () => {
  const app: Partial<AppApi> = {
    // oxlint-disable-next-line require-yield -- It fails before its first piece.
    sql: async function* () {
      await Promise.resolve();
      throw new DataError("the statement is not one that only reads; nothing was done");
    },
  };
  const { code, err } = await run(["sql", "DROP TABLE x"], { app });
  assert.deepEqual([code, err], [64, "gdw: the statement is not one that only reads; nothing was done\n"]);
});
