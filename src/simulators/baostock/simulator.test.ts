import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import { Temporal } from "temporal-polyfill";

import { ask, LOGIN, readAnswer, request, wire } from "../../../test/support/baostock-wire.ts";
import { RawConnection } from "../../../test/support/raw-connection.ts";
import { systemClock, type Clock } from "../../base/clock.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { marketData } from "./market-data.ts";
import { startBaostockSimulator, type BaostockSimulator, type BaostockSimulatorOptions } from "./simulator.ts";

const market = generateMarket({ seed: 11, codes: 12, tradingDays: 30 });
const data = marketData(market);
const DAYS = request("33", "query_trade_dates|anonymous|1|2000|2025-12-22|2025-12-31");

/** Runs a part of a test with a simulator and a fresh connection to it. */
async function withConnection(
  options: Partial<BaostockSimulatorOptions>,
  use: (connection: RawConnection, simulator: BaostockSimulator) => Promise<void>,
): Promise<void> {
  await using simulator = await startBaostockSimulator({ data, ...options });
  await using connection = await RawConnection.open(simulator.port);
  await use(connection, simulator);
}

async function codeOf(connection: RawConnection, bytes: Buffer): Promise<string> {
  return readAnswer(await ask(connection, bytes)).fields[0] ?? "";
}

function bars(fields: string, rest = "2025-12-22|2025-12-31|d|3", code = "sh.600000"): Buffer {
  return request("95", `query_history_k_data_plus|anonymous|1|2000|${code}|${fields}|${rest}`);
}

function withChecksum(signed: string): string {
  return wire(`${signed}|${crc32(wire(signed))}\n`).toString();
}

