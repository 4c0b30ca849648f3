import { CHAIN_RULE_EXPECTED } from "../domain/chain-rule.ts";
import { PROVIDERS } from "../domain/provider.ts";
import * as read from "./reader.ts";
import { optional, setting } from "./setting.ts";

const PORT = { min: 1, max: 65_535 };

/** Who is asked, how often, and with what. */
export const PROVIDER_SETTINGS = {
  providers: {
    chain: setting(
      read.list(read.oneOf(PROVIDERS), `a list of ${PROVIDERS.join(", ")}`),
      ["tushare"],
      "who is asked, in this order; also the order in which `bar` prefers their rows",
    ),
    chains: setting(
      read.list(read.chainRule(), `a list of rules, each ${CHAIN_RULE_EXPECTED}`),
      [],
      "who is asked for one data set, market or kind instead, such as ticks=tdx+akshare,bars/HK=yahoo+akshare",
    ),
  },
  breaker: {
    failures: setting(
      read.integer({ min: 1, max: 1000 }),
      5,
      "failures in a row after which a provider's api counts as out: its work waits, nothing is used up",
    ),
    pauseMs: setting(
      read.integer({ min: 1, max: 3_600_000 }),
      2000,
      "longest pause before a provider that is out is tried again with one call; doubled after each try",
    ),
    pauseMsMax: setting(
      read.integer({ min: 1, max: 86_400_000 }),
      60_000,
      "longest of these pauses; a wait that the provider states itself is kept in any case",
    ),
  },
  tushare: {
    token: optional(read.text(), "token of the account", { secret: true, variables: ["TUSHARE_TOKEN"] }),
    url: setting(read.url(), "https://api.tushare.pro", "address of the service"),
    callsPerMinute: setting(
      read.integer({ min: 1, max: 100_000 }),
      200,
      "calls in any 60 s, for all workers of the token together",
    ),
    callsAtOnce: setting(read.integer({ min: 1, max: 64 }), 4, "calls under way at the same time, per worker"),
    rowsMax: setting(
      read.integer({ min: 1, max: 100_000 }),
      6000,
      "rows one answer holds at most; an answer of so many is never taken for the whole",
    ),
    codesMax: setting(
      read.integer({ min: 1, max: 1000 }),
      80,
      "codes one call may name; lists are refused from about 100 on",
    ),
    timeoutMs: setting(read.integer({ min: 100, max: 600_000 }), 30_000, "how long one call may take"),
  },
  baostock: {
    host: setting(
      read.host("give the host alone, and baostock.port besides"),
      "public-api.baostock.com",
      "address of the service; with baostock.api_key that of its paying users is vip-api.baostock.com",
    ),
    port: setting(read.integer(PORT), 10_030, "port of BaoStock"),
    user: setting(read.text(), "anonymous", "user of BaoStock"),
    password: optional(read.text(), "password of BaoStock; without one that of its anonymous user", { secret: true }),
    apiKey: optional(read.text(), "key of a paying user", { secret: true }),
    callsPerMinute: setting(
      read.integer({ min: 1, max: 10_000 }),
      60,
      "calls in any 60 s, for all workers together; more than about one a second has got addresses banned",
    ),
    callsPerDay: setting(
      read.integer({ min: 1, max: 10_000_000 }),
      45_000,
      "calls in any 24 h, for all workers together; an address was banned at 50,000",
    ),
    timeoutMs: setting(read.integer({ min: 100, max: 600_000 }), 30_000, "how long one call to BaoStock may take"),
    loginPauseMs: setting(
      read.integer({ min: 0, max: 3_600_000 }),
      10_000,
      "pause between two logins; many connections get an address banned",
    ),
    loginsPerHour: setting(
      read.integer({ min: 1, max: 100_000 }),
      10,
      "logins in any hour, per worker; beyond it calls wait",
    ),
    waitMsMax: setting(
      read.integer({ min: 100, max: 7 * 86_400_000 }),
      86_400_000,
      "longest time for which BaoStock is left alone after a refusal; a ban of an address is over in about a day",
    ),
  },
  tdx: {
    hosts: setting(
      read.list(read.hostAndPort(7709), "a list of hosts such as 10.0.0.1:7709"),
      [],
      "TongDaXin servers to try, the fastest first; without any a list of public ones",
    ),
    connections: setting(read.integer({ min: 1, max: 32 }), 4, "connections at the same time, per worker"),
    pauseMs: setting(
      read.integer({ min: 0, max: 60_000 }),
      50,
      "pause between two requests on one connection; servers drop clients that leave none",
    ),
    callsPerMinute: setting(
      read.integer({ min: 1, max: 100_000 }),
      1200,
      "calls in any 60 s, for all workers together",
    ),
    timeoutMs: setting(read.integer({ min: 100, max: 600_000 }), 8_000, "how long a server may take to answer"),
  },
  yahoo: {
    url: setting(read.url(), "https://query2.finance.yahoo.com", "address of Yahoo's charts"),
    cookieUrl: setting(read.url(), "https://fc.yahoo.com", "where its cookie is had, which only quotes need"),
    callsPerMinute: setting(
      read.integer({ min: 1, max: 10_000 }),
      30,
      "calls in any 60 s, for all workers together; a call may be two requests, and more than about one a second has got addresses refused",
    ),
    pauseMs: setting(read.integer({ min: 0, max: 60_000 }), 1_000, "least time between two requests, per worker"),
    timeoutMs: setting(read.integer({ min: 100, max: 600_000 }), 30_000, "how long one call to Yahoo may take"),
    waitMs: setting(
      read.integer({ min: 100, max: 86_400_000 }),
      60_000,
      "how long Yahoo is left alone after it refused for too many requests; doubled each time",
    ),
    waitMsMax: setting(read.integer({ min: 100, max: 86_400_000 }), 1_800_000, "longest of these waits for Yahoo"),
  },
  akshare: {
    url: optional(
      read.url(),
      "one address in place of all upstreams of AKShare, such as a proxy's; without it each has its own",
    ),
    aktoolsUrl: optional(
      read.url(),
      "an AKTools server, such as http://127.0.0.1:8080, which is then asked instead of the upstreams",
    ),
    callsPerMinute: setting(
      read.integer({ min: 1, max: 10_000 }),
      40,
      "calls of each upstream in any 60 s, for all workers together; beyond one a second addresses have been shut out for a day",
    ),
    pauseMs: setting(
      read.integer({ min: 0, max: 60_000 }),
      1_000,
      "least time between two requests to one upstream, per worker",
    ),
    timeoutMs: setting(read.integer({ min: 100, max: 600_000 }), 30_000, "how long an upstream may take to answer"),
    aktoolsTimeoutMs: setting(
      read.integer({ min: 100, max: 3_600_000 }),
      120_000,
      "how long an AKTools server may take, which asks page by page",
    ),
    waitMs: setting(
      read.integer({ min: 100, max: 86_400_000 }),
      300_000,
      "how long an upstream is left alone after it shut us out; doubled each time",
    ),
    waitMsMax: setting(
      read.integer({ min: 100, max: 7 * 86_400_000 }),
      3_600_000,
      "longest of these waits for an upstream",
    ),
  },
} as const;
