import type { Server as HttpServer } from "node:http";
import { createServer, type Socket } from "node:net";

import { systemClock, type Clock } from "../../base/clock.ts";
import { createRandom } from "../../market/random.ts";
import { isForAdmin } from "../admin.ts";
import { createControl, type Control } from "../control.ts";
import { createLatency, type LatencyRange } from "../latency.ts";
import { closeServer, HOST, listen } from "../listen.ts";
import { Accounts, ANONYMOUS, type Account } from "./accounts.ts";
import { createAnswerer } from "./answer-request.ts";
import type { BaostockData } from "./baostock-data.ts";
import { serveConnection } from "./connection.ts";
import { parseFaultOrder, FaultPlan, type Fault, type FaultMatch, type RandomFault } from "./faults.ts";
import { LimitGate, type BaostockLimits } from "./limit-gate.ts";
import { RequestLog, type SimulatedRequest } from "./request-log.ts";
import type { Session } from "./session.ts";

export interface BaostockSimulatorOptions {
  /** A generated market (`marketData`) or a recording (`readRecording`, `recordingFromExchanges`). */
  readonly data: BaostockData;
  /** 0, the default, takes a free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Bounds what is published, and times limits, logins and log. */
  readonly clock?: Clock;
  /** How long an answer takes; 0 by default. A range is drawn from by the seed. */
  readonly latency?: LatencyRange;
  /** Of latency, of chance and of the places at which answers are cut into TCP segments. */
  readonly seed?: number;
  readonly randomFaults?: readonly RandomFault[];
  readonly limits?: BaostockLimits;
  /** The anonymous one by default. */
  readonly accounts?: readonly Account[];
  /** Told in every answer, whatever the client's is. */
  readonly serverVersion?: string;
  /** Older clients are told that their version has expired; `00.8.90` by default. */
  readonly clientVersionMin?: string;
  /** `04` by default. */
  readonly loginRefusalType?: "01" | "04";
  /** Closes connections on which nothing comes for so long; never by default. */
  readonly idleMs?: number;
  /** How many requests the log keeps, the newest; 100,000 by default. */
  readonly requestsMax?: number;
}

/**
 * BaoStock's TCP protocol served locally, for clients from 0.8.9 to 0.9.4. On the same port, over HTTP, whoever watches has
 * `GET /_sim/requests` and `POST /_sim/faults`; `DELETE` clears either.
 */
export interface BaostockSimulator extends Control<SimulatedRequest, Fault, FaultMatch>, AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections on which something was asked, and the most of all at once. */
  readonly connections: { readonly opened: number; readonly most: number };
}

export async function startBaostockSimulator(options: BaostockSimulatorOptions): Promise<BaostockSimulator> {
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const closing = new AbortController();
  const log = new RequestLog(options.requestsMax);
  const faults = new FaultPlan(options.randomFaults ?? [], createRandom(seed, "faults"));
  const gate = new LimitGate(options.limits ?? {});
  const accounts = new Accounts(options.accounts ?? [ANONYMOUS]);
  const answer = createAnswerer({
    data: options.data,
    clock,
    log,
    faults,
    gate,
    accounts,
    serverVersion: options.serverVersion ?? "00.9.00",
    clientVersionMin: options.clientVersionMin ?? "00.8.90",
    loginRefusalType: options.loginRefusalType ?? "04",
  });
  const drawLatencyMs = createLatency(options.latency, seed);
  const sockets = new Set<Socket>();
  const connections = { opened: 0, most: 0 };

  const { control, admin } = createControl({
    log,
    faults,
    parseOrder: parseFaultOrder,
    pardon: () => {
      gate.pardon();
    },
  });
  const serve = (socket: Socket): void => {
    connections.opened += 1;
    const session: Session = { connection: connections.opened, user: undefined };
    socket.once("close", () => {
      accounts.logout(session);
    });
    void serveConnection(socket, session, {
      answer,
      clock,
      random: createRandom(seed, `cuts ${session.connection}`),
      drawLatencyMs,
      idleMs: options.idleMs,
      signal: closing.signal,
    });
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    connections.most = Math.max(connections.most, sockets.size);
    socket.once("close", () => {
      sockets.delete(socket);
    });
    meetConnection(socket, options.idleMs, serve, admin);
  });
  const port = await listen(server, options.port);

  return {
    host: HOST,
    port,
    ...control,
    connections,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await closeServer(server, () => {
        for (const socket of sockets) {
          socket.destroy();
        }
      });
    },
  };
}

/** Waits for a connection's first bytes and hands it to whom they are for. */
function meetConnection(
  socket: Socket,
  idleMs: number | undefined,
  serve: (socket: Socket) => void,
  admin: HttpServer,
): void {
  // A peer that resets the connection is no news; without a listener it would end the process.
  socket.on("error", () => undefined);
  socket.on("timeout", () => {
    socket.end();
  });
  socket.setTimeout(idleMs ?? 0);
  socket.once("data", (first) => {
    socket.pause();
    socket.unshift(first);
    socket.setTimeout(0);
    if (isForAdmin(Buffer.from(first))) {
      admin.emit("connection", socket);
      socket.resume();
    } else {
      serve(socket);
    }
  });
}
