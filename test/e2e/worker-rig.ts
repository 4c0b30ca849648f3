import type { TestContext } from "node:test";

import { startWorker, type StartHooks } from "../../src/app/start-worker.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { openOurClickHouse } from "../../src/app/open-store.ts";
import { ensureOurTopics, kafkaConnection } from "../../src/app/open-kafka.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Config, loadConfig } from "../../src/config.ts";
import type { Message } from "../../src/ports/queue.ts";
import { type KafkaProducer, openKafkaProducer } from "../../src/queue/kafka/kafka-producer.ts";
import { measureLag } from "../../src/queue/kafka/lag.ts";
import type { SimulatedData } from "../../src/simulators/tushare/simulated-data.ts";
import {
  startTushareSimulator,
  type TushareSimulator,
  type TushareSimulatorOptions,
} from "../../src/simulators/tushare/simulator.ts";
import { type ClickHouse } from "../../src/store/clickhouse/client.ts";
import { requireClickHouse, requireKafka, requireRedis } from "../support/services.ts";
import { keptLog, keepAnswers } from "../support/kept-log.ts";
import { plantSecret } from "../support/planted-secrets.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";

/** Everything the main job needs, real, with names of its own: a topic, a group, a database, a simulated provider. */
export interface WorkerRig extends AsyncDisposable {
  readonly config: Config;
  readonly env: Readonly<Record<string, string>>;
  readonly simulator: TushareSimulator;
  readonly clickhouse: ClickHouse;
  /** Starts a worker in this process; stop it before the next one starts. */
  start(hooks?: StartHooks, config?: Config): RunningWorker;
  /** Publishes each value with its key. */
  publish(messages: readonly RigMessage[]): Promise<void>;
  /** What a topic holds now, each partition in its order. */
  messagesOf(topic: string): Promise<readonly Message[]>;
  /** Until so many messages in all have an outcome record. */
  untilSettled(messages: number, timeoutMs?: number): Promise<void>;
  select<Row>(sql: string, params?: Readonly<Record<string, unknown>>): Promise<readonly Row[]>;
  /** Messages that the group has not committed; 0 when all are. */
  lag(): Promise<bigint>;
  /** Calls the simulator got of an API since `clearRequests`. */
  callsOf(api?: string): number;
}

