import { writeFile } from "node:fs/promises";
import path from "node:path";

import { Admin } from "@platformatic/kafka";

import { copyKafkaTemplate, findKafkaParts, kafkaSettings } from "../../../scripts/lib/kafka-parts.ts";
import { startChild, type ChildService } from "./child-service.ts";
import { withFreePorts } from "./free-port.ts";
import { openGuardedFolder } from "./guarded-folder.ts";

export interface KafkaService extends ChildService {
  readonly port: number;
  /** For example `127.0.0.1:23456`. */
  readonly address: string;
  readonly clusterId: string;
  version(): Promise<string>;
}

export type KafkaSettings = Readonly<Record<string, string>>;

export interface KafkaOptions {
  /** Lines of `server.properties` to add or to change; a function when they need the ports. */
  readonly settings?: KafkaSettings | ((port: number, controllerPort: number) => KafkaSettings);
}

/** Why there can be no Kafka here; undefined when there can. */
export function whyNoKafka(): string | undefined {
  return findKafkaParts() === undefined ? "Kafka's jars or a Java to run them are not installed" : undefined;
}

/** One real broker, KRaft, without topics. What it has acknowledged is still there after `kill` and `restart`. */
export function startKafka(options: KafkaOptions = {}): Promise<KafkaService> {
  const parts = findKafkaParts();
  if (parts === undefined) {
    return Promise.reject(new Error(`cannot start Kafka: ${whyNoKafka()}; run npm run services`));
  }
  return withFreePorts(2, async ([port = 0, controllerPort = 0]) => {
    const folder = await openGuardedFolder("kafka");
    const dataFolder = path.join(folder.path, "data");
    const clusterId = await copyKafkaTemplate(parts.templateFolder, dataFolder);
    const settingsFile = path.join(folder.path, "server.properties");
    const { settings = {} } = options;
    const changes = typeof settings === "function" ? settings(port, controllerPort) : settings;
    const added = Object.entries(changes).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(settingsFile, kafkaSettings({ port, controllerPort, dataFolder }) + added.join(""));
    const address = `127.0.0.1:${port}`;
    const child = await startChild({
      name: "kafka",
      folder,
      command: parts.java,
      args: [...parts.javaArgs, "kafka.Kafka", settingsFile],
      isReady: async () => (await askKafka(address)).clusterId === clusterId,
    });
    return Object.assign(child, { port, address, clusterId, version: () => Promise.resolve(parts.version) });
  });
}

export interface KafkaFacts {
  readonly clusterId: string;
  readonly brokers: number;
}

/** What a running cluster tells of itself; the protocol has no words for the version of the program. Throws when no broker answers. */
export async function askKafka(addresses: string): Promise<KafkaFacts> {
  const admin = new Admin({
    clientId: "ginkgo-rig",
    bootstrapBrokers: addresses.split(","),
    retries: 0,
    connectTimeout: 2_000,
    timeout: 2_000,
  });
  try {
    const metadata = await admin.metadata({ topics: [] });
    if (metadata.brokers.size === 0) {
      throw new Error(`the cluster at ${addresses} has no broker`);
    }
    return { clusterId: metadata.id, brokers: metadata.brokers.size };
  } finally {
    await admin.close();
  }
}
