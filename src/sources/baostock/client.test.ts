import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import {
  loginAnswer,
  packedBytes,
  packedFrame,
  plainFrame,
  refusal,
  ScriptedBaostock,
  tableFrame,
  type BaostockAsked,
  type BaostockScript,
} from "../../../test/support/scripted-baostock.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createBaostockClient, type BaostockClient, type BaostockClientOptions } from "./client.ts";
import type { BaostockRequest, BaostockTable } from "./table.ts";

const PASSWORD = "a-password-of-mine";
const KEY = "bs-0123456789abcdefghijklmnopqrst";
const REQUEST: BaostockRequest = {
  type: "33",
  method: "query_trade_dates",
  page: { number: 1, rows: 2_000 },
  params: ["2024-01-01", "2024-01-10"],
  fieldsAt: 9,
};
const never = new AbortController().signal;

const days: BaostockScript = (asked) => tableFrame(asked, "calendar_date, is_trading_day", [["2024-01-02", "1"]], 2);
const ANSWER: BaostockTable = { fields: ["calendar_date", "is_trading_day"], items: [["2024-01-02", "1"]] };

function clientOf(server: { readonly port: number }, options: Partial<BaostockClientOptions> = {}): BaostockClient {
  const { port } = server;
  const common = { host: "127.0.0.1", port, user: "me", password: PASSWORD, apiKey: KEY, clock: systemClock };
  return createBaostockClient({ ...common, loginPauseMs: 0, ...options });
}

async function failureOf(client: BaostockClient, signal = never): Promise<unknown> {
  try {
    await client.call(REQUEST, signal);
  } catch (error) {
    const texts = [describeError(error), error instanceof Error ? (error.stack ?? "") : ""].join();
    assert.ok(!texts.includes(PASSWORD) && !texts.includes(KEY), "a secret is in the error");
    return error;
  }
  throw new assert.AssertionError({ message: "the call succeeded" });
}

const allClosed = (server: ScriptedBaostock): Promise<boolean> =>
  waitFor(() => server.open === 0, { what: "the connections to close", everyMs: 2 });

/** The first `faults.length` requests meet a fault each, all others are answered. */
function faulty(...faults: readonly BaostockScript[]): BaostockScript {
  let met = 0;
  return (asked) => {
    const fault = faults[met] ?? days;
    met += 1;
    return fault(asked);
  };
}

test("one login serves many calls, and no request is sent before the last one was answered", async () => {
  let underWay = 0;
  let most = 0;
  await using server = await ScriptedBaostock.open((asked) => {
    underWay += 1;
    most = Math.max(most, underWay);
    setImmediate(() => {
      underWay -= 1;
      asked.socket.write(days(asked) ?? "");
    });
    return undefined;
  });
  await using client = clientOf(server);
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.call(REQUEST, never)));
  assert.ok(answers.every((answer) => JSON.stringify(answer) === JSON.stringify(ANSWER)));
  assert.equal(most, 1);
  assert.equal(server.connections, 1);
  assert.deepEqual(server.asked[0]?.fields, ["login", "me", PASSWORD, KEY]);
  assert.equal(server.asked.length, 21);
});

test("without a key the option of a login is 0", async () => {
  await using server = await ScriptedBaostock.open(days);
  await using client = clientOf(server, { apiKey: "" });
  await client.call(REQUEST, never);
  assert.deepEqual(server.asked[0]?.fields, ["login", "me", PASSWORD, "0"]);
});

test("a server that forgot the session gets one more login and the request once more", async () => {
  await using server = await ScriptedBaostock.open(faulty(() => refusal("10001001", "用户未登录")));
  await using client = clientOf(server);
  assert.deepEqual(await client.call(REQUEST, never), ANSWER);
  assert.deepEqual(server.methods(), ["login", REQUEST.method, "login", REQUEST.method]);
});

test("one that forgets it again fails the call", async () => {
  await using server = await ScriptedBaostock.open(() => refusal("10001001", "用户未登录"));
  await using client = clientOf(server);
  assert.ok((await failureOf(client)) instanceof TransientError);
  assert.deepEqual(server.methods(), ["login", REQUEST.method, "login", REQUEST.method]);
});

test("a connection closed while idle is begun anew before the next request", async () => {
  await using server = await ScriptedBaostock.open(days);
  await using client = clientOf(server);
  await client.call(REQUEST, never);
  server.closeAll();
  await allClosed(server);
  assert.deepEqual(await client.call(REQUEST, never), ANSWER);
  assert.deepEqual(server.methods(), ["login", REQUEST.method, "login", REQUEST.method]);
});

