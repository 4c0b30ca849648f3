import assert from "node:assert/strict";
import { once } from "node:events";
import { get, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { after, before, suite, test } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";

import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from "@clickhouse/client";
import { z } from "zod";

import { startClickHouseHttp, whyNoClickHouse, type ClickHouseHttpService } from "./services/clickhouse-http.ts";
import { uniqueName } from "./unique-name.ts";
import { waitFor } from "./wait-for.ts";

/** What the rest of the tests rely on: the interface as a real server has it, by plain requests and by the client. */
suite("the ClickHouse test server", { skip: whyNoClickHouse() ?? false }, () => {
  let server: ClickHouseHttpService;
  before(async () => {
    server = await startClickHouseHttp({
      users: [
        { name: "default", password: "", may: "everything" },
        { name: "writer", password: "p:w", may: "everything" },
        { name: "reader", password: "r", may: "read-by-profile" },
        { name: "guest", password: "g", may: "read-by-grants" },
      ],
    });
  });
  after(() => server.stop());

  async function post(
    query: string,
    body?: NonNullable<RequestInit["body"]>,
    more: RequestInit & { params?: Record<string, string> } = {},
  ) {
    const url = new URL(server.url);
    for (const [name, value] of Object.entries({ query, ...more.params })) {
      url.searchParams.set(name, value);
    }
    const response = await fetch(url, { method: "POST", ...(body === undefined ? {} : { body }), ...more });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async function makeTable(columns: string): Promise<string> {
    const table = uniqueName("t");
    const made = await post(`CREATE TABLE ${table} (${columns}) ENGINE = MergeTree ORDER BY tuple()`);
    assert.equal(made.text, "");
    return table;
  }

  test("answers /ping, / and /replicas_status with Ok. and another path with 404", async () => {
    for (const path of ["/ping", "/", "/replicas_status"]) {
      assert.equal(await (await fetch(`${server.url}${path}`)).text(), "Ok.\n");
    }
    assert.equal((await fetch(`${server.url}/nothing`)).status, 404);
  });

  test("takes the query from the URL, from the body, and from both", async () => {
    assert.equal((await post("SELECT 1")).text, "1\n");
    assert.equal((await post("", "SELECT 2")).text, "2\n");
    assert.equal((await post("SELECT", "3")).text, "3\n");
    assert.equal(await (await fetch(`${server.url}/?query=SELECT%204`)).text(), "4\n");
  });

  test("takes every format by bytes and gives the same bytes back", async () => {
    const columns =
      "a Int64, b String, c Decimal(18, 4), d Nullable(DateTime('Asia/Shanghai')), e LowCardinality(String)";
    const source = await makeTable(columns);
    const row = "9007199254740993, 'line\\nfeed\\t;\\'é\\0', 0.1234, '1991-08-01 00:00:00', 'x'";
    assert.equal((await post(`INSERT INTO ${source} VALUES (${row}), (-1, '', -1, NULL, '')`)).status, 200);
    for (const format of [
      "Native",
      "RowBinary",
      "JSONEachRow",
      "JSONCompactEachRow",
      "TabSeparated",
      "CSV",
      "Values",
      "Parquet",
    ]) {
      const data = await readBytes(`SELECT * FROM ${source} ORDER BY a FORMAT ${format}`);
      for (const place of ["url", "body"]) {
        const target = await makeTable(columns);
        const insert = `INSERT INTO ${target} (a, b, c, d, e) FORMAT ${format}\n`;
        const outcome =
          place === "url"
            ? await post(insert, data)
            : await post("", new Uint8Array(Buffer.concat([Buffer.from(insert), data])));
        assert.equal(outcome.text, "", `${format} in the ${place}`);
        const difference = await post(`SELECT * FROM ${source} EXCEPT SELECT * FROM ${target}`);
        assert.equal(difference.text, "", `${format} in the ${place}`);
        assert.equal((await post(`SELECT count() FROM ${target}`)).text, "2\n");
      }
    }
  });

  async function readBytes(query: string): Promise<Uint8Array<ArrayBuffer>> {
    const response = await fetch(server.url, { method: "POST", body: query });
    return new Uint8Array(await response.arrayBuffer());
  }

  test("binary data that look like white space or a statement stay data", async () => {
    const table = await makeTable("a String");
    const strings = ["\n", "\n\n", " \t\r\n", "; DROP TABLE x", "'", "--", "\\", "\0"];
    const data = Buffer.concat(strings.flatMap((text) => [Buffer.from([text.length]), Buffer.from(text)]));
    assert.equal((await post(`INSERT INTO ${table} FORMAT RowBinary`, new Uint8Array(data))).text, "");
    const stored = await post(`SELECT a FROM ${table} FORMAT JSONCompactColumns`);
    assert.deepEqual(JSON.parse(stored.text), [strings]);
  });

  test("an insert without data is a success without rows; columns left out take their defaults", async () => {
    const table = await makeTable("a Int8, b String DEFAULT 'left out'");
    assert.equal((await post(`INSERT INTO ${table} FORMAT JSONEachRow`, "")).status, 200);
    const insert = await post(`INSERT INTO ${table} FORMAT JSONEachRow`, '{"a":1}\n');
    assert.equal(JSON.parse(insert.headers.get("x-clickhouse-summary") ?? "{}").written_rows, "1");
    assert.equal((await post(`SELECT * FROM ${table}`)).text, "1\tleft out\n");
  });

  test("settings hold for their request and for no other", async () => {
    const ask = "SELECT getSetting('max_block_size')";
    const usual = (await post(ask)).text;
    assert.equal((await post(ask, "", { params: { max_block_size: "1234" } })).text, "1234\n");
    assert.equal((await post(ask)).text, usual);
    const limited = await post("SELECT sum(number) FROM numbers(1000000)", "", { params: { max_rows_to_read: "10" } });
    assert.equal(limited.headers.get("x-clickhouse-exception-code"), "158");
    const unknown = await post("SELECT 1", "", { params: { no_such_setting: "1" } });
    assert.deepEqual([unknown.status, unknown.headers.get("x-clickhouse-exception-code")], [404, "115"]);
  });

  test("a setting of an insert holds: a row that does not fit is passed over only where allowed", async () => {
    const table = await makeTable("a Int8");
    const rows = '{"a":1}\n{"a":"no"}\n{"a":3}\n';
    const refused = await post(`INSERT INTO ${table} FORMAT JSONEachRow`, rows);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /^Code: 27\. DB::Exception: Cannot parse input: .*\(at row 2\)/s);
    assert.doesNotMatch(refused.text, /file|INFILE/);
    const params = { input_format_allow_errors_num: "1" };
    assert.equal((await post(`INSERT INTO ${table} FORMAT JSONEachRow`, rows, { params })).text, "");
    assert.equal((await post(`SELECT groupArray(a) FROM (SELECT a FROM ${table} ORDER BY a)`)).text, "[1,3]\n");
  });

  test("parameters, database and default format come from the URL", async () => {
    const database = uniqueName("d");
    await post(`CREATE DATABASE ${database}`);
    const params = { param_x: "it's a\\tb", param_n: "7", database, default_format: "JSONCompactEachRow" };
    const answer = await post("SELECT {x:String}, {n:UInt8}, currentDatabase()", "", { params });
    assert.deepEqual(JSON.parse(answer.text), ["it's a\tb", 7, database]);
    assert.equal(answer.headers.get("x-clickhouse-format"), "JSONCompactEachRow");
    const unbound = await post("SELECT {x:String}");
    assert.equal(unbound.headers.get("x-clickhouse-exception-code"), "456");
    const nowhere = await post("SELECT 1", "", { params: { database: "nowhere" } });
    assert.deepEqual([nowhere.status, nowhere.headers.get("x-clickhouse-exception-code")], [404, "81"]);
  });

  test("a session keeps its settings and its temporary tables", async () => {
    const params = { session_id: uniqueName("s") };
    await post("SET max_block_size = 4321", "", { params });
    assert.equal((await post("SELECT getSetting('max_block_size')", "", { params })).text, "4321\n");
    const missing = await post("SELECT 1", "", { params: { session_id: "unknown", session_check: "1" } });
    assert.equal(missing.headers.get("x-clickhouse-exception-code"), "372");
  });

  test("errors have the engine's code, the status that goes with it, and a text that ends with a name and a version", async () => {
    for (const [query, code, status] of [
      ["SELECT * FROM no_such_table", "60", 404],
      ["SELECT FROM WHERE", "62", 400],
      ["SELECT throwIf(1)", "395", 500],
      ["SELECT 1; SELECT 2", "62", 400],
      ["SELECT no_such_function(1)", "46", 404],
      ["SELECT toDate('never')", "38", 400],
    ] as const) {
      const answer = await post(query);
      assert.deepEqual([answer.headers.get("x-clickhouse-exception-code"), answer.status], [code, status], query);
      assert.match(answer.text, /^Code: \d+\. DB::Exception: .*\([A-Z_]+\) \(version [\d.]+\)\n$/s);
    }
  });

  test("a batch over too many partitions is refused whole, with code 252", async () => {
    const table = uniqueName("t");
    await post(`CREATE TABLE ${table} (a UInt16) ENGINE = MergeTree ORDER BY a PARTITION BY a`);
    const rows = Array.from({ length: 101 }, (_, index) => `${index}\n`).join("");
    const answer = await post(`INSERT INTO ${table} FORMAT TSV`, rows);
    assert.equal(answer.headers.get("x-clickhouse-exception-code"), "252");
    assert.match(answer.text, /Too many partitions/);
    assert.equal((await post(`SELECT count() FROM ${table}`)).text, "0\n");
  });

  test("users are known by basic authentication, by headers and by URL; a wrong password is 516 with 403", async () => {
    const basic = { Authorization: `Basic ${Buffer.from("writer:p:w").toString("base64")}` };
    assert.equal((await post("SELECT 1", "", { headers: basic })).text, "1\n");
    const headers = { "X-ClickHouse-User": "writer", "X-ClickHouse-Key": "p:w" };
    assert.equal((await post("SELECT 1", "", { headers })).text, "1\n");
    assert.equal((await post("SELECT 1", "", { params: { user: "writer", password: "p:w" } })).text, "1\n");
    for (const wrong of [
      { "X-ClickHouse-User": "writer" },
      { "X-ClickHouse-User": "nobody" },
      { ...basic, ...headers },
    ]) {
      const answer = await post("SELECT 1", "", { headers: wrong });
      assert.deepEqual([answer.status, answer.headers.get("x-clickhouse-exception-code")], [403, "516"]);
    }
  });

  test("one who may only read hears 164 or 497, and a GET changes nothing", async () => {
    const table = await makeTable("a Int8");
    for (const [user, password, code, status] of [
      ["reader", "r", "164", 500],
      ["guest", "g", "497", 403],
    ] as const) {
      const params = { user, password };
      assert.equal((await post(`SELECT count() FROM ${table}`, "", { params })).text, "0\n");
      for (const query of [`INSERT INTO ${table} FORMAT CSV`, `DROP TABLE ${table}`, "CREATE DATABASE other"]) {
        const answer = await post(query, query.endsWith("CSV") ? "1\n" : "", { params });
        assert.deepEqual([answer.headers.get("x-clickhouse-exception-code"), answer.status], [code, status], query);
      }
    }
    const get = await fetch(`${server.url}/?query=${encodeURIComponent(`DROP TABLE ${table}`)}`);
    assert.equal(get.headers.get("x-clickhouse-exception-code"), "164");
    await get.body?.cancel();
  });

  test("bodies may be gzip or zstd; answers are compressed where both settings ask for it", async () => {
    const table = await makeTable("a String");
    const insert = `INSERT INTO ${table} FORMAT TSV`;
    for (const [encoding, data] of [
      ["gzip", gzipSync("one\n")],
      ["zstd", zstdCompressSync("two\n")],
    ] as const) {
      const outcome = await post(insert, new Uint8Array(data), { headers: { "Content-Encoding": encoding } });
      assert.equal(outcome.text, "");
    }
    const unknown = await post(insert, "x", { headers: { "Content-Encoding": "rot13" } });
    assert.equal(unknown.headers.get("x-clickhouse-exception-code"), "89");
    const broken = await post(insert, "x", { headers: { "Content-Encoding": "gzip" } });
    assert.equal(broken.headers.get("x-clickhouse-exception-code"), "354");
    const raw = await rawGet(`SELECT a FROM ${table} ORDER BY a`, "1");
    assert.equal(raw.encoding, "gzip");
    assert.equal(gunzipSync(raw.bytes).toString(), "one\ntwo\n");
    assert.equal((await rawGet("SELECT 1", "0")).encoding, undefined);
  });

  /** Below fetch, which would decompress the answer unseen. */
  async function rawGet(query: string, enable: string): Promise<{ encoding: string | undefined; bytes: Buffer }> {
    const url = `${server.url}/?enable_http_compression=${enable}&query=${encodeURIComponent(query)}`;
    const request = get(url, { headers: { "Accept-Encoding": "gzip" } });
    const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(request, "response"));
    return { encoding: response.headers["content-encoding"], bytes: Buffer.concat(await response.toArray()) };
  }

  test("queries run side by side", async () => {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 6 }, () => post("SELECT sleep(0.5)")));
    assert.ok(
      performance.now() - startedMs < 2_500,
      "six queries of half a second each, one after the other, take three",
    );
  });

  suite("by @clickhouse/client, unchanged", () => {
    let client: ClickHouseClient;
    before(() => {
      client = createClient({
        url: server.url,
        username: "writer",
        password: "p:w",
        compression: { request: true, response: true },
        log: { level: ClickHouseLogLevel.OFF },
      });
    });
    after(() => client.close());

    test("ping, command, insert of objects, query with parameters, exec", async () => {
      assert.deepEqual(await client.ping(), { success: true });
      const table = uniqueName("t");
      await client.command({ query: `CREATE TABLE ${table} (a UInt32, b String) ENGINE = MergeTree ORDER BY a` });
      const values = Array.from({ length: 1_000 }, (_, index) => ({ a: index, b: `é${index}` }));
      const inserted = await client.insert({ table, values, format: "JSONEachRow" });
      assert.equal(inserted.summary?.written_rows, "1000");
      const result = await client.query({
        query: `SELECT * FROM ${table} WHERE a = {a: UInt32} AND b = {b: String}`,
        query_params: { a: 7, b: "é7" },
        format: "JSONEachRow",
      });
      assert.deepEqual(await result.json(), [{ a: 7, b: "é7" }]);
      const { stream } = await client.exec({ query: `SELECT count() FROM ${table} FORMAT CSV` });
      assert.equal(Buffer.concat(await stream.toArray()).toString(), "1000\n");
    });

    test("insert of a stream of bytes, in a text and in a binary format", async () => {
      const table = uniqueName("t");
      await client.command({ query: `CREATE TABLE ${table} (a String) ENGINE = MergeTree ORDER BY a` });
      const lines = Readable.from([Buffer.from("one\ntw"), Buffer.from("o\n")], { objectMode: false });
      await client.insert({ table, values: lines, format: "TabSeparated" });
      const bytes = Readable.from([Buffer.from([5, 0x74, 0x68, 0x72]), Buffer.from([0x65, 0x65])], {
        objectMode: false,
      });
      const { stream } = await client.exec({ query: `INSERT INTO ${table} FORMAT RowBinary`, values: bytes });
      await stream.toArray();
      const result = await client.query({ query: `SELECT a FROM ${table} ORDER BY a`, format: "JSONCompactEachRow" });
      assert.deepEqual(await result.json(), [["one"], ["three"], ["two"]]);
    });

    test("an error has its code and type", async () => {
      await assert.rejects(client.command({ query: "SELECT * FROM no_such_table" }), (error: unknown) => {
        assert.ok(error instanceof ClickHouseError);
        assert.deepEqual([error.code, error.type], ["60", "UNKNOWN_TABLE"]);
        return true;
      });
    });
  });

  suite("faults on demand", () => {
    test("an answer can be dropped after the insert was applied", async () => {
      const table = await makeTable("a Int8");
      await server.dropNextAnswer(table);
      assert.equal((await post("SELECT 1")).text, "1\n");
      await assert.rejects(post(`INSERT INTO ${table} FORMAT CSV`, "1\n"));
      assert.equal((await post(`SELECT count() FROM ${table}`)).text, "1\n");
      assert.equal((await post(`INSERT INTO ${table} FORMAT CSV`, "2\n")).status, 200);
    });

    test("an answer can be held until it is released, with the rows there meanwhile", async () => {
      const table = await makeTable("a Int8");
      await server.holdNextAnswer(table);
      const insert = post(`INSERT INTO ${table} FORMAT CSV`, "1\n");
      await waitFor(async () => (await server.requests(table)).some(({ state }) => state === "held"), {
        what: "the insert",
      });
      assert.equal((await post(`SELECT count() FROM ${table}`)).text, "1\n");
      await server.release();
      assert.equal((await insert).status, 200);
    });

    test("a query can hang, and is then without an answer", async () => {
      await server.hangNext("hanging_one");
      const query = post("SELECT 1 AS hanging_one");
      const failed = assert.rejects(query);
      await waitFor(async () => (await server.requests("hanging_one")).some(({ state }) => state === "hung"), {
        what: "the query",
      });
      await server.release();
      await failed;
    });

    test("inserts can be refused with a code and a text, unapplied, as often as ordered", async () => {
      const table = await makeTable("a Int8");
      await server.refuseNextInserts({
        code: 252,
        text: "Too many parts (300). (TOO_MANY_PARTS)",
        count: 2,
        match: table,
      });
      for (const expected of ["252", "252", null]) {
        const answer = await post(`INSERT INTO ${table} FORMAT CSV`, "1\n");
        assert.equal(answer.headers.get("x-clickhouse-exception-code"), expected);
      }
      assert.equal((await post(`SELECT count() FROM ${table}`)).text, "1\n");
      const log = await server.requests(`INSERT INTO ${table}`);
      assert.deepEqual(
        log.map(({ state, rows, bytes, code }) => ({ state, rows, bytes, code })),
        [
          { state: "refused", rows: 0, bytes: 2, code: 252 },
          { state: "refused", rows: 0, bytes: 2, code: 252 },
          { state: "answered", rows: 1, bytes: 2, code: 0 },
        ],
      );
    });
  });
});
