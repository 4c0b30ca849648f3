import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines } from "../../test/support/clickhouse-suite.ts";
import { DataError } from "../base/errors.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { runSql } from "./run-sql.ts";

const never = new AbortController().signal;

suiteOnEngines("reading by SQL", (open) => {
  const prepare = async (t: TestContext): Promise<ClickHouse | undefined> => {
    const clickhouse = await open(t, "sql");
    await clickhouse?.command(`CREATE DATABASE IF NOT EXISTS ${clickhouse.database}`, {}, never);
    await clickhouse?.command(
      `CREATE OR REPLACE TABLE ${clickhouse.database}.t ENGINE = MergeTree ORDER BY n AS
       SELECT number AS n, toDecimal64('1.2500', 4) AS price FROM numbers(3)`,
      {},
      never,
    );
    return clickhouse;
  };
  const ask = async (
    clickhouse: ClickHouse,
    sql: string,
    format: "rows" | "csv" | "json" = "rows",
  ): Promise<string> => {
    let text = "";
    for await (const piece of runSql(clickhouse, sql.replaceAll("@", `${clickhouse.database}.`), format, never)) {
      text += Buffer.from(piece).toString();
    }
    return text;
  };

  test("every kind of read answers in every format", async (t) => {
    const clickhouse = await prepare(t);
    if (clickhouse === undefined) {
      return;
    }
    assert.equal(await ask(clickhouse, "SELECT n, price FROM @t ORDER BY n LIMIT 1;", "csv"), '"n","price"\n0,1.25\n');
    assert.equal(await ask(clickhouse, "SELECT n FROM @t WHERE n = 2", "json"), '{"n":"2"}\n');
    const reads = [
      "WITH 1 AS x SELECT x -- ; a comment",
      "SELECT sum(n) FROM @t SETTINGS max_threads = 1",
      `SHOW TABLES FROM ${clickhouse.database}`,
      "DESCRIBE TABLE @t",
      "EXPLAIN SELECT * FROM @t",
      "EXISTS TABLE @t",
    ];
    for (const sql of reads) {
      assert.ok((await ask(clickhouse, sql)).split("\n").length >= 3, sql);
    }
  });

  test("what would write is refused and changes nothing, by us and by the engine", async (t) => {
    const clickhouse = await prepare(t);
    if (clickhouse === undefined) {
      return;
    }
    for (const sql of [
      "INSERT INTO @t SELECT 9, 1",
      "DROP TABLE @t",
      "ALTER TABLE @t DELETE WHERE 1",
      "SET readonly = 0",
    ]) {
      await assert.rejects(ask(clickhouse, sql), DataError, sql);
    }
    // The engine's own refusal, where the words look like a read.
    await assert.rejects(
      ask(clickhouse, "SELECT * FROM file('/etc/hostname', 'LineAsString')"),
      (error) => error instanceof DataError && /no files or addresses are read/.test(error.message),
    );
    assert.match(await ask(clickhouse, "SELECT count() AS n FROM @t", "json"), /"3"/);
    // The order not to write held for its statement only.
    await clickhouse.command(`INSERT INTO ${clickhouse.database}.t SELECT 4, 1`, {}, never);
  });

  test("a wrong statement is told by what is wrong with it", async (t) => {
    const clickhouse = await prepare(t);
    if (clickhouse === undefined) {
      return;
    }
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["SELECT nothing FROM @t", /running the statement: .*nothing/],
      ["SELECT * FROM no_such_table", new RegExp(`our tables are in ${clickhouse.database}: write`)],
      ["SELECT 1 FROM no_such_database.t", new RegExp(`no_such_database.*our tables are in ${clickhouse.database}`)],
      ["SELECT FROM WHERE", /syntax error/i],
      ["SELECT toInt32('x')", /running the statement: Cannot parse/],
    ];
    for (const [sql, words] of wrong) {
      await assert.rejects(
        ask(clickhouse, sql),
        (error) => error instanceof DataError && words.test(error.message),
        sql,
      );
    }
  });
});
