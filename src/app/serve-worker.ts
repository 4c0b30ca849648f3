import { resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { toListenError } from "../base/listen-error.ts";
import type { Log } from "../base/log.ts";
import { makeSecret } from "../base/make-secret.ts";
import type { Config } from "../config.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";
import { type HealthChecks, healthRoutes } from "../health/health-report.ts";
import { type HttpServerOptions, openHttpServer } from "../health/http-server.ts";
import { queueRoutes, type ServedQueue } from "../queue/remote/routes.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import type { ScheduleState } from "../schedule/scheduler.ts";
import type { CallsSeen } from "./status/calls-seen.ts";
import { describeHeld } from "./status/held.ts";
import { writeWorkerFile } from "./worker-file.ts";

export interface ServeParts {
  readonly config: Config;
  readonly log: Log;
  readonly queue: ServedQueue | undefined;
  /** True when the engine is in this process. */
  readonly isStoreEmbedded: boolean;
  readonly state: () => ConsumerState | undefined;
  readonly health: HealthChecks;
  readonly breakers: () => readonly BreakerSeen[];
  /** Calls that are under way and that wait for the budget. */
  readonly calls: () => readonly CallsSeen[];
  /** Undefined where this worker has no schedule. */
  readonly schedule: () => ScheduleState | undefined;
  /** `GET /metrics`. */
  readonly metrics: HttpServerOptions["routes"][number];
}

export interface ServedWorker extends AsyncDisposable {
  readonly url: string;
  readonly storeUrl: string | undefined;
}

/**
 * Opens the worker's own port, and where it holds embedded parts makes them reachable for other programs of this user
 * on this machine: the queue behind a token, the engine behind a password, both in the folder's `worker.json`. Throws
 * TransientError, with the setting to change, when a port is taken.
 */
export async function serveWorker(parts: ServeParts): Promise<ServedWorker> {
  const { config, log, queue, isStoreEmbedded } = parts;
  const { embedded, health, clickhouse, node } = config;
  const startedAt = systemClock.now().toString();
  const token = makeSecret();
  await using opened = new AsyncDisposableStack();
  const server = opened.use(
    await opening("the worker's own port", { port: "health.port", host: "health.host" }, () =>
      openHttpServer({
        host: health.host,
        port: health.port,
        log,
        routes: [
          healthRoutes(parts.health),
          parts.metrics,
          (routes) => {
            routes.get("/status", () => describeState(parts, startedAt));
          },
          ...(queue === undefined && !isStoreEmbedded ? [] : [queueRoutes(queue, token)]),
        ],
      }),
    ),
  );
  const store = isStoreEmbedded
    ? opened.use(
        await opening("the engine's port", { port: "embedded.store_port" }, async () => {
          const { serveStore } = await import("../store/clickhouse/serve/serve.ts");
          return await serveStore({
            folder: clickhouse.embeddedPath,
            host: "127.0.0.1",
            port: embedded.storePort,
            log,
          });
        }),
      )
    : undefined;
  if (queue !== undefined || store !== undefined) {
    opened.use(
      await writeWorkerFile(embedded.folder, {
        pid: process.pid,
        nodeId: node.id,
        startedAt,
        url: server.url,
        token,
        hasQueue: queue !== undefined,
        ...(store === undefined
          ? {}
          : {
              store: {
                path: resolve(clickhouse.embeddedPath),
                url: store.url,
                user: store.user,
                password: store.password,
              },
            }),
      }),
    );
  }
  const open = opened.move();
  return { url: server.url, storeUrl: store?.url, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function opening<T>(
  what: string,
  names: Parameters<typeof toListenError>[2],
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw toListenError(error, what, names);
  }
}

/** What `GET /status` answers: who this is and what it has in hand, without a secret. */
function describeState({ config, state, health, breakers, calls, schedule }: ServeParts, startedAt: string): object {
  const consumer = state();
  return {
    node: config.node.id,
    pid: process.pid,
    state: health.state().toLowerCase(),
    mode: config.mode,
    startedAt,
    uptimeSeconds: Math.round(process.uptime()),
    breakers: breakers(),
    calls: calls(),
    schedule: schedule(),
    held: consumer === undefined ? undefined : describeHeld(consumer),
    consumer: consumer === undefined ? undefined : toPlain(consumer),
  };
}

/** JSON has no bigint. */
function toPlain(state: ConsumerState): unknown {
  const text = JSON.stringify(state, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return JSON.parse(text);
}
