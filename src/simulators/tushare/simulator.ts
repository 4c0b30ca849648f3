import { once } from "node:events";
import { createServer } from "node:http";

import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { handleAdmin } from "./admin.ts";
import { createAnswerer, type SimulatedAccount } from "./answer-call.ts";
import type { ApiName } from "./apis.ts";
import type { NumberStyle } from "./encode-answer.ts";
import { FaultPlan, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { LIMIT_DEFAULT, LimitGate, type LimitRule } from "./limit-gate.ts";
import type { PermissionWording } from "./refused-call.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import { respond } from "./respond.ts";
import type { SimulatedData } from "./simulated-data.ts";

/** A token of the real form, 56 hexadecimal digits, that is worth nothing anywhere else. */
export const SIMULATOR_TOKEN = "5".repeat(8) + "1".repeat(48);

export interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
}

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
export interface TushareSimulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** A token that it accepts. */
  readonly token: string;
  /** Calls as they arrived, without admin requests. */
  readonly requests: readonly SimulatedRequest[];
  /** See RequestLog: the most calls of one API in any window of that length, from the log. */
  maxCallsInAnyWindow(windowMs: number, api?: string): number;
  /** The next calls that match meet the fault, ordered ones before random ones. */
  injectFault(fault: Fault, match?: FaultMatch): void;
  clearFaults(): void;
  clearRequests(): void;
}

export async function startTushareSimulator(options: TushareSimulatorOptions): Promise<TushareSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const tokens = options.tokens ?? [SIMULATOR_TOKEN];
  const closing = new AbortController();
  const log = new RequestLog(options.requestsMax ?? REQUESTS_MAX_DEFAULT);
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
  const latency = options.latency ?? { fromMs: 0, toMs: 0 };
  const random = createRandom(seed, "latency");

  const server = createServer((request, response) => {
    if (request.url?.startsWith("/_sim/") === true) {
      void handleAdmin(request, response, log, faults);
      return;
    }
    const latencyMs = random.between(latency.fromMs, latency.toMs);
    void respond(request, response, { answer, clock, latencyMs, signal: closing.signal });
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
    token: tokens[0] ?? "",
    requests: log.requests,
    maxCallsInAnyWindow: (windowMs, api) => log.maxCallsInAnyWindow(windowMs, api),
    injectFault: (fault, match) => {
      faults.order(fault, match);
    },
    clearFaults: () => {
      faults.clear();
    },
    clearRequests: () => {
      log.clear();
    },
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
/** The page: "keep lists below about 100 codes". */
const CODES_MAX_DEFAULT = 100;
