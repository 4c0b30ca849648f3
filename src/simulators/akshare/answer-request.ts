import type { IncomingHttpHeaders } from "node:http";

import type { Clock } from "../../base/clock.ts";
import type { AkshareData } from "./akshare-data.ts";
import { failedAnswer } from "./aktools.ts";
import { htmlAnswer, textAnswer, wafAnswer, type AnswerOrSilence } from "./answer.ts";
import type { FaultPlan, SettledFault } from "./faults.ts";
import type { ServingRules } from "./inquiry.ts";
import type { LimitGate } from "./limit-gate.ts";
import type { OpenRequest, RequestLog } from "./request-log.ts";
import { ROUTES } from "./routes.ts";
import type { Upstream } from "./upstreams.ts";
import { viewAt } from "./view.ts";

export interface AnswererParts {
  readonly data: AkshareData;
  readonly clock: Clock;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  readonly gate: LimitGate;
  readonly rules: ServingRules;
  /** Whether requests must look like a browser's. */
  readonly checksHeaders: boolean;
}

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answered {
  readonly answer: AnswerOrSilence;
  readonly fault: SettledFault | undefined;
  readonly entry: OpenRequest;
}

/** Decides what each request is told: its endpoint, the manners of its client, limits, and faults of the data. */
export function createAnswerer(parts: AnswererParts): (request: ReceivedRequest) => Answered {
  return (request) => {
    const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
    const nowMs = parts.clock.nowMs();
    const entry = parts.log.open(nowMs, pathname, searchParams);
    const found = ROUTES.find(({ pattern }) => pattern.test(pathname));
    if (found === undefined) {
      return { answer: htmlAnswer(404, "Not Found"), fault: undefined, entry };
    }
    const { upstream } = found;
    entry.upstream = upstream;
    if (found.method !== request.method) {
      return { answer: htmlAnswer(405, "Not Allowed"), fault: undefined, entry };
    }
    if (!parts.gate.admits(upstream, nowMs)) {
      entry.isLimited = true;
      return { answer: refusalOf(upstream), fault: undefined, entry };
    }
    const rebuke = rebukeFor(upstream, request.headers, parts.checksHeaders);
    if (rebuke !== undefined) {
      return { answer: rebuke.answer, fault: undefined, entry };
    }
    const fault = parts.faults.take(upstream, `${sameAgain(pathname, searchParams)} ${request.body}`);
    entry.fault = fault?.kind;
    const inPlace = fault === undefined ? undefined : IN_PLACE[fault.kind]?.(upstream, fault);
    const { answer } = inPlace ?? {
      answer: found.answer({
        parts: found.pattern.exec(pathname)?.slice(1) ?? [],
        query: searchParams,
        form: new URLSearchParams(request.body),
        hasCookie: request.headers.cookie !== undefined,
        view: viewAt(parts.data, parts.clock.now()),
        fault,
        rules: parts.rules,
      }),
    };
    entry.rows = answer?.rows ?? 0;
    return { answer, fault, entry };
  };
}

interface Told {
  /** Undefined where the connection is closed without a word. */
  readonly answer: AnswerOrSilence;
}

type InPlace = (upstream: Upstream, fault: SettledFault) => Told;

/** Faults that put something else in the answer's place. */
const IN_PLACE: Readonly<Partial<Record<SettledFault["kind"], InPlace>>> = {
  "hang-up": () => ({ answer: undefined }),
  gateway: (_, fault) => ({ answer: htmlAnswer(statusOf(fault) ?? 502, "Bad Gateway") }),
  waf: (_, fault) => ({ answer: wafAnswer(statusOf(fault) ?? 200) }),
  garbage: (_, fault) => ({ answer: textAnswer(fault.kind === "garbage" ? fault.body : "") }),
  "aktools-500": () => ({ answer: failedAnswer() }),
  blocked: (upstream, fault) => {
    const status = statusOf(fault);
    return { answer: status === undefined ? refusalOf(upstream) : htmlAnswer(status, "Blocked") };
  },
};

function statusOf(fault: SettledFault): number | undefined {
  return "status" in fault ? fault.status : undefined;
}

/** What who asks too much is told; undefined where the connection is closed without a word. */
function refusalOf(upstream: Upstream): AnswerOrSilence {
  switch (upstream) {
    case "eastmoney":
      return undefined;
    case "tencent":
      return htmlAnswer(501, "Not Implemented");
    case "sina":
      return htmlAnswer(456, "");
    case "sse":
    case "szse":
    case "bse":
      return htmlAnswer(403, "Forbidden");
    case "aktools":
      return failedAnswer();
  }
}

/** Undefined where a request may pass. */
function rebukeFor(upstream: Upstream, headers: IncomingHttpHeaders, checksHeaders: boolean): Told | undefined {
  if (upstream === "aktools") {
    return undefined;
  }
  const hasReferer = headers.referer !== undefined && headers.referer !== "";
  if (upstream === "sse" && !(headers.referer ?? "").includes("sse.com.cn")) {
    return { answer: htmlAnswer(403, "Forbidden") };
  }
  if (!checksHeaders) {
    return undefined;
  }
  if (!(headers["user-agent"] ?? "").startsWith("Mozilla/")) {
    return { answer: upstream === "eastmoney" ? undefined : wafAnswer(200) };
  }
  return hasReferer || upstream === "eastmoney" || upstream === "tencent"
    ? undefined
    : { answer: htmlAnswer(403, "Forbidden") };
}

/** The same security is asked for again, though maybe of other days. */
function sameAgain(pathname: string, searchParams: URLSearchParams): string {
  const query = new URLSearchParams(searchParams);
  for (const name of ["beg", "end", "lmt", "datalen", "start_date", "end_date"]) {
    query.delete(name);
  }
  return `${pathname}?${query.toString()}`;
}
