import type { Clock } from "../../base/clock.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { createHttpClient, parseBaseUrl, type HttpAnswer, type HttpClient } from "../http/client.ts";
import { DroppedError } from "../http/errors.ts";
import { createPace, type Pace } from "../http/pace.ts";
import { Penalty } from "../http/penalty.ts";
import { BlockedError, refuseBadAnswer, UPSTREAMS, type Upstream } from "./errors.ts";

export interface AkshareClientOptions {
  readonly clock: Clock;
  /** One address in place of every upstream's own: a proxy, or a simulator. */
  readonly baseUrl?: string;
  /** An AKTools server, which is then asked instead of the upstreams. */
  readonly aktoolsUrl?: string;
  /** Until one answer of an upstream is there. Default 30 s. */
  readonly callMsMax?: number;
  /** Until one answer of AKTools is there, which asks an upstream page by page meanwhile. Default 120 s. */
  readonly aktoolsMsMax?: number;
  /** Least time between the starts of two requests to one upstream; up to half of it more, at random. Default 1 s. */
  readonly pauseMs?: number;
  /** How long an upstream that keeps us out is left alone at first. Default 5 min. */
  readonly banWaitMs?: number;
  /** Each wait is twice as long as the one before, up to this. Default 1 h. */
  readonly banWaitMsMax?: number;
  /** False ignores HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Default true. */
  readonly useProxy?: boolean;
  readonly random?: () => number;
}

export interface UpstreamRequest {
  readonly upstream: Upstream;
  /** Where it is without `baseUrl`; an AKTools server has no place of its own. */
  readonly host?: string;
  readonly path: string;
  /** In the order in which it is sent. */
  readonly query?: readonly (readonly [name: string, value: string])[];
  /** A form, which makes it a POST. */
  readonly form?: readonly (readonly [name: string, value: string])[];
  readonly referer?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides those of success that `read` understands. */
  readonly statuses?: readonly number[];
  /** Default UTF-8. */
  readonly charset?: "gbk";
  /** Begins the text of every error. */
  readonly doing: string;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly text: string;
  readonly header: HttpAnswer["header"];
}

/**
 * One request at a time to each upstream, no closer together than `pauseMs`. What keeps us out (BlockedError of `read`
 * too, and from Eastmoney a connection dropped without a word) is a RateLimitError with a wait that grows from one to the
 * next and begins anew after an answer that `read` believed.
 */
export interface AkshareClient extends AsyncDisposable {
  /** `isDoubtful` answers prove nothing about whether we are kept out. */
  ask<T>(
    request: UpstreamRequest,
    read: (answer: UpstreamAnswer) => T,
    signal: AbortSignal,
    isDoubtful?: (value: T) => boolean,
  ): Promise<T>;
  /** What an upstream's silence means that only several answers together tell. */
  blocked(upstream: Upstream, message: string): RateLimitError;
}

