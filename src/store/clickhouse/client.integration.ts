import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";

import { PermanentError } from "../../base/errors.ts";
import { openClickHouse, type ClickHouse } from "./client.ts";
import { BadRowsError } from "./errors.ts";

const never = new AbortController().signal;

suite("the embedded engine", () => {
  let path = "";
  let clickhouse: ClickHouse;
  before(async () => {
    path = await mkdtemp(join(tmpdir(), "gdw-client-"));
    await mkdir(join(path, ".scratch", "killed"), { recursive: true });
    await writeFile(join(path, ".scratch", "killed", "left.bin"), "x");
    clickhouse = await openClickHouse({ kind: "embedded", path });
    await clickhouse.command("CREATE DATABASE ginkgo", {}, never);
    await clickhouse.command(
      "CREATE TABLE ginkgo.t (a Int64, b Decimal(18, 4)) ENGINE = MergeTree ORDER BY a",
      {},
      never,
    );
  });
  after(async () => {
    await clickhouse[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  });

  test("it says its version, keeps insert answers honest and clears what a killed process left", async () => {
    assert.match(clickhouse.serverVersion(), /^\d+\.\d+/);
    const [row] = await clickhouse.query<{ readonly v: string }>(
      "SELECT value AS v FROM system.settings WHERE name = 'async_insert'",
      {},
      never,
    );
    assert.equal(row?.v, "0");
    assert.ok(!(await readdir(join(path, ".scratch"))).includes("killed"));
  });

  test("text and binary inserts do the same, and no file stays behind", async () => {
    const binary = Buffer.alloc(16);
    binary.writeBigInt64LE(9_007_199_254_740_993n, 0);
    binary.writeBigInt64LE(-15_000n, 8);
    await clickhouse.insertEncoded("t", ["a", "b"], { format: "RowBinary", body: binary, rows: 1 }, never);
    await clickhouse.insertEncoded("t", ["a", "b"], { format: "TabSeparated", body: "2\t0.25\n", rows: 1 }, never);
    const json = { format: "JSONCompactEachRow", body: '["3", "1.5"]\n', rows: 1 } as const;
    await clickhouse.insertEncoded("t", ["a", "b"], json, never);
    assert.deepEqual(await clickhouse.query("SELECT a, b FROM ginkgo.t ORDER BY a", {}, never), [
      { a: "2", b: "0.25" },
      { a: "3", b: "1.5" },
      { a: "9007199254740993", b: "-1.5" },
    ]);
    const [own] = await readdir(join(path, ".scratch"));
    assert.deepEqual(await readdir(join(path, ".scratch", own ?? "")), []);
  });

  test("parameters are bound and not pasted", async () => {
    const rows = await clickhouse.query(
      "SELECT {text:String} AS t, {list:Array(String)} AS l",
      { text: "a'b\\", list: ["x'"] },
      never,
    );
    assert.deepEqual(rows, [{ t: "a'b\\", l: ["x'"] }]);
  });

  test("errors have their kind: a missing table is permanent, bad bytes are about rows", async () => {
    await assert.rejects(clickhouse.query("SELECT * FROM ginkgo.absent", {}, never), PermanentError);
    const bad = { format: "TabSeparated", body: "x\ty\n", rows: 1 } as const;
    await assert.rejects(clickhouse.insertEncoded("t", ["a", "b"], bad, never), BadRowsError);
  });

  test("an aborted call rejects with the caller's own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("drained");
    const waiting = clickhouse.query("SELECT sleepEachRow(0.5) FROM numbers(2)", {}, controller.signal);
    setImmediate(() => controller.abort(reason));
    await assert.rejects(waiting, reason);
    await assert.rejects(clickhouse.command("SELECT 1", {}, controller.signal), reason);
  });

  test("a second process is told that the folder is held", async () => {
    const client = new URL("client.ts", import.meta.url).href;
    const script = `
      const { openClickHouse } = await import(${JSON.stringify(client)});
      try { await openClickHouse({ kind: "embedded", path: ${JSON.stringify(path)} }); console.log("opened"); }
      catch (error) { console.log(error.name, error.scope, error.message); }`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    assert.match(stdout, /^HeldError store opening the embedded ClickHouse.*another process holds the folder/);
  });
});
