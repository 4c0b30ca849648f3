import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateMarket } from "../../market/generate-market.ts";
import {
  createSetClock,
  getChart,
  getRefusal,
  getYahoo,
  rowsOf,
  secondsOf,
} from "../../../test/support/yahoo-charts.ts";
import { yahooData } from "./market-data.ts";
import { startYahooSimulator, type YahooSimulator } from "./simulator.ts";

const data = yahooData(
  generateMarket({ seed: 7, codes: 4, tradingDays: 300 }),
  generateForeignMarkets({ seed: 7, tradingDays: 300 }),
);
/** The night after the market's last day. */
const NIGHT = "2026-01-01T02:00:00Z";
const clock = createSetClock(NIGHT);

let simulator: YahooSimulator;
before(async () => {
  simulator = await startYahooSimulator({ data, clock });
});
after(async () => {
  await simulator[Symbol.asyncDispose]();
});
beforeEach(() => {
  clock.set(NIGHT);
  simulator.clearFaults();
  simulator.clearRequests();
});

test("refusals have the provider's own words", async () => {
  const now = secondsOf(NIGHT);
  const day = 86_400;
  const refusal = (query: string): Promise<readonly [number, string, string]> => getRefusal(simulator, "AAPL", query);
  for (const [interval, label, days] of [
    ["1m", "1m", 30],
    ["15m", "15m", 60],
    ["60m", "1h", 730],
  ] as const) {
    const [from, to] = [now - days * day - 1, now - days * day + day];
    assert.deepEqual(await refusal(`interval=${interval}&period1=${from}&period2=${to}`), [
      422,
      "Unprocessable Entity",
      `${label} data not available for startTime=${from} and endTime=${to}. The requested range must be within the last ${days} days.`,
    ]);
    const within = await getYahoo(
      simulator,
      `/v8/finance/chart/AAPL?interval=${interval}&period1=${from + 1}&period2=${to}`,
    );
    // The generated market is younger than two years.
    assert.equal(within.status, days > 365 ? 400 : 200);
  }
  const [from, to] = [now - 9 * day, now - day + 1];
  assert.deepEqual(await refusal(`interval=1m&period1=${from}&period2=${to}`), [
    422,
    "Unprocessable Entity",
    `1m data not available for startTime=${from} and endTime=${to}. Only 8 days worth of 1m granularity data are allowed to be fetched per request.`,
  ]);
  assert.deepEqual(await refusal("interval=7m&range=1d"), [
    400,
    "Bad Request",
    "Invalid input - interval=7m is not supported. Valid intervals: [1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 4h, 1d, 5d, 1wk, 1mo, 3mo]",
  ]);
  assert.deepEqual(await refusal("interval=1d&period1=633830400&period2=638924400"), [
    400,
    "Bad Request",
    "Data doesn't exist for startDate = 633830400, endDate = 638924400",
  ]);
  assert.equal((await refusal(`interval=1d&period1=${now + day}&period2=${now + 2 * day}`))[0], 400);
  assert.equal((await refusal("interval=1d&period1=2&period2=1"))[0], 400);
  assert.equal((await refusal("interval=1m&range=max"))[0], 422);
  const unknown = await getRefusal(simulator, "NOPE", "interval=1d&range=1d");
  assert.deepEqual(unknown, [404, "Not Found", "No data found, symbol may be delisted"]);
  const { body } = await getYahoo(simulator, "/v8/finance/chart/NOPE?interval=1d");
  assert.equal(
    body,
    '{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}',
  );
});

test("clients without a name of their own are refused at the edge, as text", async () => {
  const welcome = async (agent: string): Promise<number> =>
    (await getYahoo(simulator, "/v8/finance/chart/AAPL?range=1d", { "user-agent": agent })).status;
  for (const agent of ["", "curl/8.5.0", "Java/17.0.1", "python-requests/2.32", "node", "undici"]) {
    assert.equal(await welcome(agent), 429, agent);
  }
  for (const agent of ["Mozilla/5.0 (X11)", "@gadicc/yahoo-finance2/0.0.1 (+https://example.org)", "Worker/1.2"]) {
    assert.equal(await welcome(agent), 200, agent);
  }
  const { body, headers } = await getYahoo(simulator, "/", { "user-agent": "curl/8.5.0" });
  assert.equal(body, "Edge: Too Many Requests");
  assert.match(headers.get("content-type") ?? "", /^text\/plain/);
});

