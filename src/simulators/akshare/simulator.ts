import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { createControl, type Control } from "../control.ts";
import { createLatency, type LatencyRange } from "../latency.ts";
import { serveHttp, type HttpServing } from "../serve-http.ts";
import type { AkshareData } from "./akshare-data.ts";
import { createAnswerer } from "./answer-request.ts";
import { FaultPlan, parseFaultOrder, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import type { ServingRules } from "./inquiry.ts";
import { LimitGate, type UpstreamLimits } from "./limit-gate.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import { respond } from "./respond.ts";

export interface AkshareSimulatorOptions extends Partial<ServingRules> {
  /** A generated market (`akshareData`), or rows of one's own. */
  readonly data: AkshareData;
  /** 0, the default, takes a free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Bounds what is published, and times limits and log. */
  readonly clock?: Clock;
  /** How long an answer takes; 0 by default. A range is drawn from by the seed. */
  readonly latency?: LatencyRange;
  /** Of latency and of chance. */
  readonly seed?: number;
  readonly randomFaults?: readonly RandomFault[];
  /** By upstream; none by default. */
  readonly limits?: UpstreamLimits;
  /**
   * Whether clients must send a browser's `User-Agent`, and a `Referer` to Sina and the exchanges; true by default. The
   * library itself sends neither, save the `Referer` to Shanghai's exchange, which is needed in any case.
   */
  readonly checksHeaders?: boolean;
  /** Between two signs of life of a stream; 3 s by default. */
  readonly heartbeatMs?: number;
  /** How many requests the log keeps, the newest; 100,000 by default. */
  readonly requestsMax?: number;
}

/**
 * The endpoints behind AKShare and those of AKTools, served locally by their paths. Besides them, for whoever watches,
 * `GET /_sim/requests` and `POST /_sim/faults`; `DELETE` clears either.
 */
export interface AkshareSimulator extends Control<SimulatedRequest, Fault, FaultMatch>, HttpServing {}

export async function startAkshareSimulator(options: AkshareSimulatorOptions): Promise<AkshareSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const log = new RequestLog(options.requestsMax);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const gate = new LimitGate(options.limits ?? {});
  const answer = createAnswerer({
    data: options.data,
    clock,
    log,
    faults,
    gate,
    rules: rulesOf(options),
    checksHeaders: options.checksHeaders ?? true,
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
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS_DEFAULT;
  const serving = await serveHttp({
    port: options.port,
    admin,
    respond: (request, response, signal) =>
      respond(request, response, { answer, clock, latencyMs: drawLatencyMs(), heartbeatMs, signal }),
  });

  return {
    ...serving,
    ...control,
  };
}

const HEARTBEAT_MS_DEFAULT = 3_000;
/** About two months. */
const MINUTE_DAYS_DEFAULT = 40;
/** The cap that came without notice in March 2025. */
const SPOT_ROWS_MAX_DEFAULT = 100;

function rulesOf(options: AkshareSimulatorOptions): ServingRules {
  return {
    minuteDays: options.minuteDays ?? MINUTE_DAYS_DEFAULT,
    spotRowsMax: options.spotRowsMax ?? SPOT_ROWS_MAX_DEFAULT,
    redirectsFirst: options.redirectsFirst ?? false,
    hasCodeColumn: options.hasCodeColumn ?? true,
  };
}
