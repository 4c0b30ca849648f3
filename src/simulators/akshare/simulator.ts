import { once } from "node:events";
import { createServer } from "node:http";

import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { createAdmin } from "../admin.ts";
import type { AkshareData } from "./akshare-data.ts";
import { createAnswerer } from "./answer-request.ts";
import { FaultPlan, faultOrderSchema, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import type { ServingRules } from "./inquiry.ts";
import { LimitGate, type UpstreamLimits } from "./limit-gate.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import { respond } from "./respond.ts";

export interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
}

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
export interface AkshareSimulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** Requests as they arrived. */
  readonly requests: readonly SimulatedRequest[];
  /** The next requests that match meet the fault, ordered ones before random ones. */
  injectFault(fault: Fault, match?: FaultMatch): void;
  /** Forgets ordered faults, and lifts bans. */
  clearFaults(): void;
  clearRequests(): void;
}

export async function startAkshareSimulator(options: AkshareSimulatorOptions): Promise<AkshareSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const closing = new AbortController();
  const log = new RequestLog(options.requestsMax ?? REQUESTS_MAX_DEFAULT);
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
  const latency = options.latency ?? { fromMs: 0, toMs: 0 };
  const random = createRandom(seed, "latency");

  const control = {
    requests: log.requests,
    injectFault: (fault: Fault, match?: FaultMatch): void => {
      faults.order(fault, match);
    },
    clearFaults: (): void => {
      faults.clear();
      gate.pardon();
    },
    clearRequests: (): void => {
      log.clear();
    },
  };
  const admin = createAdmin({
    ...control,
    orderFault: (order) => {
      const { fault, ...match } = faultOrderSchema.parse(order);
      faults.order(fault, match);
    },
  });
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/_sim/") === true) {
      admin.emit("request", request, response);
      return;
    }
    const latencyMs = random.between(latency.fromMs, latency.toMs);
    const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS_DEFAULT;
    void respond(request, response, { answer, clock, latencyMs, heartbeatMs, signal: closing.signal });
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError(`starting the simulator: expected a port, got ${String(address)}`);
  }

  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    ...control,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const REQUESTS_MAX_DEFAULT = 100_000;
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
