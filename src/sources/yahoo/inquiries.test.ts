import assert from "node:assert/strict";
import { test } from "node:test";

import {
  chartBody,
  clockAt,
  faultBody,
  ScriptedYahoo,
  stampOf,
  type YahooAsked,
  type YahooReply,
} from "../../../test/support/scripted-yahoo.ts";
import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { RateLimitError } from "../../ports/budget.ts";
import type { Question, Source } from "../../ports/source.ts";
import { openYahooSource } from "./source.ts";

const never = new AbortController().signal;
const NOBODY: Question = { codes: [], day: undefined, from: undefined, to: undefined };
const CRUMB = "haT3oykhHq/Z";
const COOKIE = "A3=d=AQABBsecret&S=AQAAA";
const QUOTES = JSON.stringify({
  quoteResponse: {
    result: [
      {
        symbol: "AAPL",
        currency: "USD",
        shortName: "Apple Inc.",
        marketState: "REGULAR",
        regularMarketPrice: 244.87,
        regularMarketTime: 1739998801,
        regularMarketVolume: 32129951,
        regularMarketDayHigh: Math.fround(246.01),
        regularMarketPreviousClose: 244.47,
      },
    ],
    error: null,
  },
});

class Rig implements AsyncDisposable {
  readonly server: ScriptedYahoo;
  readonly source: Source;
  /** Answers to the next requests for a path, before the usual one. */
  readonly next = new Map<string, YahooReply[]>();
  readonly bodies = new Map<string, YahooReply>([
    [
      "/",
      { status: 404, headers: { "set-cookie": [`${COOKIE}; Domain=.yahoo.com; Secure`, "A1=x; Path=/"] }, body: "" },
    ],
    ["/v1/test/getcrumb", { headers: { "content-type": "text/plain" }, body: CRUMB }],
    ["/v7/finance/quote", { body: QUOTES }],
  ]);

  private constructor(server: ScriptedYahoo) {
    this.server = server;
    const clock = clockAt("2026-03-10T03:00:00Z");
    this.source = openYahooSource({ clock, baseUrl: server.url, cookieUrl: server.url, pauseMs: 0 });
  }

  static async open(): Promise<Rig> {
    const reply = ({ path }: YahooAsked): YahooReply =>
      rig.next.get(path)?.shift() ?? rig.bodies.get(path) ?? { status: 404, body: "" };
    const rig: Rig = new Rig(await ScriptedYahoo.open(reply));
    return rig;
  }

  async ask(name: string, codes: readonly string[], range: Partial<Question> = {}): Promise<readonly unknown[]> {
    const inquiry = this.source.inquiries?.find((one) => one.name === name);
    assert.ok(inquiry !== undefined);
    return inquiry.ask({ ...NOBODY, codes: codes.map((code) => parseSecurityCode(code)), ...range }, never);
  }

  async quotes(): Promise<readonly unknown[]> {
    return this.ask("quotes", ["AAPL.US"]);
  }

