import { type Admin, ConfigResourceTypes } from "@platformatic/kafka";

import {
  compareTopic,
  DEAD_LETTER_EXTRA_BYTES,
  MESSAGE_BYTES_MAX,
  type TopicReport,
  type TopicSpec,
} from "../topic-spec.ts";
import type { KafkaConnection } from "./connection.ts";
import { isKafkaError, isUnknownTopic } from "./errors.ts";
import { withAdmin } from "./probe-kafka.ts";

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
  const needed = await bytesNeeded(admin, spec);
  const bytes = needed === undefined ? undefined : await messageBytesMax(admin, spec.topic);
  return compareTopic(spec, { partitions, messageBytesMax: bytes }, needed);
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
