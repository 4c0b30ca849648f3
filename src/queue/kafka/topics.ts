import { type Admin, ConfigResourceTypes } from "@platformatic/kafka";

import type { KafkaConnection } from "./connection.ts";
import { isKafkaError, isUnknownTopic } from "./errors.ts";
import { withAdmin } from "./probe-kafka.ts";

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  /** Kafka's own names, such as `retention.ms`. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Every message of this topic must fit, with `DEAD_LETTER_EXTRA_BYTES` more. */
  readonly fits?: string;
}

export interface TopicReport {
  readonly topic: string;
  readonly action: "created" | "exists" | "differs";
  /** As it is, which is what was asked for unless `differs`. */
  readonly partitions: number;
  /** What is not as asked for, or nothing. */
  readonly note: string;
}

export const UPDATE_PARTITIONS = 24;
export const SIDE_PARTITIONS = 3;
export const DEAD_LETTER_RETENTION_MS = 90 * 24 * 60 * 60 * 1_000;
/** How much larger a dead letter may be than the message it carries: our headers, and Kafka's framing. */
export const DEAD_LETTER_EXTRA_BYTES = 64 * 1_024;
/** Kafka's own default of `max.message.bytes`, for a source whose setting cannot be read. */
const MESSAGE_BYTES_MAX = 1_048_588;

/** The topics of a worker; the dead-letter topic has as many partitions as its source. */
export function workerTopics(names: {
  readonly updates: string;
  readonly deadLetters: string;
  readonly side: readonly string[];
  readonly replication: number;
  readonly partitions?: number;
  readonly deadLetterRetentionMs?: number;
}): readonly TopicSpec[] {
  const { updates, deadLetters, side, replication, partitions = UPDATE_PARTITIONS } = names;
  return [
    { topic: updates, partitions, replication },
    {
      topic: deadLetters,
      partitions,
      replication,
      configs: { "retention.ms": String(names.deadLetterRetentionMs ?? DEAD_LETTER_RETENTION_MS) },
      fits: updates,
    },
    ...side.map((topic) => ({ topic, partitions: SIDE_PARTITIONS, replication })),
  ];
}

/** Creates what is missing. Deletes and alters nothing: what differs is reported and stays as it is. */
export async function ensureTopics(
  connection: KafkaConnection,
  specs: readonly TopicSpec[],
  signal?: AbortSignal,
): Promise<readonly TopicReport[]> {
  return withAdmin(
    connection,
    async (admin) => {
      const reports: TopicReport[] = [];
      for (const spec of specs) {
        reports.push(await ensureTopic(admin, spec));
      }
      return reports;
    },
    `creating topics ${specs.map(({ topic }) => topic).join(", ")}`,
    signal,
  );
}

/** Those that exist, with their partition counts. */
export async function findTopics(
  connection: KafkaConnection,
  topics: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  return withAdmin(
    connection,
    async (admin) => {
      const found = new Map<string, number>();
      for (const topic of topics) {
        const partitions = await countPartitions(admin, topic);
        if (partitions !== undefined) {
          found.set(topic, partitions);
        }
      }
      return found;
    },
    `looking for topics ${topics.join(", ")}`,
    signal,
  );
}

/** The largest message that a topic takes, in bytes; undefined where we may not ask. */
export async function readMessageBytesMax(
  connection: KafkaConnection,
  topic: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  return withAdmin(connection, (admin) => messageBytesMax(admin, topic), `reading the settings of ${topic}`, signal);
}

async function ensureTopic(admin: Admin, spec: TopicSpec): Promise<TopicReport> {
  const existing = await countPartitions(admin, spec.topic);
  if (existing !== undefined) {
    return compare(admin, spec, existing);
  }
  const bytes = await bytesNeeded(admin, spec);
  const configs = { ...spec.configs, ...(bytes === undefined ? {} : { "max.message.bytes": String(bytes) }) };
  try {
    await admin.createTopics({
      topics: [spec.topic],
      partitions: spec.partitions,
      replicas: spec.replication,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    // Another worker was faster.
    if (isKafkaError(error, "TOPIC_ALREADY_EXISTS")) {
      return compare(admin, spec, (await countPartitions(admin, spec.topic)) ?? spec.partitions);
    }
    throw error;
  }
  return { topic: spec.topic, action: "created", partitions: spec.partitions, note: "" };
}

async function compare(admin: Admin, spec: TopicSpec, partitions: number): Promise<TopicReport> {
  const notes: string[] = [];
  if (partitions !== spec.partitions) {
    notes.push(`has ${partitions} partitions where ${spec.partitions} are expected`);
  }
  const needed = await bytesNeeded(admin, spec);
  if (needed !== undefined) {
    const bytes = await messageBytesMax(admin, spec.topic);
    if (bytes !== undefined && bytes < needed) {
      notes.push(`takes messages of ${bytes} bytes where ${needed} are needed`);
    }
  }
  return { topic: spec.topic, action: notes.length > 0 ? "differs" : "exists", partitions, note: notes.join("; ") };
}

async function bytesNeeded(admin: Admin, { fits }: TopicSpec): Promise<number | undefined> {
  if (fits === undefined) {
    return undefined;
  }
  return ((await messageBytesMax(admin, fits)) ?? MESSAGE_BYTES_MAX) + DEAD_LETTER_EXTRA_BYTES;
}

async function countPartitions(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    return metadata.topics.get(topic)?.partitionsCount;
  } catch (error) {
    if (isUnknownTopic(error)) {
      return undefined;
    }
    throw error;
  }
}

async function messageBytesMax(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const described = await admin.describeConfigs({
      resources: [
        { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: ["max.message.bytes"] },
      ],
    });
    const value = described[0]?.configs.find(({ name }) => name === "max.message.bytes")?.value;
    return value === undefined || value === null ? undefined : Number.parseInt(value, 10);
  } catch (error) {
    if (
      isKafkaError(error, "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "UNKNOWN_TOPIC_OR_PARTITION")
    ) {
      return undefined;
    }
    throw error;
  }
}