export interface RigMessage {
  readonly key?: string;
  /** Texts go as they are, anything else as JSON. */
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RunningWorker {
  /** Drains and resolves when the worker has ended; rejects with what ended it. */
  stop(): Promise<void>;
  /** Ends the worker at once, and never rejects. */
  drop(): Promise<void>;
  /** Rejects when the worker fails by itself. */
  readonly ended: Promise<void>;
}

export interface RigOptions extends Partial<Omit<TushareSimulatorOptions, "data">> {
  readonly data: SimulatedData;
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: Log;
}

/** Undefined when a service is not to be had; the test is skipped then, loudly. */
export async function openWorkerRig(t: TestContext, options: RigOptions): Promise<WorkerRig | undefined> {
  const kafka = await requireKafka(t);
  const redis = await requireRedis(t);
  const url = await requireClickHouse(t);
  if (kafka === undefined || redis === undefined || url === undefined) {
    return undefined;
  }
  const { env: extra, log, ...simulated } = options;
  await using opened = new AsyncDisposableStack();
  const simulator = opened.use(await startTushareSimulator({ tokens: [plantSecret()], ...simulated }));
  const name = uniqueName("gdw");
  const redisUrl = new URL(redis);
  const env: Readonly<Record<string, string>> = {
    GINKGO_KAFKA_BROKERS: kafka,
    GINKGO_KAFKA_TOPICS: name,
    GINKGO_WORKER_TOPIC: name,
    WORKER_GROUP_ID: name,
    GINKGO_KAFKA_SESSION_MS: "6000",
    GINKGO_KAFKA_HEARTBEAT_MS: "500",
    GINKGO_CLICKHOUSE_URL: url,
    GINKGO_CLICKHOUSE_DATABASE: name.replaceAll("-", "_"),
    GINKGO_REDIS_HOST: redisUrl.hostname,
    GINKGO_REDIS_PORT: redisUrl.port,
    // A token of the test's own keeps its budget apart from other tests on the same Redis.
    TUSHARE_TOKEN: simulator.token,
    GINKGO_TUSHARE_URL: simulator.url,
    // Several workers of one machine.
    GINKGO_HEALTH_PORT: "0",
    GINKGO_WORKER_START_WAIT_MS: "20000",
    ...extra,
  };
  const { config, secrets } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  const never = new AbortController().signal;
  // A test publishes as soon as it has started a worker, and a producer does not wait for a topic to be made.
  await ensureOurTopics(config, never);
  const clickhouse = opened.use(await openOurClickHouse(config, silentLog, never));
  const producer: KafkaProducer = opened.use(
    await openKafkaProducer({ connection: await kafkaConnection(config), clock: systemClock }, never),
  );
  opened.defer(async () => {
    await clickhouse.command(`DROP DATABASE IF EXISTS ${config.clickhouse.database}`, {}, never);
  });
  const open = opened.move();
  const running: RunningWorker[] = [];
  const select = <Row>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<readonly Row[]> =>
    clickhouse.query<Row>(sql.replaceAll("@", `${config.clickhouse.database}.`), params, never);
  return {
    config,
    env,
    simulator,
    clickhouse,
    start: (hooks, other = config) => {
      const worker = startRunning(other, log ?? keptLog(name, secrets), hooks);
      running.push(worker);
      return worker;
    },
    publish: async (messages) => {
      await producer.publish(
        messages.map(({ key, value, headers = {} }) => ({
          topic: name,
          key: key === undefined ? undefined : Buffer.from(key),
          value: typeof value === "string" ? Buffer.from(value) : Buffer.from(JSON.stringify(value)),
          headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
        })),
        never,
      );
    },
    messagesOf: async (topic) => {
      await using tools = await openQueueTools(config, silentLog, never);
      return await Array.fromAsync(tools.reader.read(topic, never));
    },
    untilSettled: async (messages, timeoutMs = 60_000) => {
      await waitFor(
        async () => {
          const [row] = await select<{ readonly settled: string }>(
            "SELECT toString(uniqExact(partition, offset)) AS settled FROM @outcome_row",
          ).catch(() => []);
          return Number.parseInt(row?.settled ?? "0", 10) >= messages;
        },
        { timeoutMs, everyMs: 50, what: `${messages} messages settled` },
      );
    },
    select,
    lag: async () => {
      const connection = await kafkaConnection(config);
      const parts = await measureLag(connection, config.worker.groupId, [name], never);
      return parts.reduce((sum, { lag }) => sum + lag, 0n);
    },
    callsOf: (api) => simulator.requests.filter((request) => api === undefined || request.api === api).length,
    [Symbol.asyncDispose]: async () => {
      // A test that failed half way leaves its worker running.
      await Promise.all(running.map((worker) => worker.drop()));
      await open.disposeAsync();
    },
  };
}

function startRunning(config: Config, log: Log, given: StartHooks = {}): RunningWorker {
  const ready = Promise.withResolvers<string>();
  const hooks: StartHooks = {
    ...given,
    onReady: (addresses) => {
      ready.resolve(addresses.url);
      given.onReady?.(addresses);
    },
  };
  const intake = new AbortController();
  const work = new AbortController();
  const shutdown = { intake: intake.signal, work: work.signal, signal: undefined, [Symbol.dispose]: () => undefined };
  const ended = startWorker(config, log, shutdown, hooks).then(() => undefined);
  // Whoever awaits `ended` or `stop` sees the failure; until then it is not unhandled.
  ended.catch(() => undefined);
  return {
    ended,
    drop: async () => {
      intake.abort(new Error("the test is over"));
      work.abort(new Error("the test is over"));
      await ended.catch(() => undefined);
    },
    stop: async () => {
      await keepAnswers(ready.promise);
      intake.abort(new Error("the test stops the worker"));
      await ended;
    },
  };
}
