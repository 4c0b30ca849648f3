import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { after, before, suite, test } from "node:test";

import { silentLog } from "../../../base/log.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import { whyNoClickHouse } from "../../../../test/support/services/clickhouse-http.ts";
import { serveStore, type StoreServer } from "./serve.ts";

const SLOW = "SELECT sum(sleepEachRow(1)) FROM numbers(20)";
/** Counts itself too. */
const RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'";
const SLOW_SETTINGS = { max_block_size: "1", function_sleep_max_microseconds_per_block: "100000000" };

suite("the engine as others meet it", { skip: whyNoClickHouse() ?? false }, () => {
  let folder: string;
  let server: StoreServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "serve-"));
    server = await serveStore({ folder, host: "127.0.0.1", port: 0, log: silentLog });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(
    query: string,
    params: Readonly<Record<string, string>> = {},
    init: RequestInit = {},
  ): Promise<{
    readonly status: number;
    readonly code: string | null;
    readonly encoding: string | null;
    readonly text: string;
  }> {
    const url = `${server.url}/?${new URLSearchParams({ query, ...params }).toString()}`;
    const headers = { "X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password };
    const answer = await fetch(url, { method: "POST", ...init, headers: { ...headers, ...init.headers } });
    return {
      status: answer.status,
      code: answer.headers.get("x-clickhouse-exception-code"),
      encoding: answer.headers.get("content-encoding"),
      text: await answer.text(),
    };
  }

  test("two of many slow queries run, too many are refused, and those whose clients left are cancelled", async () => {
    const clients = new AbortController();
    const refused: (string | null)[] = [];
    const slow = Array.from({ length: 40 }, async () => {
      const { code } = await ask(SLOW, SLOW_SETTINGS, { signal: clients.signal });
      refused.push(code);
    });
    const ended = Promise.allSettled(slow);
    await waitFor(() => refused.length === 6, { what: "six refusals" });
    assert.deepEqual(new Set(refused), new Set(["202"]));
    assert.ok((await readFile(import.meta.filename)).length > 0);
    clients.abort();
    await ended;
    const startedMs = performance.now();
    await waitFor(async () => (await ask(RUNNING)).text === "1\n", { what: "the end of the slow ones" });
    assert.ok(performance.now() - startedMs < 10_000, "they would have taken twenty seconds");
  });

  test("a query ends after 300 s and an answer has at most 256 MiB, unless the request says otherwise", async () => {
    const bounds = "SELECT getSetting('max_execution_time'), getSetting('max_result_bytes')";
    assert.equal((await ask(bounds)).text, "300\t268435456\n");
    assert.equal((await ask(bounds, { max_execution_time: "7", max_result_bytes: "0" })).text, "7\t0\n");
    const small = { max_result_bytes: "1000" };
    assert.equal((await ask("SELECT number FROM numbers(1000)", small)).code, "396");
    assert.equal((await ask("CREATE TABLE w (a UInt64) ENGINE = Memory")).status, 200);
    assert.equal((await ask("INSERT INTO w SELECT number FROM numbers(1000)", small)).status, 200);
    assert.equal((await ask("SELECT count() FROM w")).text, "1000\n");
  });

  test("every new session is served, however many were left behind", async () => {
    for (let index = 0; index < 101; index += 1) {
      assert.equal((await ask("SELECT 1", { session_id: `s${index}` })).text, "1\n");
    }
    const [session, again] = [{ session_id: "last" }, { session_id: "last", session_check: "1" }];
    await ask("CREATE TEMPORARY TABLE mine (a Int8)", session);
    assert.equal((await ask("SELECT count() FROM mine", { ...again, close_session: "1" })).text, "0\n");
    assert.equal((await ask("SELECT 1", again)).code, "372");
    assert.equal((await ask("SELECT 1", { ...session, session_timeout: "3601" })).code, "374");
  });

  test("a large answer is compressed beside the event loop, and cheaply", async () => {
    const rows = "SELECT number, toString(cityHash64(number)) FROM numbers(60000)";
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    for (const accepted of ["br", "br, gzip", "deflate, br, gzip, zstd"]) {
      const answer = await ask(rows, { enable_http_compression: "1" }, { headers: { "Accept-Encoding": accepted } });
      assert.equal(answer.encoding, accepted.split(", ").at(-1));
      assert.equal(answer.text.split("\n").length, 60_001);
    }
    delay.disable();
    assert.ok(delay.max < 1e9, `the event loop stood still for ${Math.round(delay.max / 1e6)} ms`);
  });

  test("a page that points a name of its own at this machine is not served, with the password or without", async () => {
    const asked = async (host: string): Promise<number | undefined> => {
      const headers = { host, "X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password };
      const request = get(`${server.url}/?query=SELECT+1`, { headers });
      // Node's own event.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const [answer] = (await once(request, "response")) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    };
    assert.equal(await asked("rebound.example"), 421);
    assert.equal(await asked("localhost:1"), 200);
  });

  test("at the end a running query may answer, and a long one is cancelled before the engine closes", async () => {
    for (const [seconds, isAnswered] of [
      [0.5, true],
      [20, false],
    ] as const) {
      const rows = `SELECT count() FROM numbers(${seconds * 10}) WHERE sleepEachRow(0.1) = 0`;
      const query = ask(rows, SLOW_SETTINGS).catch(() => undefined);
      await waitFor(async () => (await ask(RUNNING)).text === "2\n", { what: "the slow query" });
      const startedMs = performance.now();
      await server[Symbol.asyncDispose]();
      assert.ok(performance.now() - startedMs < 3_000, "it waits a moment and no longer");
      assert.equal((await query)?.text, isAnswered ? `${seconds * 10}\n` : undefined);
      server = await serveStore({ folder, host: "127.0.0.1", port: 0, log: silentLog });
    }
  });
});
