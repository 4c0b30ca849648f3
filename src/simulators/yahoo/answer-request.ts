import type { IncomingHttpHeaders } from "node:http";

import type { Clock } from "../../base/clock.ts";
import { answerChart, type ChartParts } from "./answer-chart.ts";
import { answerQuote } from "./answer-quote.ts";
import type { Cookies } from "./cookies.ts";
import { isInPlace, type FaultInPlace, type FaultPlan, type SettledFault } from "./faults.ts";
import type { LimitGate } from "./limit-gate.ts";
import { consentPage, CONSENT_URL, gatewayPage, NOT_A_PAGE, quotePage } from "./pages.ts";
import { INVALID_COOKIE, INVALID_CRUMB, NO_FUNDAMENTALS, NO_SUCH_PATH, TOO_MANY_REQUESTS } from "./refusal.ts";
import { htmlReply, jsonReply, refusalReply, textReply, type Answer, type Reply } from "./reply.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import { isWelcome } from "./user-agent.ts";

export interface AnswererParts extends ChartParts {
  readonly clock: Clock;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  readonly gate: LimitGate;
  readonly cookies: Cookies;
}

/** A request as it arrived. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly address: string;
}

export type Answerer = (asked: Asked) => Answer;

/** Decides on a request in the provider's order: what the client is, how much it asked, then what it asks for. */
export function createAnswerer(parts: AnswererParts): Answerer {
  const { clock, log, faults, gate } = parts;
  return (asked) => {
    const nowMs = clock.nowMs();
    // A request through a proxy names the whole address; one that is none asks for nothing that is there.
    const url = URL.parse(asked.url, BASE) ?? new URL(BASE);
    const symbol = symbolIn(url.pathname);
    const userAgent = asked.headers["user-agent"] ?? "";
    const { method } = asked;
    const entry = log.open({ atMs: nowMs, method, path: url.pathname, symbol, userAgent }, url.searchParams);
    if (!isWelcome(userAgent) || !gate.admit(asked.address, nowMs)) {
      entry.isRateLimited = true;
      return { ...textReply(429, TOO_MANY_REQUESTS), fault: undefined, entry };
    }
    const target = symbol === "" ? url.pathname : symbol;
    const fault = faults.take(target, sameAgain(url));
    entry.fault = fault?.kind;
    if (fault?.kind === "ban") {
      gate.ban(asked.address, nowMs, fault.ms);
    }
    const reply =
      fault !== undefined && isInPlace(fault)
        ? replyInPlace(fault)
        : route(parts, asked, url, { symbol, nowMs, fault, entry });
    entry.isRateLimited = reply.status === 429;
    return { ...cut(reply, fault), fault, entry };
  };
}

const BASE = "http://127.0.0.1/";

/** What stands in place of any answer. */
function replyInPlace(fault: FaultInPlace): Reply {
  switch (fault.kind) {
    case "gateway":
      return htmlReply(fault.status, gatewayPage(fault.status));
    case "rate-limited":
      return textReply(429, fault.body);
    case "ban":
      return textReply(429, TOO_MANY_REQUESTS);
    case "garbage":
      return htmlReply(200, fault.body);
    case "consent":
      return fault.isRedirect
        ? htmlReply(307, "", { location: "https://guce.yahoo.com/consent?brandType=nonEu&gcrumb=aBcDeFg" })
        : htmlReply(200, consentPage());
    case "refused": {
      const { status, code, description } = fault;
      return refusalReply({ status, envelope: "chart", code, description });
    }
  }
}

function cut(reply: Reply, fault: SettledFault | undefined): Reply {
  return fault?.kind === "truncated"
    ? { ...reply, body: Buffer.from(reply.body).subarray(0, fault.bytes).toString("utf8") }
    : reply;
}

const CHART = "/v8/finance/chart/";
const SUMMARY = "/v10/finance/quoteSummary/";
const SERIES = "/ws/fundamentals-timeseries/v1/finance/timeseries/";

/** Clients ask for shares and ratios unasked; the simulator has none, and says so as for a symbol without. */
function emptySeries(symbol: string, type: string | null): string {
  const meta = { symbol: [symbol], type: type === null ? [] : type.split(",") };
  return JSON.stringify({ timeseries: { result: [{ meta }], error: null } });
}

/** Symbols come in any case and are told in upper case. */
function symbolIn(path: string): string {
  return path.startsWith(CHART) ? decode(path.slice(CHART.length)).toUpperCase() : "";
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Context {
  readonly symbol: string;
  readonly nowMs: number;
  readonly fault: SettledFault | undefined;
  readonly entry: OpenRequest;
}

function route(parts: AnswererParts, asked: Asked, url: URL, { symbol, nowMs, fault, entry }: Context): Reply {
  const path = url.pathname;
  const nowSeconds = Math.floor(nowMs / 1_000);
  if (symbol !== "") {
    const { rows, ...reply } = answerChart(parts, symbol, url.searchParams, nowSeconds, fault);
    entry.rows = rows;
    return reply;
  }
  const crumb = parts.cookies.crumbFor(asked.headers.cookie);
  const isTrusted = crumb !== undefined && crumb === url.searchParams.get("crumb");
  const cookie = (): Readonly<Record<string, string>> => ({
    "set-cookie": parts.cookies.issue(asked.headers.host ?? ""),
  });
  if (path === "/v1/test/getcrumb") {
    return crumb === undefined ? refusalReply(INVALID_COOKIE) : textReply(200, crumb);
  }
  if (path === "/v7/finance/quote") {
    const symbols = (url.searchParams.get("symbols") ?? "").toUpperCase().split(",").filter(Boolean);
    return isTrusted ? jsonReply(200, answerQuote(parts.data, symbols, nowSeconds)) : refusalReply(INVALID_CRUMB);
  }
  if (path.startsWith(SUMMARY)) {
    return refusalReply(isTrusted ? NO_FUNDAMENTALS : INVALID_CRUMB);
  }
  if (path === "/consent" || (path === "/v2/collectConsent" && asked.method === "GET")) {
    return htmlReply(200, consentPage());
  }
  if (path === "/v2/collectConsent") {
    return /(?:^|&)agree=/.test(asked.body)
      ? htmlReply(302, "", { location: "/copyConsent" + CONSENT_URL.slice(CONSENT_URL.indexOf("?")) })
      : htmlReply(400, consentPage());
  }
  if (path === "/copyConsent") {
    return htmlReply(200, NOT_A_PAGE, cookie());
  }
  if (path.startsWith("/quote/")) {
    return htmlReply(200, quotePage(decode(path.slice("/quote/".length))), cookie());
  }
  if (path.startsWith(SERIES)) {
    return jsonReply(200, emptySeries(decode(path.slice(SERIES.length)), url.searchParams.get("type")));
  }
  return /^\/(?:v\d+|ws)\//.test(path) ? refusalReply(NO_SUCH_PATH) : htmlReply(404, NOT_A_PAGE, cookie());
}

/** The same security is asked for again, a second later or of other days. */
function sameAgain(url: URL): string {
  const query = new URLSearchParams(url.searchParams);
  query.delete("period1");
  query.delete("period2");
  return `${url.pathname}?${query.toString()}`;
}
