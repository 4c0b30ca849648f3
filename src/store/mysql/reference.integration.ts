import assert from "node:assert/strict";
import { after, suite, test, type TestContext } from "node:test";

import { requireMySql } from "../../../test/support/services.ts";
import { uniqueName } from "../../../test/support/unique-name.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { parseDay } from "../../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../../domain/enums.ts";
import type { CalendarDay, Instrument } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { createMySql, type MySql, type MySqlTarget } from "./connection.ts";
import { openMySqlReference, type MySqlReference } from "./reference.ts";

const never = new AbortController().signal;
suite("reference tables in MySQL", () => {
  const admins: MySql[] = [];
  const databases: string[] = [];
  after(async () => {
    const [admin] = admins;
    for (const database of databases) {
      await admin?.withSession("tidying up", never, (session) => session.run(`DROP DATABASE ${database}`, []));
    }
    await Promise.all(admins.map((mysql) => mysql[Symbol.asyncDispose]()));
  });
  /** A database of the test's own; undefined when there is no server, and the test is skipped. */
  const makeDatabase = async (t: TestContext): Promise<MySqlTarget | undefined> => {
    const url = await requireMySql(t);
    if (url === undefined) {
      return undefined;
    }
    const server = parseTarget(url);
    const admin = createMySql(server);
    admins.push(admin);
    const database = uniqueName("gdw");
    await admin.withSession("testing", never, (session) =>
      session.run(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`, []),
    );
    databases.push(database);
    return { ...server, database };
  };

  test("missing tables are made once, and what is written reads back", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await using reference = openMySqlReference(target, silentLog);
    assert.deepEqual(
      (await reference.ensureTables(true, never)).map(({ action }) => action),
      ["created", "created"],
    );
    assert.deepEqual(
      (await reference.ensureTables(true, never)).map(({ action }) => action),
      ["exists", "exists"],
    );
    const instruments = [instrument("000001.SZ", "平安银行"), { ...instrument("000003.SZ", "PT金田A"), ...DELISTED }];
    assert.deepEqual(await reference.writeInstruments(instruments, never), ["new", "new"]);
    assert.deepEqual(await reference.instruments(never), instruments);
    const calendar = [calendarDay("2024-01-01", false), calendarDay("2024-01-02", true)];
    assert.deepEqual(await reference.writeCalendar(calendar, never), ["new", "new"]);
    assert.deepEqual(await reference.calendar(MARKET.CHINA, never), calendar);
    assert.deepEqual(await reference.calendar(MARKET.NASDAQ, never), []);
  });

  test("the row is as Ginkgo expects it: uuid of the key, empty meta, 2099-12-31 for what is still listed", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await using reference = await openReady(target);
    await reference.writeInstruments([instrument("000001.SZ", "平安银行")], never);
    const [row] = await select(
      target,
      "SELECT uuid, meta, `desc`, list_date, delist_date, is_del, source FROM stock_info",
    );
    assert.match(String(row?.["uuid"]), /^[0-9a-f]{12}5[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    assert.deepEqual(
      { ...row, uuid: "" },
      {
        uuid: "",
        meta: "{}",
        desc: "",
        list_date: "1991-04-03 00:00:00",
        delist_date: "2099-12-31 00:00:00",
        is_del: 0,
        source: 7,
      },
    );
  });

  test("the same rows again change nothing; changed ones are revised in place", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await using reference = await openReady(target);
    await reference.writeInstruments([instrument("000001.SZ", "平安"), instrument("600000.SH", "浦发银行")], never);
    const before = await select(target, "SELECT * FROM stock_info ORDER BY code");
    const again = [instrument("600000.SH", "浦发银行"), instrument("000001.SZ", "平安")];
    assert.deepEqual(await reference.writeInstruments(again, never), ["same", "same"]);
    assert.deepEqual(await select(target, "SELECT * FROM stock_info ORDER BY code"), before);
    const changed = [instrument("600000.SH", "浦发银行"), instrument("000001.SZ", "平安银行")];
    assert.deepEqual(await reference.writeInstruments(changed, never), ["same", "revised"]);
    assert.deepEqual(
      (await reference.instruments(never)).map(({ name }) => name),
      ["平安银行", "浦发银行"],
    );
    assert.deepEqual(
      (await select(target, "SELECT uuid FROM stock_info ORDER BY code")).map((row) => row["uuid"]),
      before.map((row) => row["uuid"]),
    );
  });

  test("a table of Ginkgo's own is taken as it is: no DDL, its uuids and repeats stay, all of a code are updated", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await createGinkgoTable(target);
    const ddl = await select(target, "SHOW CREATE TABLE stock_info");
    await using reference = await openReady(target);
    assert.deepEqual(await select(target, "SHOW CREATE TABLE stock_info"), ddl);
    const outcomes = await reference.writeInstruments(
      [instrument("000001.SZ", "平安银行"), instrument("000002.SZ", "万科A"), instrument("000004.SZ", "x".repeat(33))],
      never,
    );
    assert.deepEqual(outcomes, ["revised", "new", "rejected"]);
    const rows = await select(target, "SELECT uuid, code, code_name, is_del FROM stock_info ORDER BY code, uuid");
    assert.deepEqual(
      rows.map((row) => [row["code"], row["code_name"], row["is_del"]]),
      [
        ["000001.SZ", "平安银行", 0],
        ["000001.SZ", "平安银行", 0],
        ["000002.SZ", "万科A", 0],
        ["000002.SZ", "deleted", 1],
        ["AAPL", "Apple", 0],
      ],
    );
    assert.deepEqual(
      rows.slice(0, 2).map((row) => row["uuid"]),
      ["u1", "u2"],
    );
    // AAPL is of no market of ours; it is passed over, not lost.
    assert.deepEqual(
      (await reference.instruments(never)).map(({ code }) => code),
      ["000001.SZ", "000002.SZ"],
    );
  });

  test("a table without a column that we write is refused by name", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await select(
      target,
      "CREATE TABLE trade_day (uuid VARCHAR(32) PRIMARY KEY, market TINYINT, timestamp DATETIME, is_open BOOLEAN)",
    );
    await using reference = openMySqlReference(target, silentLog);
    await assert.rejects(reference.ensureTables(true, never), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.match(error.message, /trade_day has no column meta, desc, create_at, update_at, is_del, source/);
      return true;
    });
  });

  test("two workers that write the same new rows at once leave one row a key", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await using left = await openReady(target);
    await using right = await openReady(target);
    const rows = Array.from({ length: 1200 }, (_, index) => instrument(`${600000 + index}.SH`, "same"));
    await Promise.all([left.writeInstruments(rows, never), right.writeInstruments(rows, never)]);
    const [counted] = await select(
      target,
      "SELECT COUNT(*) AS all_rows, COUNT(DISTINCT code) AS codes FROM stock_info",
    );
    assert.deepEqual({ ...counted }, { all_rows: "1200", codes: "1200" });
  });

  test("errors have their kind: refused credentials, a missing database, a server that is away", async (t) => {
    const server = await makeDatabase(t);
    if (server === undefined) {
      return;
    }
    const refused = openMySqlReference({ ...server, password: "wrong" }, silentLog);
    await assert.rejects(refused.instruments(never), (error) => error instanceof PermanentError && error.isCredentials);
    await refused[Symbol.asyncDispose]();
    await using missing = openMySqlReference({ ...server, database: "gdw_not_there" }, silentLog);
    await assert.rejects(
      missing.instruments(never),
      (error) => error instanceof PermanentError && !error.isCredentials,
    );
    await using away = openMySqlReference({ ...server, port: 1 }, silentLog);
    await assert.rejects(away.instruments(never), TransientError);
  });

  test("an aborted statement ends at once with the signal's reason, and nothing of it is stored", async (t) => {
    const target = await makeDatabase(t);
    if (target === undefined) {
      return;
    }
    await using reference = await openReady(target);
    await using blocker = createMySql(target);
    const stop = new AbortController();
    await blocker.withTransaction("blocking", "stock_info", never, async (session) => {
      await session.run("LOCK TABLES stock_info WRITE", []);
      const write = reference.writeInstruments([instrument("000001.SZ", "平安银行")], stop.signal);
      stop.abort(new Error("enough"));
      await assert.rejects(write, /enough/);
      await session.run("UNLOCK TABLES", []);
    });
    assert.deepEqual(await reference.instruments(never), []);
  });
});

const DELISTED = { status: "delisted", delistedOn: parseDay("2002-06-14") } as const;

function instrument(code: string, name: string): Instrument {
  return {
    code: parseSecurityCode(code),
    name,
    industry: "银行",
    market: MARKET.CHINA,
    currency: CURRENCY.CNY,
    status: "listed",
    listedOn: parseDay("1991-04-03"),
    delistedOn: undefined,
    source: SOURCE.TUSHARE,
  };
}

function calendarDay(day: string, isOpen: boolean): CalendarDay {
  return { market: MARKET.CHINA, day: parseDay(day), isOpen, source: SOURCE.TUSHARE };
}

async function openReady(target: MySqlTarget): Promise<MySqlReference> {
  const reference = openMySqlReference(target, silentLog);
  await reference.ensureTables(true, never);
  return reference;
}

/** As the original makes it: shorter columns, no index on the code, uuids of its own. */
async function createGinkgoTable(target: MySqlTarget): Promise<void> {
  await select(
    target,
    `CREATE TABLE stock_info (uuid VARCHAR(32) PRIMARY KEY, meta VARCHAR(255), \`desc\` VARCHAR(255), create_at DATETIME,
     update_at DATETIME, is_del BOOLEAN, source TINYINT NOT NULL, code VARCHAR(32), code_name VARCHAR(32), industry VARCHAR(32),
     currency TINYINT, market TINYINT, list_date DATETIME, delist_date DATETIME NOT NULL)`,
  );
  const rows = [
    ["u1", "000001.SZ", "平安", 0, 1],
    ["u2", "000001.SZ", "平安银行", 0, 1],
    ["u3", "000002.SZ", "deleted", 1, 1],
    ["u4", "AAPL", "Apple", 0, 2],
  ];
  const values = rows.map(
    ([uuid, code, name, isDeleted, market]) =>
      `('${uuid}', '{}', '', NOW(), NOW(), ${isDeleted}, 7, '${code}', '${name}', '银行', 1, ${market}, '1991-04-03', '2099-12-31')`,
  );
  await select(target, `INSERT INTO stock_info VALUES ${values.join(", ")}`);
}

async function select(target: MySqlTarget, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using mysql = createMySql(target);
  return await mysql.withSession("testing", never, (session) =>
    session.query<Readonly<Record<string, unknown>>>(sql, []),
  );
}

function parseTarget(text: string): MySqlTarget {
  const url = new URL(text);
  const { hostname, port, username, password } = url;
  return {
    host: hostname,
    port: port === "" ? 3306 : Number.parseInt(port, 10),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: url.pathname.slice(1) || "mysql",
  };
}
