import { once } from "node:events";
import { createServer, type Socket } from "node:net";

import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { createAdmin, meetConnection } from "../admin.ts";
import { Connection } from "./connection.ts";
import { faultOrderSchema, FaultPlan, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { RequestLog, type TdxRequest } from "./request-log.ts";
import type { TdxData } from "./tdx-data.ts";

export interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface TdxSimulatorOptions {
  /** A generated market (`marketData`) or recorded files (`recordedData`). */
  readonly data: TdxData;
  /** 0, the default, takes a free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Bounds what is published, and times answers and log. */
  readonly clock?: Clock;
  /** How long an answer takes; 0 by default. A range is drawn from by the seed. */
  readonly latency?: LatencyRange;
  readonly seed?: number;
  readonly randomFaults?: readonly RandomFault[];
  /** Refuses the third packet of old clients and answers them hollow from then on, as most hosts do; false by default. */
  readonly refusesUpgrade?: boolean;
  /** A connection without traffic is closed after so long; 60 s by default. */
  readonly idleMsMax?: number;
  /** How many requests the log keeps, the newest; 100,000 by default. */
  readonly requestsMax?: number;
}

/**
 * TongDaXin's standard quotes served locally: what a client of port 7709 finds there, from the protocol page alone. On the
 * same port, over HTTP, whoever watches has `GET` and `DELETE /_sim/requests`, `POST` and `DELETE /_sim/faults`.
 */
export interface TdxSimulator extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Requests as they arrived. */
  readonly requests: readonly TdxRequest[];
  /** Connections over which something was asked so far. */
  readonly connections: number;
  /** The next requests that match meet the fault, ordered ones before random ones. */
  injectFault(fault: Fault, match?: FaultMatch): void;
  clearFaults(): void;
  clearRequests(): void;
}

const IDLE_MS_MAX_DEFAULT = 60_000;
const REQUESTS_MAX_DEFAULT = 100_000;

export async function startTdxSimulator(options: TdxSimulatorOptions): Promise<TdxSimulator> {
  const seed = options.seed ?? 1;
  const latency = options.latency ?? { fromMs: 0, toMs: 0 };
  const latencies = createRandom(seed, "latency");
  const log = new RequestLog(options.requestsMax ?? REQUESTS_MAX_DEFAULT);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const parts = {
    data: options.data,
    clock: options.clock ?? systemClock,
    log,
    faults,
    random: createRandom(seed, "garbage"),
    drawLatencyMs: () => latencies.between(latency.fromMs, latency.toMs),
    refusesUpgrade: options.refusesUpgrade ?? false,
  };
  const idleMsMax = options.idleMsMax ?? IDLE_MS_MAX_DEFAULT;
  const open = new Set<Socket>();
  let accepted = 0;
  const admin = createAdmin({
    requests: log.requests,
    orderFault: (order) => {
      const { fault, ...match } = faultOrderSchema.parse(order);
      faults.order(fault, match);
    },
    clearFaults: () => {
      faults.clear();
    },
    clearRequests: () => {
      log.clear();
    },
  });

  // A client may end its half first: the answers it asked for are still written.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const gone = new AbortController();
    open.add(socket);
    // Loss of a connection ends its loop below; without a listener it would end the process.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      open.delete(socket);
      gone.abort();
    });
    socket.setNoDelay(true);
    socket.setTimeout(idleMsMax, () => socket.destroy());
    meetConnection(socket, admin, () => {
      accepted += 1;
      new Connection(socket, accepted, parts, gone.signal).serve().catch(() => socket.destroy());
    });
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError(`starting the simulator: expected a port, got ${String(address)}`);
  }

  return {
    host: "127.0.0.1",
    port: address.port,
    requests: log.requests,
    get connections() {
      return accepted;
    },
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
      const closed = once(server, "close");
      server.close();
      for (const socket of open) {
        socket.destroy();
      }
      await closed;
    },
  };
}
