import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { Admin } from "@platformatic/kafka";

import { copyKafkaTemplate, findKafkaParts, kafkaSettings } from "../../../scripts/lib/kafka-parts.ts";
import { waitFor } from "../wait-for.ts";
import { startChild, type ChildService } from "./child-service.ts";
import { withFreePorts } from "./free-port.ts";
import { openGuardedFolder } from "./guarded-folder.ts";
import { askKafka, whyNoKafka } from "./kafka.ts";

export interface KafkaNode extends ChildService {
  readonly id: number;
  readonly address: string;
}

/** Three brokers, each of them a controller too; topics want three replicas, two of them in sync. */
export interface KafkaCluster extends AsyncDisposable {
  /** The addresses of all, comma-separated. */
  readonly address: string;
  readonly nodes: readonly [KafkaNode, KafkaNode, KafkaNode];
  /** The ids of the leaders of a topic's partitions now, by partition; -1 where there is none. */
  leadersOf(topic: string): Promise<readonly number[]>;
  /** Stops a broker in order, as SIGTERM does, and starts it again; `meanwhile` runs while it is away. */
  roll(node: KafkaNode, meanwhile?: () => Promise<void>): Promise<void>;
}

const NODES = 3;

export function startKafkaCluster(): Promise<KafkaCluster> {
  return withFreePorts(2 * NODES, async (ports) => {
    const template = findKafkaParts();
    if (template === undefined) {
      throw new Error(`cannot start a Kafka cluster: ${whyNoKafka()}; run npm run services`);
    }
    const clusterId = newId();
    const places = Array.from({ length: NODES }, (_, index) => ({
      id: index + 1,
      port: ports[2 * index] ?? 0,
      controllerPort: ports[2 * index + 1] ?? 0,
    }));
    const voters = places.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(",");
    const starts = await Promise.allSettled(
      places.map(async (place): Promise<KafkaNode> => {
        const folder = await openGuardedFolder(`kafka-${place.id}`);
        const dataFolder = path.join(folder.path, "data");
        await copyKafkaTemplate(template.templateFolder, dataFolder);
        await becomeNode(dataFolder, place.id, clusterId);
        const settingsFile = path.join(folder.path, "server.properties");
        await writeFile(settingsFile, kafkaSettings({ ...place, dataFolder }) + clusterSettings(place.id, voters));
        const address = `127.0.0.1:${place.port}`;
        const child = await startChild({
          name: `kafka-${place.id}`,
          folder,
          command: template.java,
          args: [...template.javaArgs, "kafka.Kafka", settingsFile],
          isReady: async () => {
            const facts = await askKafka(address);
            return facts.clusterId === clusterId && facts.brokers === NODES;
          },
        });
        return Object.assign(child, { id: place.id, address });
      }),
    );
    const nodes = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const end = async (): Promise<void> => {
      // The last one to stop in order would wait for a quorum that is gone.
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map((node) => node.stop()));
    };
    const [first, second, third] = nodes;
    if (first === undefined || second === undefined || third === undefined) {
      await end();
      throw new Error("cannot start a Kafka cluster", {
        cause: starts.find((start) => start.status === "rejected")?.reason,
      });
    }
    const address = nodes.map((node) => node.address).join(",");
    return {
      address,
      nodes: [first, second, third],
      leadersOf: (topic) => readLeaders(address, topic),
      roll: async (node, meanwhile) => {
        const { pid } = node;
        node.signal("SIGTERM");
        await waitFor(() => pid === undefined || isGone(pid), { what: `broker ${node.id} to stop`, timeoutMs: 30_000 });
        await meanwhile?.();
        await node.restart();
      },
      [Symbol.asyncDispose]: end,
    };
  });
}

/** Brokers take some seconds to be given up, so that one that only stood still keeps its place. */
function clusterSettings(id: number, voters: string): string {
  return `node.id=${id}
controller.quorum.voters=${voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
`;
}

async function becomeNode(dataFolder: string, id: number, clusterId: string): Promise<void> {
  const file = path.join(dataFolder, "meta.properties");
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text
      .replace(/^node\.id=.*$/m, `node.id=${id}`)
      .replace(/^cluster\.id=.*$/m, `cluster.id=${clusterId}`)
      .replace(/^directory\.id=.*$/m, `directory.id=${newId()}`),
  );
}

async function readLeaders(addresses: string, topic: string): Promise<readonly number[]> {
  const admin = new Admin({
    clientId: "ginkgo-rig",
    bootstrapBrokers: addresses.split(","),
    retries: 3,
    connectTimeout: 2_000,
    timeout: 2_000,
  });
  try {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    const found = topics.get(topic)?.partitions ?? [];
    return Object.values(found).map(({ leader }) => leader);
  } finally {
    await admin.close();
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}
