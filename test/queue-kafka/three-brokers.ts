import type { TestContext } from "node:test";

import { ensureTopics } from "../../src/queue/kafka/topics.ts";
import { createKafkaBroker, type KafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { type KafkaCluster, startKafkaCluster } from "../support/services/kafka-cluster.ts";
import { isFullRun } from "../support/sizes.ts";
import { uniqueName } from "../support/unique-name.ts";

export interface ThreeBrokers extends AsyncDisposable {
  readonly cluster: KafkaCluster;
  readonly broker: KafkaBroker;
  /** A topic with three replicas, of which two must have what is acknowledged. */
  createTopic(partitions: number): Promise<string>;
}

/** A cluster in which leaders can change; undefined after `t.skip` where there is none, and in the small run. */
export async function openThreeBrokers(t: TestContext): Promise<ThreeBrokers | undefined> {
  if (!isFullRun) {
    t.skip("NOT PROVEN IN THIS RUN: it needs three brokers; npm run test:full has them");
    return undefined;
  }
  if (!canRun(t, whyNoKafka())) {
    return undefined;
  }
  const cluster = await startKafkaCluster();
  const broker = createKafkaBroker(cluster.address);
  return {
    cluster,
    broker,
    createTopic: async (partitions) => {
      const topic = uniqueName("three");
      const configs = { "min.insync.replicas": "2" };
      await ensureTopics(broker.connection, [{ topic, partitions, replication: 3, configs }]);
      return topic;
    },
    [Symbol.asyncDispose]: async () => {
      await broker[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
