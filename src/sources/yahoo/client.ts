import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createHttpClient, parseBaseUrl, type HttpAnswer, type HttpClientOptions } from "../http/client.ts";
import { parseRetryAfterMs } from "../http/errors.ts";
import { excerptOf, isRecord, parseBody } from "../http/json-text.ts";
import { createPace } from "../http/pace.ts";
import { Penalty } from "../http/penalty.ts";
import { readChart, type Chart } from "./chart.ts";
import { isNothingThere, isTooMany, toFaultError, toStatusError, type AnswerFault } from "./errors.ts";
import { toChartPath, type ChartRequest } from "./requests.ts";

export const YAHOO_URL = "https://query2.finance.yahoo.com";
/** Any address of the provider that sets its cookie. */
export const YAHOO_COOKIE_URL = "https://fc.yahoo.com";
/** Without one that looks like a browser's the first request is refused. */
export const YAHOO_USER_AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/** Bounds of an exchange as everywhere, but two connections and bodies of 4 MiB by default. */
export interface YahooClientOptions extends Omit<HttpClientOptions, "redact"> {
  readonly clock: Clock;
  /** Default `YAHOO_URL`; another query host, or a proxy of one. */
  readonly baseUrl?: string;
  /** Default `YAHOO_COOKIE_URL`; only quotes need it. */
  readonly cookieUrl?: string;
  /** Default `YAHOO_USER_AGENT`. */
  readonly userAgent?: string;
  /** Least time between the starts of two requests. Default 1 s. */
  readonly pauseMs?: number;
  /** How long to stay away after the first refusal for too many requests, and at most. Default 60 s and 30 min. */
  readonly limitWaitMs?: number;
  readonly limitWaitMsMax?: number;
}

/** What an answer with a body of JSON is: the value behind its only key, or what went wrong. */
export type Answer =
  | { readonly status: number; readonly result: unknown }
  | { readonly status: number; readonly fault: AnswerFault };

export interface GetRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
}

export interface YahooClient extends AsyncDisposable {
  /** Undefined where the code has nothing in the range. Throws the kinds of `errors.ts`. */
  chart(request: ChartRequest, signal: AbortSignal): Promise<Chart | undefined>;
  /**
   * One paced request; RateLimitError, and TransientError of the network, are thrown here already. A body that repeats a
   * secret of the request has it hidden, since a part of it may stand in an error.
   */
  get(request: GetRequest, doing: string, signal: AbortSignal): Promise<HttpAnswer>;
  /** An address below the base one. */
  urlOf(path: string): URL;
  readonly ready: (signal: AbortSignal) => Promise<void>;
}

/** The provider advises nothing; its users stay at one or two at a time. */
const CONNECTIONS_MAX = 2;

/** Sixty years of days have about half of it. More would hold up everything else while it is parsed. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Throws TypeError on a base URL that is none. */
export function createYahooClient(options: YahooClientOptions): YahooClient {
  const { clock, userAgent = YAHOO_USER_AGENT, pauseMs = 1_000 } = options;
  const { limitWaitMs = 60_000, limitWaitMsMax = 30 * 60_000 } = options;
  const base = parseBaseUrl(options.baseUrl ?? YAHOO_URL, "opening Yahoo");
  const http = createHttpClient({ connectionsMax: CONNECTIONS_MAX, bodyBytesMax: BODY_BYTES_MAX, ...options });
  const pace = createPace(clock, { pauseMs });
  const penalty = new Penalty({ firstMs: limitWaitMs, lastMs: limitWaitMsMax });

  async function get(
    { url, headers, secrets = [] }: GetRequest,
    doing: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    await pace.take(signal);
    const startedAtMs = clock.elapsedMs();
    const sent = await http.send({ url, headers: { "user-agent": userAgent, ...headers } }, doing, signal);
    const answer = secrets.length === 0 ? sent : { ...sent, body: hide(sent.body, secrets) };
    if (isTooMany(answer.status, answer.body.subarray(0, 100).toString("utf8"))) {
      const waitMs = penalty.refused(startedAtMs, clock.elapsedMs());
      const retryAfterMs = Math.max(parseRetryAfterMs(answer.header("retry-after")[0]) ?? 0, waitMs);
      const excerpt = excerptOf(answer.body.toString("utf8"));
      throw new RateLimitError(
        `${doing}: too many requests from this address (HTTP ${answer.status} ${excerpt})`,
        undefined,
        {
          retryAfterMs,
        },
      );
    }
    if (answer.status < 500) {
      penalty.succeeded(startedAtMs);
    }
    return answer;
  }

  const urlOf = (path: string): URL => new URL(path, base.href.endsWith("/") ? base : `${base.href}/`);

  return {
    async chart(request, signal) {
      const doing = `reading ${request.interval} of ${request.symbol} from yahoo`;
      const url = urlOf(toChartPath(request));
      const answer = readAnswer(
        await get({ url, headers: { accept: "application/json" } }, doing, signal),
        "chart",
        doing,
      );
      if ("fault" in answer) {
        if (isNothingThere(answer.fault)) {
          return undefined;
        }
        throw toFaultError(answer.status, answer.fault, doing);
      }
      const [first] = Array.isArray(answer.result) ? answer.result : [];
      return readChart(first, doing);
    },
    get,
    urlOf,
    ready: (signal) => pace.ready(signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/**
 * The envelope is believed whatever the HTTP status, since refusals come with several; whose key it has depends on what
 * refused (`chart`, `finance`). A status of 400 or more without one is a refusal of whatever lies between.
 */
export function readAnswer(answer: HttpAnswer, key: string, doing: string): Answer {
  const { status } = answer;
  const body = answer.body.toString("utf8");
  const parsed = parseBody(body);
  const [entry] = isRecord(parsed) ? Object.entries(parsed) : [];
  const [name, inside] = entry ?? [];
  if (isRecord(inside)) {
    const fault = readFault(inside["error"]);
    if (fault !== undefined) {
      return { status, fault };
    }
    if (status < 300 && name === key) {
      return { status, result: inside["result"] };
    }
  }
  if (status >= 300 || parsed === undefined) {
    throw toStatusError(status, answer.header("location")[0], body, doing);
  }
  throw new TransientError(`${doing}: expected an answer with ${key}, got ${excerptOf(body)}`);
}

function hide(body: Buffer, secrets: readonly string[]): Buffer {
  const spellings = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const text = spellings.reduce((result, secret) => result.replaceAll(secret, "[secret]"), body.toString("utf8"));
  return Buffer.from(text, "utf8");
}

function readFault(error: unknown): AnswerFault | undefined {
  if (!isRecord(error)) {
    return undefined;
  }
  const [code, description] = [error["code"], error["description"]].map((text) =>
    typeof text === "string" ? text : "",
  );
  return { code: code ?? "", description: description ?? "" };
}
