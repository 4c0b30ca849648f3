import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { createControl, type Control } from "../control.ts";
import { createLatency, type LatencyRange } from "../latency.ts";
import { serveHttp, type HttpServing } from "../serve-http.ts";
import { createAnswerer } from "./answer-request.ts";
import type { QuoteKey } from "./chart.ts";
import { Cookies } from "./cookies.ts";
import { parseFaultOrder, FaultPlan, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { LimitGate, type YahooLimits } from "./limit-gate.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import { respond } from "./respond.ts";
import type { YahooData } from "./yahoo-data.ts";

export interface YahooSimulatorOptions {
  /** Generated markets (`yahooData`) or a recording (`yahooRecording`, `readRecording`). */
  readonly data: YahooData;
  /** 0, the default, takes a free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Bounds what has been traded and how far back intervals go, and times limits and log. */
  readonly clock?: Clock;
  /** How long an answer takes; 0 by default. A range is drawn from by the seed. */
  readonly latency?: LatencyRange;
  /** Of latency, of chance, of cookies and of the order of members. */
  readonly seed?: number;
  readonly randomFaults?: readonly RandomFault[];
  /** None by default. */
  readonly limits?: YahooLimits;
  /**
   * For how long after the close the day's row stands at its last trade, as it does while the session goes on; half an hour
   * by default. `false` shows no such row: a day then comes out at its close.
   */
  readonly liveMs?: number | false;
  /** The order of the arrays of prices; varied from answer to answer by default, as clients must bear. */
  readonly keyOrder?: readonly QuoteKey[];
  /** How many requests the log keeps, the newest; 100,000 by default. */
  readonly requestsMax?: number;
}

/**
 * Yahoo's chart API served locally, with the paths that give cookie, crumb and quotes, whatever host a request names. On
 * the same port whoever watches has `GET /_sim/requests` and `POST /_sim/faults`; `DELETE` clears either.
 */
export interface YahooSimulator extends Control<SimulatedRequest, Fault, FaultMatch>, HttpServing {
  /** Cookies that are out, and their crumbs, are refused from now on. */
  forgetCookies(): void;
}

export async function startYahooSimulator(options: YahooSimulatorOptions): Promise<YahooSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const log = new RequestLog(options.requestsMax);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const gate = new LimitGate(options.limits);
  const cookies = new Cookies(createRandom(seed, "cookies"));
  const answer = createAnswerer({
    data: options.data,
    clock,
    log,
    faults,
    gate,
    cookies,
    keyOrder: options.keyOrder ?? { variedBy: createRandom(seed, "key order") },
    liveSeconds: options.liveMs === false ? undefined : (options.liveMs ?? LIVE_MS_DEFAULT) / 1_000,
  });
  const drawLatencyMs = createLatency(options.latency, seed);

  const { control, admin } = createControl({
    log,
    faults,
    parseOrder: parseFaultOrder,
    pardon: () => {
      gate.pardon();
    },
  });
  const serving = await serveHttp({
    port: options.port,
    admin,
    respond: (request, response, signal) =>
      respond(request, response, { answer, clock, latencyMs: drawLatencyMs(), signal }),
  });

  return {
    ...serving,
    ...control,
    forgetCookies: () => {
      cookies.forget();
    },
  };
}

const LIVE_MS_DEFAULT = 1_800_000;