test("too many requests in a window ban the address for a while, for every path and symbol", async () => {
  const limits = { requestsMax: 3, windowMs: 60_000, banMs: 300_000 };
  await using limited = await startYahooSimulator({ data, clock, limits });
  const status = async (path = "/v8/finance/chart/AAPL?range=1d"): Promise<number> =>
    (await getYahoo(limited, path)).status;
  assert.deepEqual([await status(), await status("/"), await status()], [200, 404, 200]);
  assert.equal(await status(), 429);
  clock.set("2026-01-01T02:04:59Z");
  assert.deepEqual([await status("/v8/finance/chart/NOPE"), await status("/v1/test/getcrumb")], [429, 429]);
  clock.set("2026-01-01T02:05:00Z");
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 200]);
  assert.equal(limited.requests.filter(({ isRateLimited }) => isRateLimited).length, 3);
  assert.equal(await status(), 429);
  limited.clearFaults();
  assert.equal(await status(), 200);
});

test("a window slides: old requests make room for new ones", async () => {
  await using limited = await startYahooSimulator({ data, clock, limits: { requestsMax: 2, windowMs: 10_000 } });
  const status = async (at: string): Promise<number> => {
    clock.set(`2026-01-01T02:00:${at}Z`);
    return (await getYahoo(limited, "/v8/finance/chart/AAPL?range=1d")).status;
  };
  assert.deepEqual(
    [await status("00"), await status("09"), await status("10"), await status("19")],
    [200, 200, 200, 200],
  );
  assert.equal(await status("20.000"), 200);
  assert.equal(await status("20.001"), 429);
});

test("quotes need a cookie and the crumb that belongs to it", async () => {
  const refused = '{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}';
  const bare = await getYahoo(simulator, "/v7/finance/quote?symbols=AAPL");
  assert.deepEqual([bare.status, bare.body], [401, refused]);
  assert.equal((await getYahoo(simulator, "/v1/test/getcrumb")).status, 401);

  const first = await getYahoo(simulator, "/");
  const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.equal(first.status, 404);
  assert.match(cookie, /^A3=d=/);
  const crumb = await getYahoo(simulator, "/v1/test/getcrumb", { cookie });
  assert.equal(crumb.body.length, 11);
  const path = `/v7/finance/quote?symbols=AAPL,NOPE,0700.HK&crumb=${encodeURIComponent(crumb.body)}`;
  const quote = await getYahoo(simulator, path, { cookie });
  assert.equal(quote.status, 200);
  assert.match(
    quote.body,
    /^\{"quoteResponse":\{"result":\[\{.*"symbol":"AAPL"\},\{.*"symbol":"0700.HK"\}\],"error":null\}\}$/,
  );
  const other = (await getYahoo(simulator, "/")).headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.equal((await getYahoo(simulator, path, { cookie: other })).status, 401);
  assert.ok(!JSON.stringify(simulator.requests).includes(crumb.body));
  simulator.forgetCookies();
  assert.equal((await getYahoo(simulator, path, { cookie })).status, 401);
});

test("a consent page is a form whose answer leads to a cookie", async () => {
  const page = await getYahoo(simulator, "/consent?brandType=nonEu");
  assert.match(page.body, /name="csrfToken" value="[^"]+"/);
  const action = /action="([^"]+)"/.exec(page.body)?.[1] ?? "";
  const agreed = await fetch(simulator.url + action, {
    method: "POST",
    redirect: "manual",
    headers: { "user-agent": "Mozilla/5.0" },
    body: new URLSearchParams("csrfToken=x&agree=agree&agree=agree"),
  });
  assert.equal(agreed.status, 302);
  const copied = await getYahoo(simulator, agreed.headers.get("location") ?? "");
  assert.match(copied.headers.get("set-cookie") ?? "", /^A3=/);
});

