import { createServer, type Socket } from "node:net";

import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { meetConnection } from "../admin.ts";
import { createControl, type Control } from "../control.ts";
import { createLatency, type LatencyRange } from "../latency.ts";
import { closeServer, HOST, listen } from "../listen.ts";
import { Connection } from "./connection.ts";
import { parseFaultOrder, FaultPlan, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { RequestLog, type TdxRequest } from "./request-log.ts";
import type { TdxData } from "./tdx-data.ts";

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
export interface TdxSimulator extends Control<TdxRequest, Fault, FaultMatch>, AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections over which something was asked so far. */
  readonly connections: number;
}

const IDLE_MS_MAX_DEFAULT = 60_000;

export async function startTdxSimulator(options: TdxSimulatorOptions): Promise<TdxSimulator> {
  const seed = options.seed ?? 1;
  const log = new RequestLog(options.requestsMax);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const parts = {
    data: options.data,
    clock: options.clock ?? systemClock,
    log,
    faults,
    random: createRandom(seed, "garbage"),
    drawLatencyMs: createLatency(options.latency, seed),
    refusesUpgrade: options.refusesUpgrade ?? false,
  };
  const idleMsMax = options.idleMsMax ?? IDLE_MS_MAX_DEFAULT;
  const open = new Set<Socket>();
  let accepted = 0;
  const { control, admin } = createControl({ log, faults, parseOrder: parseFaultOrder });

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
  const port = await listen(server, options.port);

  return {
    host: HOST,
    port,
    ...control,
    get connections() {
      return accepted;
    },
    [Symbol.asyncDispose]: async () => {
      await closeServer(server, () => {
        for (const socket of open) {
          socket.destroy();
        }
      });
    },
  };
}
