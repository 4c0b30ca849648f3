import assert from "node:assert/strict";
import { test } from "node:test";

import { clockAt, chartBody, faultBody, ScriptedYahoo, type YahooReply } from "../../../test/support/scripted-yahoo.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createYahooClient, type YahooClient, type YahooClientOptions } from "./client.ts";

const never = new AbortController().signal;
const REQUEST = { symbol: "AAPL", interval: "1d", period1: 1_700_000_000, period2: 1_700_100_000 } as const;
const NOTHING = chartBody({ symbol: "AAPL", rows: [] });

class Rig implements AsyncDisposable {
  readonly server: ScriptedYahoo;
  readonly client: YahooClient;
  readonly clock = clockAt("2026-03-10T03:00:00Z");
  replies: (YahooReply | string)[] = [];

  private constructor(server: ScriptedYahoo, options: Partial<YahooClientOptions>) {
    this.server = server;
    this.client = createYahooClient({ clock: this.clock, baseUrl: server.url, pauseMs: 0, ...options });
  }

  static async open(options: Partial<YahooClientOptions> = {}): Promise<Rig> {
    const server: ScriptedYahoo = await ScriptedYahoo.open(() => rig.replies.shift() ?? NOTHING);
    const rig: Rig = new Rig(server, options);
    return rig;
  }

  async failure(...replies: (YahooReply | string)[]): Promise<unknown> {
    this.replies = replies;
    try {
      await this.client.chart(REQUEST, never);
    } catch (error) {
      return error;
    }
    throw new assert.AssertionError({ message: "the request was answered" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

test("a request looks like a browser's, and carries neither cookie nor crumb", async () => {
  await using rig = await Rig.open();
  await rig.client.chart(REQUEST, never);
  const [asked] = rig.server.asked;
  assert.ok(asked !== undefined);
  assert.match(asked.headers["user-agent"] ?? "", /^Mozilla\//);
  assert.equal(asked.headers.cookie, undefined);
  assert.equal(asked.path, "/v8/finance/chart/AAPL");
  assert.ok(!asked.query.has("crumb"));
});

test("an address with a path keeps it", async () => {
  await using rig = await Rig.open();
  await using client = createYahooClient({ clock: rig.clock, baseUrl: `${rig.server.url}/yahoo` });
  await client.chart(REQUEST, never);
  assert.equal(rig.server.asked[0]?.path, "/yahoo/v8/finance/chart/AAPL");
  assert.throws(() => createYahooClient({ clock: rig.clock, baseUrl: "yahoo" }), TypeError);
});

test("what the provider refuses is wrong for good, what it fails at passes", async () => {
  await using rig = await Rig.open();
  const refusals = [
    [404, "Not Found", "No data found, symbol may be delisted"],
    [400, "Bad Request", "Invalid input - interval=7m is not supported. Valid intervals: [1m]"],
    [
      422,
      "Unprocessable Entity",
      "1m data not available for startTime=1 and endTime=2. The requested range must be within the last 30 days.",
    ],
    [200, "Not Found", "No data found, symbol may be delisted"],
  ] as const;
  for (const [status, code, description] of refusals) {
    const error = await rig.failure({ status, body: faultBody(code, description) });
    assert.ok(error instanceof DataError && error.message.includes(description.slice(0, 30)), String(error));
  }
  const failed = await rig.failure({ status: 500, body: faultBody("Internal Server Error", "x") });
  assert.ok(failed instanceof TransientError && failed.isAnswered);
  const crumb = await rig.failure({ status: 401, body: faultBody("Unauthorized", "Invalid Crumb", "finance") });
  assert.ok(crumb instanceof TransientError && !(crumb instanceof RateLimitError));
});

test("a range before the listing is empty and no error", async () => {
  await using rig = await Rig.open();
  const said = "Data doesn't exist for startDate = 633830400, endDate = 638924400";
  rig.replies = [{ status: 400, body: faultBody("Bad Request", said) }];
  assert.equal(await rig.client.chart(REQUEST, never), undefined);
});

test("pages, redirects, broken and foreign answers pass by themselves and are shown", async () => {
  await using rig = await Rig.open();
  const replies: readonly (readonly [YahooReply, RegExp])[] = [
    [{ body: "<html><body>Will be right back</body></html>" }, /HTTP 200 "<html>/],
    [{ status: 503, body: "<html>Will be right back</html>" }, /HTTP 503/],
    [{ status: 502, body: "" }, /HTTP 502 \(empty\)/],
    [{ status: 403, body: "Forbidden" }, /HTTP 403/],
    [{ status: 307, headers: { location: "https://guce.yahoo.com/consent?gcrumb=x" }, body: "" }, /page of consent/],
    [{ body: `<form action="https://consent.yahoo.com/v2/collectConsent">` }, /page of consent/],
    [{ body: NOTHING.slice(0, -20) }, /expected an answer in JSON/],
    [{ body: `{"chart":{"result":null,"error":null}}` }, /no chart/],
    [{ body: `{"chart":{"result":[],"error":null}}` }, /no chart/],
    [{ body: `{"quoteResponse":{"result":[],"error":null}}` }, /expected an answer with chart/],
    [{ body: "[]" }, /expected an answer with chart/],
    [{ body: undefined }, /the connection failed/],
  ];
  for (const [reply, wanted] of replies) {
    const error = await rig.failure(reply);
    assert.ok(error instanceof TransientError && !(error instanceof RateLimitError), String(error));
    assert.match(error.message, wanted);
  }
  const proxy = await rig.failure({ status: 407, body: "" });
  assert.ok(proxy instanceof PermanentError && proxy.scope === "provider");
});

test("too many requests say how long to stay away, longer each time until one is answered", async () => {
  await using rig = await Rig.open({ limitWaitMs: 100, limitWaitMsMax: 350 });
  const edge = { status: 429, headers: { "content-type": "text/plain" }, body: "Edge: Too Many Requests" };
  const waitOf = async (reply: YahooReply): Promise<number | undefined> => {
    const error = await rig.failure(reply);
    assert.ok(error instanceof RateLimitError, String(error));
    return error.retryAfterMs;
  };
  assert.equal(await waitOf(edge), 100);
  assert.equal(await waitOf({ ...edge, body: "<html>Too Many Requests</html>" }), 200);
  assert.equal(await waitOf({ status: 200, body: "Too Many Requests\r\n" }), 350);
  assert.equal(await waitOf({ ...edge, body: faultBody("Too Many Requests", "Rate limited", "finance") }), 350);
  // What it says itself holds where it is longer.
  assert.equal(await waitOf({ ...edge, headers: { "retry-after": "2" } }), 2_000);
  await rig.failure({ status: 503, body: "" });
  assert.equal(await waitOf(edge), 350, "a failing server is no answer");
  await rig.client.chart(REQUEST, never);
  assert.equal(await waitOf(edge), 100);
});

test("the starts of requests lie apart", async () => {
  await using rig = await Rig.open({ pauseMs: 1_000 });
  await rig.client.chart(REQUEST, never);
  assert.equal(rig.clock.sleptMs(), 0);
  await rig.client.ready(never);
  assert.equal(rig.clock.sleptMs(), 1_000);
  await rig.client.chart(REQUEST, never);
  assert.equal(rig.clock.sleptMs(), 1_000, "what `ready` has waited for is not waited for again");
  await rig.client.chart(REQUEST, never);
  assert.equal(rig.clock.sleptMs(), 2_000);
});
