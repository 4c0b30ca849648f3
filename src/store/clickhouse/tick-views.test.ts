import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError } from "../../base/errors.ts";
import { silentLog, type Log } from "../../base/log.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { ClickHouse } from "./client.ts";
import { codeOfTickView, createTickViews, renderTickView, tickViewName, type NamedObject } from "./tick-views.ts";
import { viewComment } from "./views.ts";

const never = new AbortController().signal;
const CODES = ["000001.SZ", "600000.SH", "920002.BJ"].map((code) => parseSecurityCode(code));
const [CODE = parseSecurityCode("000001.SZ")] = CODES;

test("a code's name is Ginkgo's and leads back to the code, and no other name does", () => {
  assert.deepEqual(CODES.map(tickViewName), ["000001_SZ_Tick", "600000_SH_Tick", "920002_BJ_Tick"]);
  assert.deepEqual(
    CODES.map((code) => codeOfTickView(tickViewName(code))),
    CODES,
  );
  for (const name of ["tick", "000001_SZ_Tick_before_20260101", "x_000001_SZ_Tick", "000001_US_Tick", "1_SZ_Tick"]) {
    assert.equal(codeOfTickView(name), undefined, name);
  }
});

test("each view is looked up and made once, on every server of a cluster", async () => {
  const engine = engineWith([]);
  const views = createTickViews(engine, { apply: true, cluster: "main" }, silentLog);
  await views.ensure([CODE, CODE], never);
  await views.ensure(CODES, never);
  await views.ensure(CODES, never);
  assert.deepEqual(engine.asked, [["000001_SZ_Tick"], ["600000_SH_Tick", "920002_BJ_Tick"]]);
  assert.equal(engine.made.length, 3);
  for (const sql of engine.made) {
    assert.match(sql, /^CREATE VIEW IF NOT EXISTS ginkgo\.`?\d{6}_\w{2}_Tick`? ON CLUSTER main AS\nSELECT/);
  }
});

test("a view that is right stays, and one of an older program is made anew", async () => {
  const right = renderTickView("ginkgo", CODE);
  const engine = engineWith([
    { name: right.name, engine: "View", comment: viewComment(right) },
    { name: "600000_SH_Tick", engine: "View", comment: "ginkgo-data-worker view 0123" },
  ]);
  await createTickViews(engine, { apply: true }, silentLog).ensure(CODES, never);
  assert.deepEqual(
    engine.made.map((sql) => sql.slice(0, sql.indexOf(" AS\n"))),
    ["CREATE OR REPLACE VIEW ginkgo.`600000_SH_Tick`", "CREATE VIEW IF NOT EXISTS ginkgo.`920002_BJ_Tick`"],
  );
});

test("without `schema.auto` nothing is made, and it is said once", async () => {
  const engine = engineWith([]);
  const said: unknown[] = [];
  const log: Log = { ...silentLog, warn: (message, fields) => said.push([message, fields]) };
  const views = createTickViews(engine, { apply: false }, log);
  await views.ensure(CODES, never);
  await views.ensure(CODES, never);
  assert.deepEqual(said, [["views of ticks are missing; run `schema ensure`", { views: 3, first: "000001_SZ_Tick" }]]);
  assert.deepEqual(engine.made, []);
});

test("what is not ours is refused before any view is made, and asked for again once it is gone", async () => {
  const objects: NamedObject[] = CODES.map((code) => ({ name: tickViewName(code), engine: "MergeTree", comment: "" }));
  const engine = engineWith(objects);
  const views = createTickViews(engine, { apply: true }, silentLog);
  await assert.rejects(views.ensure(CODES, never), (error) => {
    assert.ok(error instanceof PermanentError && error.scope === "store");
    assert.match(error.message, /ginkgo\.000001_SZ_Tick \(MergeTree\), .*schema adopt --tick-tables/);
    return true;
  });
  assert.deepEqual(engine.made, []);
  objects.length = 0;
  await views.ensure(CODES, never);
  assert.equal(engine.made.length, 3);
});

/** An engine that has these objects, and keeps what it is asked for and told to make. */
function engineWith(objects: readonly NamedObject[]) {
  const asked: unknown[] = [];
  const made: string[] = [];
  const refuse = () => Promise.reject(new TypeError("not asked for here"));
  const engine: ClickHouse = {
    transport: "http",
    database: "ginkgo",
    settings: { insertMode: "sync", partitionsPerInsertMax: 100, insertQuorum: "0" },
    query: <Row>(_sql: string, params: Readonly<Record<string, unknown>>) => {
      asked.push(params["names"]);
      const names = new Set(params["names"] as readonly string[]);
      return Promise.resolve(objects.filter(({ name }) => names.has(name)) as readonly unknown[] as readonly Row[]);
    },
    command: (sql) => {
      made.push(sql);
      return Promise.resolve();
    },
    raw: () => {
      throw new TypeError("not asked for here");
    },
    insertEncoded: refuse,
    serverVersion: () => "26.7.2.1",
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { ...engine, asked, made };
}
