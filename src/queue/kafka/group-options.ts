import { COOPERATIVE_STICKY_ASSIGNOR, type ConsumerOptions } from "@platformatic/kafka";

import { assignPartitions } from "./assign-partitions.ts";
import { type KafkaConnection, retryDelayMs, toClientOptions } from "./connection.ts";

/** Retries of one request: finite, because one that repeats stale content for ever stalls in silence. */
export const CONSUMER_RETRIES = 5;
/** Longer waits let an answer from before a rebalance arrive after it. */
export const FETCH_WAIT_MS_MAX = 500;
/**
 * An answer is decoded whole, whatever the reader has room for: of small messages a megabyte is 20,000, whose life until
 * they are read costs more memory and collecting than more answers cost time. A larger message still comes.
 */
const ANSWER_BYTES_MAX = 256 << 10;
const ANSWER_BYTES_PER_PARTITION_MAX = 64 << 10;

export interface GroupSettings {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long a fetch waits for messages; FETCH_WAIT_MS_MAX at most and by default. */
  readonly fetchWaitMs?: number | undefined;
}

export type KafkaConsumerOptions = ConsumerOptions<Buffer, Buffer, string, Buffer>;

/** Group times belong to the constructor: the client's own rejoins read nothing else. */
export function toConsumerOptions(connection: KafkaConnection, group: GroupSettings): KafkaConsumerOptions {
  return {
    ...toClientOptions(connection),
    groupId: group.groupId,
    autocommit: false,
    retries: CONSUMER_RETRIES,
    retryDelay: retryDelayMs,
    protocols: [{ name: COOPERATIVE_STICKY_ASSIGNOR, version: 3 }],
    partitionAssigner: assignPartitions,
    sessionTimeout: group.sessionTimeoutMs,
    rebalanceTimeout: group.sessionTimeoutMs * 2,
    heartbeatInterval: group.heartbeatMs,
    heartbeatStallTimeout: group.sessionTimeoutMs * 2,
    maxWaitTime: Math.min(group.fetchWaitMs ?? FETCH_WAIT_MS_MAX, FETCH_WAIT_MS_MAX),
    minBytes: 1,
    maxBytes: ANSWER_BYTES_MAX,
    maxBytesPerPartition: ANSWER_BYTES_PER_PARTITION_MAX,
    highWaterMark: 256,
    deserializers: { headerKey: (name) => name?.toString() ?? "" },
  };
}
