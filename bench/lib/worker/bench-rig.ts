import { ensureOurTopics, kafkaConnection } from "../../../src/app/open-kafka.ts";
import { openOurClickHouse } from "../../../src/app/open-store.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type Config, loadConfig } from "../../../src/config.ts";
import { type KafkaProducer, openKafkaProducer } from "../../../src/queue/kafka/kafka-producer.ts";
import { measureLag } from "../../../src/queue/kafka/lag.ts";
import { uniqueName } from "../../../test/support/unique-name.ts";
import type { BenchServers } from "./servers.ts";

/** A topic, a group and a database of their own on the servers, and the way to look at them. */
export interface BenchRig extends AsyncDisposable {
  readonly config: Config;
  /** The settings of a worker that works here. */
  readonly env: Readonly<Record<string, string>>;
  /** `SELECT version()` of the engine. */
  readonly engine: string;
  publish(messages: readonly BenchMessage[]): Promise<void>;
  /** `@` before a table stands for the database. */
  select<Row>(sql: string): Promise<readonly Row[]>;
  /** Messages that have an outcome record. */
  settled(): Promise<number>;
  /** Messages that the group has not committed. */
  lag(): Promise<bigint>;
}

export interface BenchMessage {
  readonly code: string;
  readonly from: string;
  readonly to: string;
}

const never = new AbortController().signal;

/** `provider` is the address and the token of a simulated one. */
export async function openBenchRig(
  servers: BenchServers,
  provider: { readonly url: string; readonly token: string },
): Promise<BenchRig> {
  await using opened = new AsyncDisposableStack();
  const name = uniqueName("gdw_bench");
  const env: Readonly<Record<string, string>> = {
    GINKGO_KAFKA_BROKERS: servers.kafka,
    GINKGO_KAFKA_TOPICS: name,
    GINKGO_WORKER_TOPIC: name,
    WORKER_GROUP_ID: name,
    GINKGO_CLICKHOUSE_URL: servers.clickhouse,
    GINKGO_CLICKHOUSE_DATABASE: name,
    GINKGO_REDIS_HOST: servers.redis.hostname,
    GINKGO_REDIS_PORT: servers.redis.port,
    TUSHARE_TOKEN: provider.token,
    GINKGO_TUSHARE_URL: provider.url,
    // The budget is measured elsewhere.
    GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000",
    GINKGO_LOGGING_FORMAT: "json",
  };
  const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  await ensureOurTopics(config, never);
  const clickhouse = opened.use(await openOurClickHouse(config, silentLog, never));
  opened.defer(async () => {
    await clickhouse.command(`DROP DATABASE IF EXISTS ${name}`, {}, never);
  });
  const connection = await kafkaConnection(config);
  const producer: KafkaProducer = opened.use(await openKafkaProducer({ connection, clock: systemClock }, never));
  const select = <Row>(sql: string): Promise<readonly Row[]> =>
    clickhouse.query<Row>(sql.replaceAll("@", `${name}.`), {}, never);
  const open = opened.move();
  return {
    config,
    env,
    engine: `ClickHouse ${clickhouse.serverVersion()}`,
    publish: async (messages) => {
      await producer.publish(
        messages.map(({ code, from, to }) => ({ topic: name, key: Buffer.from(code), ...encode(code, from, to) })),
        never,
      );
    },
    select,
    settled: async () => {
      const [row] = await select<{ readonly settled: string }>(
        "SELECT toString(uniqExact(partition, offset)) AS settled FROM @outcome_row",
      );
      return Number.parseInt(row?.settled ?? "0", 10);
    },
    lag: async () => {
      const parts = await measureLag(connection, config.worker.groupId, [name], never);
      return parts.reduce((sum, { lag }) => sum + lag, 0n);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function encode(code: string, from: string, to: string): { readonly value: Buffer; readonly headers: readonly [] } {
  const params = { code, start_date: from, end_date: to, adjust_type: "none" };
  return { value: Buffer.from(JSON.stringify({ command: "bar_snapshot", params })), headers: [] };
}