  async quotesFail(path: string, ...replies: YahooReply[]): Promise<Error> {
    this.next.set(path, replies);
    try {
      await this.quotes();
    } catch (error) {
      assert.ok(error instanceof Error);
      const text = `${describeError(error)} ${String(error)} ${error.stack}`;
      for (const secret of [CRUMB, encodeURIComponent(CRUMB), COOKIE, encodeURIComponent(COOKIE)]) {
        assert.ok(!text.includes(secret), text);
      }
      return error;
    }
    throw new assert.AssertionError({ message: "the question was answered" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

test("quotes are asked for with a cookie and the crumb that belongs to it, which are kept", async () => {
  await using rig = await Rig.open();
  assert.deepEqual(await rig.quotes(), [
    {
      code: "AAPL.US",
      name: "Apple Inc.",
      time: "2025-02-19 16:00:01",
      price: "244.87",
      open: "",
      high: "246.01",
      low: "",
      preClose: "244.47",
      volume: "32129951",
      currency: "USD",
      state: "REGULAR",
    },
  ]);
  await rig.quotes();
  const paths = rig.server.asked.map(({ path }) => path);
  assert.deepEqual(paths, ["/", "/v1/test/getcrumb", "/v7/finance/quote", "/v7/finance/quote"]);
  const [first, second, third] = rig.server.asked;
  assert.equal(first?.headers.cookie, undefined);
  assert.equal(second?.headers.cookie, `${COOKIE}; A1=x`);
  assert.equal(third?.headers.cookie, `${COOKIE}; A1=x`);
  assert.equal(third?.query.get("crumb"), CRUMB);
  assert.equal(third?.query.get("symbols"), "AAPL");
});

test("a session that is refused is begun once more, and a new one that is refused is a person's", async () => {
  const refusal = { status: 401, body: faultBody("Unauthorized", "Invalid Crumb", "finance") };
  await using rig = await Rig.open();
  rig.next.set("/v7/finance/quote", [refusal]);
  assert.equal((await rig.quotes()).length, 1);
  assert.equal(rig.server.asked.length, 6);
  const error = await rig.quotesFail("/v7/finance/quote", refusal, refusal);
  assert.ok(error instanceof PermanentError && error.scope === "api");
  assert.equal((await rig.quotes()).length, 1, "the next question begins anew");
});

test("what is no crumb is never taken for one, and no secret stands in an error", async () => {
  await using rig = await Rig.open();
  const limited = await rig.quotesFail("/v1/test/getcrumb", { status: 200, body: "Too Many Requests" });
  assert.ok(limited instanceof RateLimitError);
  for (const reply of [
    { body: "" },
    { body: "<html>sorry</html>" },
    { status: 401, body: faultBody("Unauthorized", "Invalid Cookie", "finance") },
    { body: `{"a":1}` },
    { status: 500, body: `no crumb for ${COOKIE}` },
  ]) {
    const error = await rig.quotesFail("/v1/test/getcrumb", reply);
    assert.ok(error instanceof TransientError, String(error));
  }
  const bare = await rig.quotesFail("/", { status: 200, body: "" });
  assert.ok(bare instanceof TransientError && bare.message.includes("no cookie"));
  const page = await rig.quotesFail("/v7/finance/quote", {
    status: 502,
    body: `cannot reach /v7/finance/quote?crumb=${encodeURIComponent(CRUMB)} for ${CRUMB}`,
  });
  assert.ok(page instanceof TransientError && page.message.includes("[secret]"));
  const edge = await rig.quotesFail("/v7/finance/quote", { status: 429, body: `too many of ${CRUMB}` });
  assert.ok(edge instanceof RateLimitError && edge.message.includes("[secret]"));
});

test("a page of consent says that only a person can help", async () => {
  const location = "https://guce.yahoo.com/consent?brandType=nonEu&gcrumb=abc&done=x";
  await using rig = await Rig.open();
  for (const reply of [
    { status: 307, headers: { location, "set-cookie": "GUCS=1; Path=/" }, body: "" },
    { headers: { "set-cookie": "GUCS=1" }, body: `<form action="https://consent.yahoo.com/v2/collectConsent">` },
  ]) {
    const error = await rig.quotesFail("/", reply);
    assert.ok(error instanceof PermanentError && error.scope === "api" && error.message.includes("consent"));
  }
});

test("a quote of another code, or one that cannot be read, ends the question", async () => {
  await using rig = await Rig.open();
  for (const [from, to] of [
    [`"AAPL"`, `"MSFT"`],
    ["244.87", `{}`],
    ["1739998801", `"soon"`],
    ["[{", "[1,{"],
  ] as const) {
    const error = await rig.quotesFail("/v7/finance/quote", { body: QUOTES.replace(from, to) });
    assert.ok(error instanceof DataError, String(error));
  }
});

const at = (day: string): number => stampOf(`${day}T09:30:00`, "America/New_York");
const EVENTS = {
  dividends: {
    [at("2020-08-07")]: { amount: 0.205, date: at("2020-08-07") },
    [at("2020-11-06")]: { amount: 0.205, date: at("2020-11-06") },
  },
  splits: { [at("2020-08-31")]: { date: at("2020-08-31"), numerator: 4, denominator: 1, splitRatio: "4:1" } },
};

test("dividends are told as they were paid, splits as shares for shares", async () => {
  await using rig = await Rig.open();
  const body = chartBody({ symbol: "AAPL", rows: [], events: EVENTS });
  rig.bodies.set("/v8/finance/chart/AAPL", { body });
  assert.deepEqual(await rig.ask("dividends", ["AAPL.US"]), [
    { code: "AAPL.US", exDay: "2020-08-07", amount: "0.82", currency: "USD" },
    { code: "AAPL.US", exDay: "2020-11-06", amount: "0.205", currency: "USD" },
  ]);
  assert.deepEqual(await rig.ask("splits", ["AAPL.US"], { from: parseDay("2020-08-31") }), [
    { code: "AAPL.US", exDay: "2020-08-31", sharesAfter: "4", sharesBefore: "1", ratio: "4" },
  ]);
  const range = { from: parseDay("2020-08-01"), to: parseDay("2020-08-30") };
  assert.equal((await rig.ask("dividends", ["AAPL.US"], range)).length, 1);
  assert.deepEqual(await rig.ask("splits", ["AAPL.US"], range), []);
  const last = rig.server.asked.at(-1);
  // Up to now, since later splits are needed to read earlier dividends.
  assert.equal(last?.query.get("period2"), `${Date.UTC(2026, 2, 10, 3) / 1_000}`);
  rig.bodies.set("/v8/finance/chart/AAPL", { body: body.replace(`"amount":0.205`, `"amount":-1`) });
  await assert.rejects(rig.ask("dividends", ["AAPL.US"]), DataError);
});
