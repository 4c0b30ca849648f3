import { setTimeout as sleep } from "node:timers/promises";

import { createTcpGate } from "../worker/tcp-gate.ts";
import type { GdwProcess } from "../worker/gdw-process.ts";
import type { ServiceRig } from "./service-rig.ts";

/** `first` makes the tables, `there` meets servers that answer, `away` servers that do so only later. */
export type StartKind = "first" | "there" | "away";

export interface StartLine {
  readonly bench: "service";
  readonly part: "start";
  readonly kind: StartKind;
  readonly run: number;
  /** To the first 200 of `/readyz`, from the spawn; for `away` from the moment at which all servers answer. */
  readonly ms: number;
  /** Spawn to the first log line: Node, imports, settings. */
  readonly loadedMs: number;
  /** First log line to `worker ready`: Redis, Kafka, ClickHouse, its own port. For `away` with the waiting. */
  readonly openedMs: number;
  /** `worker ready` to the membership of the group. */
  readonly joinedMs: number;
  /** SIGTERM to the end of the process, without a message in hand. */
  readonly drainMs: number;
}

const AWAY_MS = 3_000;
/** The worker tries again every half second; so no two runs open at the same moment of that. */
const AWAY_STEP_MS = 110;

/** Starts of the worker, each followed by a stop without work; a line each. */
export async function* measureStarts(service: ServiceRig): AsyncGenerator<StartLine, undefined, unknown> {
  const { runs } = service.options;
  yield await measureStart(service, "first", 1);
  for (let run = 1; run <= runs; run += 1) {
    yield await measureStart(service, "there", run);
    yield await measureAway(service, run);
  }
}

async function measureStart(service: ServiceRig, kind: StartKind, run: number): Promise<StartLine> {
  await using worker = await service.startWorker();
  const readyAtMs = await worker.untilReady();
  return await toLine(worker, { kind, run, readyAtMs, sinceMs: worker.spawnedAtMs });
}

/** The broker is behind the door for the first connection only: what it advertises leads to itself. */
async function measureAway(service: ServiceRig, run: number): Promise<StartLine> {
  const { kafka, redis, clickhouse } = service.servers;
  const store = new URL(clickhouse);
  await using kafkaGate = await createTcpGate(placeOf(new URL(`tcp://${kafka.split(",")[0] ?? ""}`)));
  await using redisGate = await createTcpGate(placeOf(redis));
  await using storeGate = await createTcpGate(placeOf(store));
  store.port = `${storeGate.port}`;
  store.hostname = "127.0.0.1";
  await using worker = await service.startWorker({
    GINKGO_KAFKA_BROKERS: `127.0.0.1:${kafkaGate.port}`,
    GINKGO_REDIS_HOST: "127.0.0.1",
    GINKGO_REDIS_PORT: `${redisGate.port}`,
    GINKGO_CLICKHOUSE_URL: store.href,
  });
  const ready = worker.untilReady();
  ready.catch(() => undefined);
  await sleep(AWAY_MS + run * AWAY_STEP_MS);
  if (worker.saidAtMs("worker ready") !== undefined) {
    throw new Error("starting without servers: the worker said it was ready");
  }
  await Promise.all([kafkaGate.open(), redisGate.open(), storeGate.open()]);
  const sinceMs = Date.now();
  // Stopped before the doors are shut.
  return await toLine(worker, { kind: "away", run, readyAtMs: await ready, sinceMs });
}

interface Started {
  readonly kind: StartKind;
  readonly run: number;
  readonly readyAtMs: number;
  readonly sinceMs: number;
}

async function toLine(worker: GdwProcess, { kind, run, readyAtMs, sinceMs }: Started): Promise<StartLine> {
  await worker.untilJoined();
  const at = (text: string): number => worker.saidAtMs(text) ?? Number.NaN;
  const drainMs = await worker.stop();
  return {
    bench: "service",
    part: "start",
    kind,
    run,
    ms: readyAtMs - sinceMs,
    loadedMs: at("worker starting") - worker.spawnedAtMs,
    openedMs: at("worker ready") - at("worker starting"),
    joinedMs: at("kafka group joined") - at("worker ready"),
    drainMs: Math.round(drainMs),
  };
}

function placeOf(url: URL): { readonly host: string; readonly port: number } {
  return { host: url.hostname, port: Number.parseInt(url.port, 10) };
}