test("answers are compressed for who asks, and an offer of HTTP/2 is ignored", async () => {
  const path = "/v8/finance/chart/AAPL?interval=1d&range=1mo";
  const raw = (headers: Readonly<Record<string, string>>): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const sent = request(`${simulator.url}${path}`, { headers: { "user-agent": "Mozilla/5.0", ...headers } });
      sent.once("error", reject);
      sent.once("response", (response) => {
        response.resume();
        response.once("end", () => {
          assert.equal(response.statusCode, 200);
          resolve(response.headers["content-encoding"]);
        });
      });
      sent.end();
    });
  assert.equal(await raw({}), undefined);
  assert.equal(await raw({ "accept-encoding": "gzip, br" }), "gzip");
  assert.equal(await raw({ "accept-encoding": "br" }), "br");
  assert.equal(
    await raw({ connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAoAAAAAIAAAAA" }),
    undefined,
  );
});

test("members change their order from answer to answer, and never their meaning", async () => {
  const orders = new Set<string>();
  const rows = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const result = await getChart(simulator, "0005.HK", "interval=1d&range=5d");
    orders.add(Object.keys(result.indicators.quote[0]).join());
    rows.add(JSON.stringify(rowsOf(result)));
  }
  assert.ok(orders.size > 1);
  assert.equal(rows.size, 1);
});

test("the log has what was asked, and can be read and emptied over HTTP", async () => {
  await getChart(simulator, "^hsi", "interval=1d&range=5d&crumb=secret");
  const { body } = await getYahoo(simulator, "/_sim/requests");
  assert.match(body, /"symbol":"\^HSI","userAgent":"Mozilla/);
  assert.ok(!body.includes("secret"));
  assert.equal(simulator.requests[0]?.rows, 5);
  await fetch(`${simulator.url}/_sim/requests`, { method: "DELETE" });
  assert.equal(simulator.requests.length, 0);
});

test("whatever a client asks for has an answer of the provider's, and never one of a defect", async () => {
  const paths = [
    "//",
    "/v8/finance/chart/",
    "/v8/finance/chart/%ZZ?range=1d",
    "/v8/finance/chart/A%2FB?range=1d",
    "/v8/finance/chart/__proto__?range=1d",
    "/v8/finance/chart/AAPL?range=9999y",
    "/v8/finance/chart/AAPL?range=9999d",
    "/v8/finance/chart/AAPL?range=0d",
    "/v8/finance/chart/AAPL?range=1d&interval=constructor",
    "/v8/finance/chart/AAPL?interval=1d&period1=-999999999999&period2=999999999999",
    "/v8/finance/chart/AAPL?interval=1mo&period1=-999999999999&period2=999999999999",
    "/v8/finance/chart/AAPL?interval=3mo&period1=1e9&period2=x",
    "/v8/finance/chart/AAPL?interval=1d&period2=-1",
    "/v8/finance/chart/AAPL?interval=5d&range=max&events=__proto__,constructor",
    "/v8/finance/chart/AAPL?",
    "/v7/finance/quote?symbols=,,",
    "/quote/%E0%A4%A",
    "/v99/none",
    "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL?type=a,b",
  ];
  for (const path of paths) {
    const { status, body } = await getYahoo(simulator, path);
    assert.ok([200, 400, 401, 404, 422].includes(status), `${path}: ${status} ${body}`);
  }
});

test("an answer has every member of meta that clients check", async () => {
  const { meta } = await getChart(simulator, "BRK-B", "interval=1h&range=5d&includePrePost=true");
  const missing = META_KEYS.filter((key) => meta[key] === undefined);
  assert.deepEqual(missing, []);
  assert.deepEqual(Object.keys(Object(meta["tradingPeriods"])).toSorted(), ["post", "pre", "regular"]);
  assert.deepEqual([meta["symbol"], meta["exchangeName"], meta["currency"]], ["BRK-B", "NYQ", "USD"]);
});

const META_KEYS = [
  "currency",
  "symbol",
  "exchangeName",
  "fullExchangeName",
  "instrumentType",
  "firstTradeDate",
  "regularMarketTime",
  "hasPrePostMarketData",
  "gmtoffset",
  "timezone",
  "exchangeTimezoneName",
  "regularMarketPrice",
  "fiftyTwoWeekHigh",
  "fiftyTwoWeekLow",
  "regularMarketDayHigh",
  "regularMarketDayLow",
  "regularMarketVolume",
  "longName",
  "shortName",
  "chartPreviousClose",
  "previousClose",
  "scale",
  "priceHint",
  "currentTradingPeriod",
  "tradingPeriods",
  "dataGranularity",
  "range",
  "validRanges",
];
