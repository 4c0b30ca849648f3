import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { systemClock } from "../../base/clock.ts";
import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createTushareClient, type TushareClient, type TushareClientOptions } from "./client.ts";

/** Recorded answers, byte for byte (protocol page, section 9). */
const CAPTURES = {
  limits: `{"request_id":"1cc2e89a-1e9f-4ad4-ae84-ed4390eff364","code":0,"msg":"","data":{"fields":["ts_code","trade_date","pre_close","up_limit","down_limit"],"items":[["000001.SZ","20190625",13.69,15.06,12.32],["000002.SZ","20190625",28.13,30.94,25.32],["000004.SZ","20190625",22.86,25.15,20.57],["000005.SZ","20190625",3.17,3.49,2.85],["000006.SZ","20190625",5.58,6.14,5.02]]}}`,
  calendar: `{"code":0,"message":"","data":{"fields":["exchange","cal_date","is_open","pretrade_date"],"items":[["SSE","20250105",0,"20250103"],["SSE","20250104",0,"20250103"],["SSE","20250103",1,"20250102"]],"has_more":true,"count":-1},"request_id":"test"}`,
  missingCode: `{"request_id":"ffe84ad056e011ebacf86f2e88a94ac61610680993100909","code":40101,"msg":"ts_code required","data":null}`,
  serverFault: `{"request_id":"b9cc3c30cbf511ea9fa9734811bcef5e1595406683281758","code":50101,"msg":"系统未知错误，欢迎上报！ 谢谢！","data":null}`,
  unreadable: `{"request_id":"c1bb27d0e81211e8aa6cd00dd36710041542202789212392","code":-1000,"msg":"\\u7cfb\\u7edf\\u5185\\u90e8\\u9519\\u8bef","data":null}`,
  hourLimit: `{"code":40203,"msg":"抱歉，您每小时最多访问该接口1次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。","message":"抱歉，您每小时最多访问该接口1次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。","data":null}`,
  addresses: `{"code":40204,"msg":"您的IP数量超限，最大数量为2个！","data":null}`,
};
const TOKEN = "0123456789abcdef".repeat(3) + "01234567";
const REQUEST = { api: "daily", params: { ts_code: "000001.SZ" }, fields: ["ts_code", "open"] };
const never = new AbortController().signal;

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

class Rig implements AsyncDisposable {
  readonly client: TushareClient;
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, options: Partial<TushareClientOptions>) {
    this.#server = server;
    this.url = urlOf(server);
    this.client = createTushareClient({ token: TOKEN, clock: systemClock, baseUrl: this.url, ...options });
  }

  static async open(handler: Handler, options: Partial<TushareClientOptions> = {}): Promise<Rig> {
    return new Rig(await serve(handler), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await stop(this.#server);
  }
}

async function serve(handler: Handler): Promise<Server> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => handler(request, response, Buffer.concat(pieces).toString("utf8")));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function urlOf(server: Server): string {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

async function failureOf(client: TushareClient, signal = never): Promise<unknown> {
  try {
    await client.call(REQUEST, signal);
  } catch (error) {
    assert.ok(!describeError(error).includes(TOKEN), "the token is in the error");
    return error;
  }
  throw new assert.AssertionError({ message: "the call succeeded" });
}

const answering =
  (body: string, status = 200): Handler =>
  (_request, response) =>
    response.writeHead(status, { "content-type": "application/json" }).end(body);

test("a call is one POST with the token in the body and nowhere else", async () => {
  const seen: { url: string; method: string; headers: string; body: unknown }[] = [];
  await using rig = await Rig.open((request, response, body) => {
    seen.push({
      url: request.url ?? "",
      method: request.method ?? "",
      headers: JSON.stringify(request.headers),
      body: JSON.parse(body),
    });
    response.end(CAPTURES.limits);
  });
  await rig.client.call(REQUEST, never);
  const body = { api_name: "daily", token: TOKEN, params: { ts_code: "000001.SZ" }, fields: "ts_code,open" };
  assert.equal(seen.length, 1);
  assert.deepEqual(seen[0]?.body, body);
  assert.equal(seen[0].method, "POST");
  assert.ok(!seen[0].url.includes(TOKEN) && !seen[0].headers.includes(TOKEN));
});

test("recorded successes are read with their numbers as text, plain and packed", async () => {
  let calls = 0;
  await using rig = await Rig.open((request, response) => {
    calls += 1;
    assert.match(request.headers["accept-encoding"] ?? "", /gzip/);
    if (calls === 1) {
      response.end(CAPTURES.limits);
    } else {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(CAPTURES.calendar));
    }
  });
  const limits = await rig.client.call(REQUEST, never);
  assert.deepEqual(limits.items[1], ["000002.SZ", "20190625", "28.13", "30.94", "25.32"]);
  assert.equal(limits.hasMore, undefined);
  const calendar = await rig.client.call(REQUEST, never);
  assert.deepEqual(calendar.items[2], ["SSE", "20250103", "1", "20250102"]);
  assert.equal(calendar.hasMore, true);
});

