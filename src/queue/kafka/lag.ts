import { type Admin, ListOffsetTimestamps } from "@platformatic/kafka";

import type { PartitionLag } from "../../ports/queue.ts";
import type { KafkaConnection } from "./connection.ts";
import { isKafkaError } from "./errors.ts";
import { withAdmin } from "./probe-kafka.ts";

/** What the group has yet to settle, by end offsets and committed ones. */
export async function measureLag(
  connection: KafkaConnection,
  groupId: string,
  topics: readonly string[],
  signal?: AbortSignal,
): Promise<readonly PartitionLag[]> {
  return withAdmin(
    connection,
    async (admin) => {
      const metadata = await admin.metadata({ topics: [...topics], forceUpdate: true });
      const asked = topics.map((name) => ({ name, partitions: metadata.topics.get(name)?.partitionsCount ?? 0 }));
      const [ends, starts, committed] = await Promise.all([
        listOffsets(admin, asked, ListOffsetTimestamps.LATEST),
        listOffsets(admin, asked, ListOffsetTimestamps.EARLIEST),
        listCommitted(admin, groupId),
      ]);
      return [...ends.entries()].map(([at, { topic, partition, offset: end }]) => {
        const mark = committed.get(at);
        const from = mark ?? starts.get(at)?.offset ?? 0n;
        return { topic, partition, end, committed: mark, lag: end > from ? end - from : 0n };
      });
    },
    `measuring the lag of group ${groupId}`,
    signal,
  );
}

interface OffsetAt {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

async function listOffsets(
  admin: Admin,
  topics: readonly { readonly name: string; readonly partitions: number }[],
  timestamp: bigint,
): Promise<Map<string, OffsetAt>> {
  const answer = await admin.listOffsets({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp })),
    })),
  });
  const offsets = new Map<string, OffsetAt>();
  for (const { name, partitions } of answer) {
    for (const { partitionIndex, offset } of partitions) {
      offsets.set(keyOf(name, partitionIndex), { topic: name, partition: partitionIndex, offset });
    }
  }
  return offsets;
}

/** By partition; a group that nobody has heard of has committed nothing. */
async function listCommitted(admin: Admin, groupId: string): Promise<Map<string, bigint>> {
  const offsets = new Map<string, bigint>();
  try {
    for (const { topics } of await admin.listConsumerGroupOffsets({ groups: [{ groupId }] })) {
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, committedOffset } of partitions) {
          if (committedOffset >= 0n) {
            offsets.set(keyOf(name, partitionIndex), committedOffset);
          }
        }
      }
    }
  } catch (error) {
    if (!isKafkaError(error, "GROUP_ID_NOT_FOUND")) {
      throw error;
    }
  }
  return offsets;
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
