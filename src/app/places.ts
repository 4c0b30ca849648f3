import type { Config } from "../config.ts";
import { maskUrl } from "../config/reader.ts";

/** The servers with their addresses, as lines about waiting name them. */
export function redisAt({ redis }: Config): string {
  return redis.host === undefined ? "the budget" : `redis at ${redis.host}:${redis.port}`;
}

export function clickhouseAt({ clickhouse }: Config): string {
  return clickhouse.url === undefined
    ? `the engine in ${clickhouse.embeddedPath}`
    : `ClickHouse at ${maskUrl(clickhouse.url)}`;
}

export function queueAt({ kafka, mode, embedded }: Config): string {
  return mode === "embedded" ? `the queue in ${embedded.folder}` : `Kafka at ${kafka.brokers.join(", ")}`;
}