test("a request that met a closing old connection is sent once more; on a new one it fails", async () => {
  const drop: BaostockScript = ({ socket }) => {
    socket.resetAndDestroy();
    return undefined;
  };
  await using old = await ScriptedBaostock.open(faulty(days, drop));
  await using client = clientOf(old);
  await client.call(REQUEST, never);
  assert.deepEqual(await client.call(REQUEST, never), ANSWER);
  assert.equal(old.connections, 2);

  await using fresh = await ScriptedBaostock.open(faulty(drop));
  await using other = clientOf(fresh);
  assert.ok((await failureOf(other)) instanceof TransientError);
  assert.equal(fresh.connections, 1);
  assert.deepEqual(await other.call(REQUEST, never), ANSWER);
});

test("whatever breaks an answer closes the connection, and the next call has a new one", async () => {
  const whole = (asked: BaostockAsked): Buffer => days(asked) ?? Buffer.alloc(0);
  const cut: BaostockScript = (asked) => {
    asked.socket.end(whole(asked).subarray(0, -20));
    return undefined;
  };
  const faults: Readonly<Record<string, BaostockScript>> = {
    "a wrong checksum": (asked) =>
      Buffer.from(whole(asked).toString("latin1").replace("2024-01-02", "2024-01-03"), "latin1"),
    "a page of a gateway": () => Buffer.from("HTTP/1.1 502 Bad Gateway\r\n\r\n<html></html>"),
    "an answer cut short": cut,
    "bytes behind the answer": (asked) => Buffer.concat([whole(asked), Buffer.from("x")]),
    "an answer twice": (asked) => Buffer.concat([whole(asked), whole(asked)]),
    "another request's answer": (asked) =>
      tableFrame({ ...asked, fields: ["query_all_stock", ...asked.fields.slice(1)] }, "a", [], 2),
    "another page": (asked) => tableFrame({ ...asked, fields: asked.fields.with(2, "2") }, "a", [], 2),
    "pages of another length": (asked) => tableFrame({ ...asked, fields: asked.fields.with(3, "500") }, "a", [], 2),
    "a body that does not unpack": () => packedBytes("96", Buffer.from("no zlib at all")),
    "a body that ends too early": () => packedBytes("96", deflateSync(Buffer.from("0\u0001success")).subarray(0, -5)),
    "a body without data": () => plainFrame("34", ["0", "success", REQUEST.method]),
    "data that are no JSON": () =>
      plainFrame("34", ["0", "success", REQUEST.method, "me", "1", "2000", `{"record":[`, "", "", "a"]),
    "a code that is none": () => plainFrame("34", ["success"]),
    "no answer": () => undefined,
  };
  for (const [name, fault] of Object.entries(faults)) {
    await using server = await ScriptedBaostock.open(faulty(fault));
    await using client = clientOf(server, { callMsMax: name === "no answer" ? 50 : 5_000 });
    const error = await failureOf(client);
    assert.ok(error instanceof TransientError && !(error instanceof RateLimitError), `${name}: ${String(error)}`);
    await allClosed(server);
    assert.deepEqual(await client.call(REQUEST, never), ANSWER, name);
    assert.equal(server.connections, 2, name);
  }
});

test("a refused request leaves the connection as it is", async () => {
  await using server = await ScriptedBaostock.open(
    faulty(
      () => refusal("10004006", "请求参数个数不正确"),
      () => plainFrame("34", ["10004011", "证券代码错误"]),
      () => packedFrame("96", ["10005001", "系统错误"]),
      () => plainFrame("96", ["10004012", "无效的指标"]),
    ),
  );
  await using client = clientOf(server);
  assert.ok((await failureOf(client)) instanceof DataError);
  assert.ok((await failureOf(client)) instanceof DataError);
  assert.ok((await failureOf(client)) instanceof TransientError);
  assert.ok((await failureOf(client)) instanceof DataError);
  assert.deepEqual(await client.call(REQUEST, never), ANSWER);
  assert.equal(server.connections, 1);
});

test("bytes that nobody waits for close the connection", async () => {
  await using server = await ScriptedBaostock.open((asked) => {
    setTimeout(() => asked.socket.write("late"), 5);
    return days(asked);
  });
  await using client = clientOf(server);
  await client.call(REQUEST, never);
  await allClosed(server);
});