const MINUTE_MS = 60_000;
/** None of the upstreams answers a client that says what it is. */
const USER_AGENT =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
/** The longest list of an exchange has about a quarter of it. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

interface Lane {
  readonly turns: Semaphore;
  readonly pace: Pace;
  readonly penalty: Penalty;
}

export function createAkshareClient(options: AkshareClientOptions): AkshareClient {
  const { clock, pauseMs = 1_000, banWaitMs = 5 * MINUTE_MS, banWaitMsMax = 60 * MINUTE_MS, random } = options;
  const placed = options.baseUrl === undefined ? undefined : parseBaseUrl(options.baseUrl, "opening AKShare");
  const aktools = options.aktoolsUrl === undefined ? undefined : parseBaseUrl(options.aktoolsUrl, "opening AKTools");
  const http = (callMsMax: number): HttpClient =>
    createHttpClient({ callMsMax, bodyBytesMax: BODY_BYTES_MAX, useProxy: options.useProxy ?? true });
  const direct = http(options.callMsMax ?? 30_000);
  const behind = http(options.aktoolsMsMax ?? 120_000);
  const lanes = new Map(UPSTREAMS.map((upstream) => [upstream, createLane()]));

  function createLane(): Lane {
    return {
      turns: new Semaphore(1),
      pace: createPace(clock, { pauseMs, spread: 0.5, ...(random === undefined ? {} : { random }) }),
      penalty: new Penalty({ firstMs: banWaitMs, lastMs: banWaitMsMax }),
    };
  }

  function laneOf(upstream: Upstream, doing: string): Lane {
    const lane = lanes.get(upstream);
    if (lane === undefined) {
      throw new RangeError(`${doing}: ${upstream} is no upstream`);
    }
    return lane;
  }

  function toBlocked({ penalty }: Lane, error: BlockedError): RateLimitError {
    // One request at a time: none was under way when the one before was refused.
    const nowMs = clock.elapsedMs();
    const waitMs = penalty.refused(nowMs, nowMs);
    return new RateLimitError(error.message, undefined, {
      retryAfterMs: Math.max(waitMs, error.retryAfterMs ?? 0),
      cause: error.cause ?? error,
    });
  }

  async function send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { upstream, doing, form, referer } = request;
    const base = upstream === "aktools" ? aktools : (placed ?? new URL(`https://${request.host}`));
    if (base === undefined) {
      throw new RangeError(`${doing}: there is no AKTools server`);
    }
    const headers = {
      "user-agent": USER_AGENT,
      accept: "*/*",
      ...(referer === undefined ? {} : { referer }),
      // A connection kept open may be closed just when it is used again, which would look like a ban.
      ...(upstream === "eastmoney" ? { connection: "close" } : {}),
      ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" }),
      ...request.headers,
    };
    const client = upstream === "aktools" ? behind : direct;
    const url = new URL(`${base.href.replace(/\/$/, "")}${request.path}${queryText(request.query)}`);
    try {
      const body = form === undefined ? {} : { body: pairsText(form) };
      const answer = await client.send({ url, headers, ...body }, doing, signal);
      const text = new TextDecoder(request.charset ?? "utf-8").decode(answer.body);
      return { status: answer.status, text, header: answer.header };
    } catch (error) {
      if (upstream === "eastmoney" && error instanceof DroppedError) {
        const happened =
          "the connection was dropped without an answer, which is how it says that an address asked too much";
        throw new BlockedError(`${doing}: ${happened}`, { cause: error });
      }
      throw error;
    }
  }

  return {
    async ask(request, read, signal, isDoubtful) {
      signal.throwIfAborted();
      const { upstream, doing, statuses = [] } = request;
      const lane = laneOf(upstream, doing);
      try {
        const answer = await inTurn(lane, () => send(request, signal), signal);
        if (!statuses.includes(answer.status)) {
          refuseBadAnswer(upstream, answer, answer.text, doing);
        }
        const value = read(answer);
        if (isDoubtful?.(value) !== true) {
          lane.penalty.succeeded(clock.elapsedMs());
        }
        return value;
      } catch (error) {
        throw error instanceof BlockedError ? toBlocked(lane, error) : error;
      }
    },
    blocked: (upstream, message) => toBlocked(laneOf(upstream, message), new BlockedError(message)),
    async [Symbol.asyncDispose]() {
      await Promise.all([direct[Symbol.asyncDispose](), behind[Symbol.asyncDispose]()]);
    },
  };
}

/** First come, first served; whoever gives up waiting lets the next one through in its turn. */
async function inTurn<T>({ turns, pace }: Lane, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  using _ = await turns.enter(signal);
  await pace.take(signal);
  return await work();
}

function queryText(query: UpstreamRequest["query"]): string {
  return query === undefined || query.length === 0 ? "" : `?${pairsText(query)}`;
}

/** Spaces are plus signs; commas, colons and bars stand as they are, as browsers leave them. */
function pairsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replaceAll("%2C", ",")
    .replaceAll("%3A", ":")
    .replaceAll("%7C", "|");
}