test("recorded failures come with status 200 and get their kind", async () => {
  const bodies = [
    CAPTURES.missingCode,
    CAPTURES.serverFault,
    CAPTURES.unreadable,
    CAPTURES.hourLimit,
    CAPTURES.addresses,
  ];
  let next = 0;
  await using rig = await Rig.open((_request, response) => {
    response.end(bodies[next]);
    next += 1;
  });
  assert.ok((await failureOf(rig.client)) instanceof DataError);
  assert.ok((await failureOf(rig.client)) instanceof TransientError);
  assert.ok((await failureOf(rig.client)) instanceof DataError);
  const limited = await failureOf(rig.client);
  assert.ok(limited instanceof RateLimitError);
  assert.deepEqual(limited.limit, { calls: 1, windowMs: 3_600_000 });
  assert.ok((await failureOf(rig.client)) instanceof TransientError);
});

test("a gateway's page, a broken body and a success without data are the provider's failure", async () => {
  const html = "<html><body>502 Bad Gateway</body></html>";
  const answers: readonly (readonly [string, number])[] = [
    [html, 502],
    [html, 200],
    [`{"code":0,"msg":"","da`, 200],
    [`{"code":0,"msg":"","data":null}`, 200],
    [`{"code":0,"msg":"","data":{"fields":[],"items":[]}}`, 200],
    [`{"detail":"x"}`, 200],
    ["", 200],
    [CAPTURES.serverFault, 500],
    [CAPTURES.limits, 500],
  ];
  for (const [body, status] of answers) {
    await using rig = await Rig.open(answering(body, status));
    const error = await failureOf(rig.client);
    assert.ok(error instanceof TransientError, `${status} ${body}: ${String(error)}`);
  }
});

test("a wrong method says that the address is wrong", async () => {
  await using rig = await Rig.open(answering("抱歉, 不合法的请求，(HTTP 405: Method Not Allowed)！", 405));
  const error = await failureOf(rig.client);
  assert.ok(error instanceof PermanentError);
  assert.equal(error.scope, "provider");
});

test("a closed connection, a refused one and a late answer pass by themselves", async () => {
  await using reset = await Rig.open((request) => request.socket.resetAndDestroy());
  assert.ok((await failureOf(reset.client)) instanceof TransientError);

  await using half = await Rig.open((request, response) => {
    response.writeHead(200, { "content-length": "1000" }).write("{");
    setImmediate(() => request.socket.destroy());
  });
  assert.ok((await failureOf(half.client)) instanceof TransientError);

  await using silent = await Rig.open(() => undefined, { callMsMax: 30 });
  const late = await failureOf(silent.client);
  assert.ok(late instanceof TransientError);
  assert.match(late.message, /no answer in time/);

  const closed = await serve(() => undefined);
  const baseUrl = urlOf(closed);
  await stop(closed);
  await using gone = createTushareClient({ token: TOKEN, clock: systemClock, baseUrl });
  assert.ok((await failureOf(gone)) instanceof TransientError);
});

test("an answer larger than allowed is refused, packed or not", async () => {
  const large = `{"code":0,"msg":"${"x".repeat(100_000)}"}`;
  await using plain = await Rig.open(answering(large), { bodyBytesMax: 10_000 });
  assert.ok((await failureOf(plain.client)) instanceof DataError);
  await using packed = await Rig.open(
    (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(large)),
    { bodyBytesMax: 10_000 },
  );
  assert.ok((await failureOf(packed.client)) instanceof DataError);
});

test("an abort ends a call at once with the signal's reason", async () => {
  await using rig = await Rig.open(() => undefined);
  const controller = new AbortController();
  const reason = new Error("stop");
  const failure = failureOf(rig.client, controller.signal);
  const startedAtMs = performance.now();
  controller.abort(reason);
  assert.equal(await failure, reason);
  assert.ok(performance.now() - startedAtMs < 100);
});

test("a token the server repeats does not reach the error", async () => {
  await using rig = await Rig.open((_request, response, body) => response.writeHead(502).end(body));
  const error = await failureOf(rig.client);
  assert.ok(error instanceof TransientError);
});

test("calls go through the proxy of the environment, except to this machine", async (t) => {
  const asked: string[] = [];
  const proxy = await serve((request, response) => {
    asked.push(request.url ?? "");
    response.end(CAPTURES.limits);
  });
  const before = { ...process.env };
  t.after(async () => {
    process.env = before;
    await stop(proxy);
  });
  process.env["http_proxy"] = urlOf(proxy);
  delete process.env["no_proxy"];
  delete process.env["NO_PROXY"];
  await using far = createTushareClient({ token: TOKEN, clock: systemClock, baseUrl: "http://tushare.invalid" });
  await far.call(REQUEST, never);
  assert.deepEqual(asked, ["http://tushare.invalid/"]);
  await using rig = await Rig.open(answering(CAPTURES.limits));
  await rig.client.call(REQUEST, never);
  assert.equal(asked.length, 1);
});

test("an empty token or an address that is none is refused before any call", () => {
  assert.throws(() => createTushareClient({ token: "", clock: systemClock }), TypeError);
  assert.throws(() => createTushareClient({ token: TOKEN, clock: systemClock, baseUrl: "ftp://x" }), TypeError);
});
