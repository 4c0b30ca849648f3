import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { createControl, type Control } from "../control.ts";
import { createLatency, type LatencyRange } from "../latency.ts";
import { serveHttp, type HttpServing } from "../serve-http.ts";
import { createAnswerer, type SimulatedAccount } from "./answer-call.ts";
import type { ApiName } from "./apis.ts";
import type { NumberStyle } from "./encode-answer.ts";
import { FaultPlan, parseFaultOrder, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { LIMIT_DEFAULT, LimitGate, type LimitRule } from "./limit-gate.ts";
import type { PermissionWording } from "./refused-call.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import { respond } from "./respond.ts";
import type { SimulatedData } from "./simulated-data.ts";
import { summarize } from "./summarize.ts";

/** A token of the real form, 56 hexadecimal digits, that is worth nothing anywhere else. */
export const SIMULATOR_TOKEN = "5".repeat(8) + "1".repeat(48);

export interface TushareSimulatorOptions {
  /** A generated market (`marketData`) or a recording (`readRecording`, `recordingFromRows`). */
  readonly data: SimulatedData;
  /** 0, the default, takes a free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  readonly tokens?: readonly string[];
  /** Bounds what is published, and times limits and log. */
  readonly clock?: Clock;
  /** All of them hold; by default 200 calls in any 60 s, for each token and API. `[]` lifts every limit. */
  readonly limits?: readonly LimitRule[];
  /** Whether a refused call counts towards the limits; not known of the real server. False by default. */
  readonly countsRefused?: boolean;
  /** Smaller row caps, by API. */
  readonly rowsMax?: Readonly<Partial<Record<ApiName, number>>>;
  /** Codes in one list; 100 by default. */
  readonly codesMax?: number;
  /** How long an answer takes; 0 by default. A range is drawn from by the seed. */
  readonly latency?: LatencyRange;
  readonly seed?: number;
  readonly randomFaults?: readonly RandomFault[];
  readonly forbiddenApis?: readonly ApiName[];
  /** Points and bought rights, by which APIs are refused as `forbiddenApis` are; without it nothing is. */
  readonly account?: SimulatedAccount;
  readonly permissionWording?: PermissionWording;
  /** `mixed` by default. */
  readonly numbers?: NumberStyle;
  /** False leaves `has_more` out of every answer, as old servers do. */
  readonly hasHasMore?: boolean;
  /** Unknown columns: an error as recorded (the default), or left out. */
  readonly unknownFields?: "refuse" | "ignore";
  readonly escapesNonAscii?: boolean;
  /** How many calls the log keeps, the newest; 100,000 by default. */
  readonly requestsMax?: number;
}

/**
 * Tushare's HTTP protocol served locally. `POST` on `/`, `/dataapi` and `/dataapi/{api}` as the real one;
 * besides it `GET /_sim/requests`, `GET /_sim/summary?windowMs=…` and `POST /_sim/faults` for whoever watches.
 */
export interface TushareSimulator extends Control<SimulatedRequest, Fault, FaultMatch>, HttpServing {
  /** A token that it accepts. */
  readonly token: string;
  /** See RequestLog: the most calls of one API in any window of that length, from the log. */
  maxCallsInAnyWindow(windowMs: number, api?: string): number;
}

export async function startTushareSimulator(options: TushareSimulatorOptions): Promise<TushareSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const tokens = options.tokens ?? [SIMULATOR_TOKEN];
  const log = new RequestLog(options.requestsMax);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const answer = createAnswerer({
    data: options.data,
    clock,
    log,
    faults,
    gate: new LimitGate(options.limits ?? [LIMIT_DEFAULT], options.countsRefused ?? false),
    tokens: new Set(tokens),
    rowsMax: options.rowsMax ?? {},
    codesMax: options.codesMax ?? CODES_MAX_DEFAULT,
    forbiddenApis: new Set(options.forbiddenApis),
    account: options.account,
    permissionWording: options.permissionWording ?? "named",
    numbers: options.numbers ?? "mixed",
    hasHasMore: options.hasHasMore ?? true,
    unknownFields: options.unknownFields ?? "refuse",
    escapesNonAscii: options.escapesNonAscii ?? false,
  });
  const drawLatencyMs = createLatency(options.latency, seed);
  const { control, admin } = createControl({
    log,
    faults,
    parseOrder: parseFaultOrder,
    pages: { "/_sim/summary": (query) => summarize(log, query) },
  });

  const serving = await serveHttp({
    port: options.port,
    admin,
    respond: (request, response, signal) =>
      respond(request, response, { answer, clock, latencyMs: drawLatencyMs(), signal }),
  });

  return {
    ...serving,
    token: tokens[0] ?? "",
    ...control,
    maxCallsInAnyWindow: (windowMs, api) => log.maxCallsInAnyWindow(windowMs, api),
  };
}

/** The page: "keep lists below about 100 codes". */
const CODES_MAX_DEFAULT = 100;