test("an answer larger than allowed is refused before it is whole, packed or not", async () => {
  const large = "x".repeat(100_000);
  const answers: readonly BaostockScript[] = [
    () => plainFrame("34", ["0", large]),
    () => packedFrame("96", ["0", large]),
    () => Buffer.from("00.9.00\u000134\u00019999999999"),
    ({ socket }) => {
      socket.write("00.9.00\u000196\u00010000009000");
      return Buffer.alloc(200_000, 1);
    },
  ];
  for (const answer of answers) {
    await using server = await ScriptedBaostock.open(faulty(answer));
    await using client = clientOf(server, { frameBytesMax: 10_000, bodyBytesMax: 10_000 });
    assert.ok((await failureOf(client)) instanceof DataError);
    assert.deepEqual(await client.call(REQUEST, never), ANSWER);
  }
});

test("a refused login gets its kind, and the connection is closed", async () => {
  const cases: readonly (readonly [string, string, (error: unknown) => boolean])[] = [
    ["10001002", `密码 ${PASSWORD} ${KEY} 错误`, (error) => error instanceof PermanentError && error.isCredentials],
    ["10001004", "版本过期", (error) => error instanceof PermanentError && error.scope === "provider"],
    ["10001006", "权限不足", (error) => error instanceof PermanentError && error.scope === "provider"],
    ["10001005", "登录数达到上限", (error) => error instanceof RateLimitError && error.retryAfterMs === 3_600_000],
    ["10001011", "黑名单用户", (error) => error instanceof RateLimitError && error.retryAfterMs === 86_400_000],
  ];
  for (const type of ["01", "04"]) {
    for (const [code, text, isRight] of cases) {
      await using server = await ScriptedBaostock.open(days, () => plainFrame(type, [code, text]));
      await using client = clientOf(server);
      const error = await failureOf(client);
      assert.ok(isRight(error), `${code}: ${String(error)}`);
      await allClosed(server);
      assert.deepEqual(server.methods(), ["login"]);
    }
  }
});

test("logins keep their distance, by the clock", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedBaostock.open(faulty(days, () => refusal("10001001", "")));
  await using client = clientOf(server, { clock, loginPauseMs: 10_000 });
  await client.call(REQUEST, never);
  await clock.advance(4_000);
  const second = client.call(REQUEST, never);
  await waitFor(() => server.asked.length === 3 && clock.sleepers === 1, { what: "the requests", everyMs: 2 });
  await clock.advance(5_999);
  assert.equal(server.asked.length, 3);
  await clock.advance(1);
  assert.deepEqual(await second, ANSWER);
  assert.equal(server.connections, 2);
});

test("logins have an end in any hour, and begin again after it", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedBaostock.open(() => Buffer.from("no frame, but long enough"));
  await using client = clientOf(server, { clock, loginsMax: 3 });
  for (let login = 0; login < 3; login += 1) {
    await failureOf(client);
    await clock.advance(60_000);
  }
  const error = await failureOf(client);
  assert.ok(error instanceof RateLimitError);
  assert.equal(error.retryAfterMs, 3_600_000 - 180_000);
  assert.equal(server.connections, 3);
  await clock.advance(error.retryAfterMs);
  await failureOf(client);
  assert.equal(server.connections, 4);
});

test("an abort ends a call at once: asked, waiting its turn, waiting for a login", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedBaostock.open(faulty(days, () => undefined));
  await using client = clientOf(server, { clock, loginPauseMs: 10_000 });
  await client.call(REQUEST, never);
  const controllers = Array.from({ length: 2 }, () => new AbortController());
  const reason = new Error("stop");
  const [asked, waiting] = controllers.map(({ signal }) => failureOf(client, signal));
  await waitFor(() => server.asked.length === 3, { what: "the requests", everyMs: 2 });
  for (const [controller, failure] of [
    [controllers[1], waiting],
    [controllers[0], asked],
  ] as const) {
    const startedAtMs = performance.now();
    controller?.abort(reason);
    assert.equal(await failure, reason);
    assert.ok(performance.now() - startedAtMs < 100);
  }
  await allClosed(server);
  const controller = new AbortController();
  const pausing = failureOf(client, controller.signal);
  await waitFor(() => clock.sleepers === 1, { what: "a sleeper", everyMs: 2 });
  const startedAtMs = performance.now();
  controller.abort(reason);
  assert.equal(await pausing, reason);
  assert.ok(performance.now() - startedAtMs < 100);
  assert.equal(await failureOf(client, AbortSignal.abort(reason)), reason);
  const last = client.call(REQUEST, never);
  await waitFor(() => clock.sleepers === 1, { what: "a sleeper", everyMs: 2 });
  await clock.advance(10_000);
  assert.deepEqual(await last, ANSWER);
});