function clockAt(text: string): Clock {
  const now = Temporal.Instant.from(text);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

test("a query needs a login, on its own connection, by its own user, and until the logout", async () => {
  await withConnection({}, async (connection, simulator) => {
    assert.equal(await codeOf(connection, DAYS), "10001001");
    assert.equal(await codeOf(connection, LOGIN), "0");
    assert.equal(await codeOf(connection, DAYS), "0");
    assert.equal(
      await codeOf(connection, request("33", "query_trade_dates|other|1|9|2025-12-22|2025-12-31")),
      "10001001",
    );
    await using second = await RawConnection.open(simulator.port);
    assert.equal(await codeOf(second, DAYS), "10001001");
    assert.equal(await codeOf(connection, request("02", "logout|anonymous|20251231120000")), "0");
    assert.equal(await codeOf(connection, DAYS), "10001001");
    assert.deepEqual(simulator.connections, { opened: 2, most: 2 });
  });
});

test("a login is refused for its user, its password, its version and its form", async () => {
  await withConnection({ loginRefusalType: "01" }, async (connection) => {
    for (const [body, code] of [
      ["login|anonymous|wrong|0", "10001002"],
      ["login|nobody|123456|0", "10001002"],
      ["login||123456|0", "10001008"],
      ["login|anonymous||0", "10001009"],
      ["login|anonymous|123456", "10004006"],
    ] as const) {
      const answer = readAnswer(await ask(connection, request("00", body)));
      assert.deepEqual([answer.type, answer.fields[0]], ["01", code], body);
    }
    assert.equal(await codeOf(connection, request("00", "login|anonymous|123456|0", "00.8.80")), "10001004");
    for (const version of ["00.8.90", "00.9.10", "00.9.20", "00.9.30", "00.9.40"]) {
      assert.equal(await codeOf(connection, request("00", "login|anonymous|123456|0", version)), "0", version);
    }
    assert.equal(await codeOf(connection, request("00", `login|anonymous|123456|bs-${"1".repeat(30)}`)), "0");
  });
});

test("an account has so many sessions at once, and a closed connection ends its own", async () => {
  const accounts = [{ user: "few", password: "secret", sessionsMax: 1 }];
  const login = request("00", "login|few|secret|0");
  await withConnection({ accounts }, async (connection, simulator) => {
    assert.equal(await codeOf(connection, login), "0");
    assert.equal(await codeOf(connection, login), "0", "again on the same connection");
    {
      await using second = await RawConnection.open(simulator.port);
      assert.equal(await codeOf(second, login), "10001005");
      await connection[Symbol.asyncDispose]();
      while ((await codeOf(second, login)) !== "0") {
        // The server has yet to see that the first is gone.
      }
    }
    assert.ok(!JSON.stringify(simulator.requests).includes("secret"));
  });
});

test("a damaged request is malformed, whatever is damaged; both ways of counting its length are right", async () => {
  await withConnection({}, async (connection) => {
    await ask(connection, LOGIN);
    const text = DAYS.toString();
    for (const damaged of [
      text.replace("2025-12-22", "2025-12-21"),
      text.replace(/\d\n$/, "\n"),
      withChecksum(text.slice(0, text.lastIndexOf("\u0001")).replace("0000000056", "0000000057")),
      text.replace("00.9.40", "00-9-40"),
      "\n",
      "GET / HTTP/1.1\r\n",
    ]) {
      assert.notEqual(damaged, text);
      assert.equal(await codeOf(connection, Buffer.from(damaged)), "10004019", JSON.stringify(damaged));
    }
    const name = "query_stock_basic|anonymous|1|2000||银行";
    const inCharacters = request("45", name);
    const inBytes = withChecksum(`00.9.40|45|${String(wire(name).length).padStart(10, "0")}${name}`);
    assert.notEqual(inBytes, inCharacters.toString());
    assert.ok((await ask(connection, inCharacters)).equals(await ask(connection, wire(inBytes))));
  });
});

test("the number of parameters is checked for every method", async () => {
  await withConnection({}, async (connection) => {
    await ask(connection, LOGIN);
    for (const [type, body] of [
      ["33", "query_trade_dates|anonymous|1|2000|2025-12-22"],
      ["33", "query_trade_dates|anonymous|1|2000|2025-12-22|2025-12-31|x"],
      ["95", "query_history_k_data_plus|anonymous|1|2000|sh.600000|date|2025-12-22|2025-12-31|d"],
      ["98", "query_daily_history_k_AStock|anonymous|1|2000|2025-12-31"],
      ["71", "query_st_stocks|anonymous|1|2000"],
      ["33", "query_all_stock|anonymous|1|2000|2025-12-22|2025-12-31"],
    ] as const) {
      const answer = readAnswer(await ask(connection, request(type, body)));
      assert.deepEqual([answer.type, answer.fields], ["04", ["10004006", "请求参数个数不正确"]], body);
    }
    for (const type of ["75", "94", "11", "ZZ"]) {
      assert.equal(await codeOf(connection, request(type, "query_any|anonymous|1|2000|x")), "10004020");
    }
  });
});

test("parameters that cannot be are refused by the codes of the provider's table", async () => {
  await withConnection({}, async (connection) => {
    await ask(connection, LOGIN);
    for (const [bytes, code] of [
      [bars("date,close", "2025-13-22|2025-12-31|d|3"), "10004007"],
      [bars("date,close", "2025-12-22|20251231|d|3"), "10004008"],
      [bars("date,close", "2025-12-31|2025-12-22|d|3"), "10004009"],
      [bars("date,close", "|2025-12-31|d|3"), "10004005"],
      [bars("date,close", "2025-12-22|2025-12-31|1|3"), "10004006"],
      [bars("date,close", "2025-12-22|2025-12-31|d|4"), "10004006"],
      [bars("date,close,colour"), "10004012"],
      [bars("date,close,Close"), "10004018"],
      [bars("date,time,close"), "10004012"],
      [bars("date,turn", "2025-12-22|2025-12-31|5|3"), "10004012"],
      [bars("date,turn", undefined, "sh.000001"), "10004012"],
      [bars("date,close", "2025-12-22|2025-12-31|5|3", "sh.000001"), "10004015"],
      [bars("date,close", undefined, "600000.SH"), "10004011"],
      [bars("date,close", undefined, ""), "10004005"],
      [request("35", "query_all_stock|anonymous|1|2000|yesterday"), "10004010"],
      [request("33", "query_trade_dates|anonymous|0|2000|2025-12-22|2025-12-31"), "10004006"],
      [request("13", "query_dividend_data|anonymous|1|2000|sh.600000|25|report"), "10004006"],
    ] as const) {
      assert.equal(await codeOf(connection, bytes), code, bytes.toString());
    }
    assert.equal(await codeOf(connection, DAYS), "0", "the connection stays open");
  });
});

test("fields come in the order asked and are echoed as they were", async () => {
  await withConnection({}, async (connection) => {
    await ask(connection, LOGIN);
    const answer = readAnswer(await ask(connection, bars("CLOSE, date,open")));
    const { close, date, open } = { close: 0, date: 1, open: 2 };
    const bar = market.history("600000.SH")?.bars.at(-1);
    const row = answer.rows.at(-1) ?? [];
    assert.deepEqual(
      [row[date], row[close], row[open]],
      [bar?.day, `${((bar?.closeCents ?? 0) / 100).toFixed(2)}00`, `${((bar?.openCents ?? 0) / 100).toFixed(2)}00`],
    );
    assert.deepEqual(answer.fields.slice(7), ["sh.600000", "CLOSE, date,open", "2025-12-22", "2025-12-31", "d", "3"]);
    assert.equal(answer.type, "96");
  });
});

test("pages are cut at the rows asked and numbered as asked; after a last full page comes an empty one", async () => {
  await withConnection({}, async (connection) => {
    await ask(connection, LOGIN);
    const pages: string[][] = [];
    for (const page of [1, 2, 3]) {
      const body = `query_trade_dates|anonymous|${page}|5|2025-12-22|2025-12-31`;
      const { fields, rows } = readAnswer(await ask(connection, request("33", body)));
      assert.deepEqual(fields.slice(4, 6), [String(page), "5"]);
      assert.equal(fields[6] === "", page === 3);
      pages.push(rows.map(([day = ""]) => day.slice(8)));
    }
    assert.deepEqual(pages, [["22", "23", "24", "25", "26"], ["27", "28", "29", "30", "31"], []]);
  });
});

test("what is out depends on the hour in Beijing: days at 17:30, factors at 18:00, minutes at 20:00", async () => {
  const day = "2025-12-31";
  const queries = {
    daily: bars("date,close", `${day}|${day}|d|3`),
    minutes: bars("date,close", `${day}|${day}|60|3`),
    all: request("35", `query_all_stock|anonymous|1|2000|${day}`),
    batch: request("98", `query_daily_history_k_AStock|anonymous|${day}`),
  };
  const out: Record<string, readonly string[]> = {};
  for (const time of ["17:29", "17:30", "19:59", "20:00"]) {
    await withConnection({ clock: clockAt(`${day}T${time}:00+08:00`) }, async (connection) => {
      await ask(connection, LOGIN);
      const names: string[] = [];
      for (const [name, bytes] of Object.entries(queries)) {
        const { fields, rows } = readAnswer(await ask(connection, bytes));
        assert.equal(fields[0], "0");
        names.push(...(rows.length > 0 ? [name] : []));
      }
      out[time] = names;
    });
  }
  const early = ["daily", "all", "batch"];
  assert.deepEqual(out, { "17:29": [], "17:30": early, "19:59": early, "20:00": ["daily", "minutes", "all", "batch"] });
});

test("beyond its limits an address is blacklisted for as long as they say, told so or met with silence", async () => {
  let nowMs = Date.UTC(2026, 0, 5);
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  await withConnection({ clock, limits: { requestsMax: 3, windowMs: 1_000, banMs: 5_000 } }, async (connection) => {
    assert.deepEqual([await codeOf(connection, LOGIN), await codeOf(connection, DAYS)], ["0", "0"]);
    nowMs += 1_000;
    assert.deepEqual([await codeOf(connection, DAYS), await codeOf(connection, DAYS)], ["0", "0"]);
    assert.deepEqual([await codeOf(connection, DAYS), await codeOf(connection, DAYS)], ["0", "10001011"]);
    nowMs += 4_999;
    assert.equal(await codeOf(connection, LOGIN), "10001011");
    nowMs += 1;
    assert.equal(await codeOf(connection, DAYS), "0");
  });
  await withConnection({ limits: { loginsMax: 2 } }, async (connection) => {
    assert.deepEqual([await codeOf(connection, LOGIN), await codeOf(connection, LOGIN)], ["0", "0"]);
    assert.deepEqual([await codeOf(connection, LOGIN), await codeOf(connection, DAYS)], ["10001011", "10001011"]);
  });
  await withConnection({ limits: { sessionsMax: 1, answer: "silence" } }, async (connection, simulator) => {
    assert.equal(await codeOf(connection, LOGIN), "0");
    await using second = await RawConnection.open(simulator.port);
    second.send(LOGIN);
    // The log shows that the login was seen; nothing of an answer may be there when the blacklist is lifted.
    while (simulator.requests.length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    simulator.clearFaults();
    await connection[Symbol.asyncDispose]();
    assert.equal(await codeOf(second, DAYS), "10001001");
  });
});

test("the log has what was asked and what came of it, and no password", async () => {
  await withConnection({ clock: clockAt("2026-01-05T10:00:00Z") }, async (connection, simulator) => {
    await ask(connection, LOGIN);
    await ask(connection, DAYS);
    await ask(connection, request("75", "query_cpi_data|anonymous|1|2000|2025|2025"));
    const common = { atMs: Date.UTC(2026, 0, 5, 10), connection: 1, fault: undefined };
    assert.deepEqual(
      simulator.requests.map(({ latencyMs: _latencyMs, ...rest }) => rest),
      [
        { ...common, type: "00", method: "login", parameters: [], outcome: "0", rows: 0 },
        {
          ...common,
          type: "33",
          method: "query_trade_dates",
          parameters: ["1", "2000", "2025-12-22", "2025-12-31"],
          outcome: "0",
          rows: 10,
        },
        {
          ...common,
          type: "75",
          method: "query_cpi_data",
          parameters: ["1", "2000", "2025", "2025"],
          outcome: "10004020",
          rows: 0,
        },
      ],
    );
    simulator.clearRequests();
    assert.equal(simulator.requests.length, 0);
  });
});

test("over HTTP on the same port faults are ordered and requests are shown, and it counts as no client", async () => {
  await withConnection({}, async (connection, simulator) => {
    const url = `http://127.0.0.1:${simulator.port}/_sim`;
    await ask(connection, LOGIN);
    const order = { fault: { kind: "empty" }, method: "query_trade_dates" };
    const ordered = await fetch(`${url}/faults`, { method: "POST", body: JSON.stringify(order) });
    assert.equal(ordered.status, 200);
    assert.equal(readAnswer(await ask(connection, DAYS)).rows.length, 0);
    const shown: { readonly requests: unknown } = JSON.parse(await (await fetch(`${url}/requests`)).text());
    assert.deepEqual(shown.requests, JSON.parse(JSON.stringify(simulator.requests)));
    await fetch(`${url}/requests`, { method: "DELETE" });
    assert.equal(simulator.requests.length, 0);
    simulator.injectFault({ kind: "empty" });
    await fetch(`${url}/faults`, { method: "DELETE" });
    assert.equal(readAnswer(await ask(connection, DAYS)).rows.length, 10);
    const wrong = await fetch(`${url}/faults`, { method: "POST", body: '{"fault":{"kind":"gremlin"}}' });
    assert.deepEqual([wrong.status, (await fetch(`${url}/other`)).status], [400, 404]);
    assert.equal(simulator.connections.opened, 1);
  });
});