test("one that gives up its turn holds up nobody", async () => {
  let release: (() => void) | undefined;
  await using server = await ScriptedBaostock.open(
    faulty((asked) => {
      release = () => asked.socket.write(days(asked) ?? "");
      return undefined;
    }),
  );
  await using client = clientOf(server);
  const controller = new AbortController();
  const first = client.call(REQUEST, never);
  const second = failureOf(client, controller.signal);
  const third = client.call(REQUEST, never);
  await waitFor(() => release !== undefined, { what: "the requests", everyMs: 2 });
  controller.abort();
  await second;
  assert.equal(server.asked.length, 2);
  release?.();
  assert.deepEqual(await Promise.all([first, third]), [ANSWER, ANSWER]);
  assert.equal(server.asked.length, 3);
});

test("a server that cannot be reached passes by itself", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const address = closed.address();
  assert.ok(typeof address === "object" && address !== null);
  closed.close();
  await once(closed, "close");
  await using client = clientOf({ port: address.port });
  const error = await failureOf(client);
  assert.ok(error instanceof TransientError && /ECONNREFUSED/.test(error.message), String(error));
});

test("an idle client says goodbye; one at work drops the work", async () => {
  await using idle = await ScriptedBaostock.open(days);
  const polite = clientOf(idle);
  await polite.call(REQUEST, never);
  await polite[Symbol.asyncDispose]();
  assert.deepEqual(idle.methods(), ["login", REQUEST.method, "logout"]);
  assert.match(idle.asked[2]?.fields[2] ?? "", /^\d{14}$/);
  await allClosed(idle);
  assert.ok((await failureOf(polite)) instanceof TransientError);
  assert.equal(idle.connections, 1);

  await using busy = await ScriptedBaostock.open(() => undefined);
  const client = clientOf(busy);
  const failures = [failureOf(client), failureOf(client)];
  await waitFor(() => busy.asked.length === 2, { what: "the requests", everyMs: 2 });
  await client[Symbol.asyncDispose]();
  for (const failure of failures) {
    assert.ok((await failure) instanceof TransientError);
  }
  assert.deepEqual(busy.methods(), ["login", REQUEST.method]);
  await allClosed(busy);
});

test("a server that does not answer a goodbye is left all the same", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedBaostock.open(days, (asked) => {
    asked.socket.once("data", () => asked.socket.removeAllListeners("data"));
    return loginAnswer("me");
  });
  const client = clientOf(server, { clock });
  await client.call(REQUEST, never);
  const closed = client[Symbol.asyncDispose]();
  await waitFor(() => clock.sleepers === 1, { what: "a sleeper", everyMs: 2 });
  await clock.advance(2_000);
  await closed;
});

test("options that cannot be right are refused before any call", () => {
  for (const wrong of [{ host: "" }, { user: "" }, { password: "" }, { password: "a\u0001b" }, { apiKey: "a\nb" }]) {
    assert.throws(() => clientOf({ port: 1 }, wrong), TypeError);
  }
});

test("an answer to an earlier request of the same method passes for none, and days may be others", async () => {
  const request: BaostockRequest = {
    type: "15",
    method: "query_adjust_factor",
    page: { number: 1, rows: 2_000 },
    params: ["sh.600000", "1990-01-01", "2024-01-10"],
    fieldsAt: 10,
  };
  const echo =
    (code: string): BaostockScript =>
    (asked) =>
      tableFrame({ ...asked, fields: [...asked.fields.slice(0, 4), code, "1999-11-10", "2024-01-10"] }, "code", [], 3);
  await using other = await ScriptedBaostock.open(echo("sh.600001"));
  await using client = clientOf(other);
  await assert.rejects(
    client.call(request, never),
    (error) =>
      error instanceof TransientError && /answers for "sh\.600001" instead of "sh\.600000"/.test(error.message),
  );
  await using same = await ScriptedBaostock.open(echo("sh.600000"));
  await using second = clientOf(same);
  assert.deepEqual(await second.call(request, never), { fields: ["code"], items: [] });
});

test("no refusal asks for a longer wait than is allowed", async () => {
  for (const [code, waitMs] of [
    ["10001011", 5_000],
    ["10001005", 5_000],
    ["10001003", 5_000],
  ] as const) {
    await using server = await ScriptedBaostock.open(() => refusal(code, "no"));
    await using client = clientOf(server, { waitMsMax: 5_000 });
    const error = await failureOf(client);
    assert.ok(error instanceof TransientError);
    assert.equal(error.retryAfterMs, waitMs);
  }
});
