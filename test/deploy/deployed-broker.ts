import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { listenersOf } from "../../scripts/lib/deploy/kafka-environment.ts";
import { findKafkaParts } from "../../scripts/lib/kafka-parts.ts";
import { runCommand } from "../../scripts/lib/run-command.ts";
import { type ChildService, startChild } from "../support/services/child-service.ts";
import { withFreePorts } from "../support/services/free-port.ts";
import { openGuardedFolder } from "../support/services/guarded-folder.ts";
import { askKafka } from "../support/services/kafka.ts";
import { compileCache } from "../support/compile-cache.ts";

export interface DeployedBroker extends ChildService {
  /** Where the containers reach it, and where this machine does. */
  readonly network: string;
  readonly host: string;
  /** The variables that it was started with. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the image's own program made of them. */
  readonly propertiesFile: string;
}

/** What the image's scripts hand over to its program; nothing of ours is in them. */
const LOGGING = "Configuration:\n  Loggers:\n    Root:\n      level: WARN\n";

/**
 * A real broker from the variables of a Compose file: the program that Kafka's image runs first makes settings of them
 * and formats the storage, then the broker starts with the file it wrote. Changed are only the names and ports, to free
 * ones of this machine, and the folder of the data.
 */
export function startDeployedBroker(environment: Readonly<Record<string, string>>): Promise<DeployedBroker> {
  const parts = findKafkaParts();
  if (parts === undefined) {
    return Promise.reject(new Error("Kafka's jars or a Java to run them are not installed"));
  }
  const wanted = listenersOf(environment["KAFKA_LISTENERS"]);
  return withFreePorts(wanted.length, async (ports) => {
    const folder = await openGuardedFolder("deployed");
    const dataFolder = path.join(folder.path, "data");
    const free = new Map(wanted.map(({ port }, index) => [port, ports[index] ?? 0]));
    const placed = { ...moved(environment, free), KAFKA_LOG_DIRS: dataFolder };
    const [defaults, mounted, final] = ["default", "mounted", "final"].map((name) => path.join(folder.path, name));
    for (const name of [defaults, mounted, final, dataFolder]) {
      await mkdir(name ?? "", { recursive: true });
    }
    for (const name of ["log4j2.yaml", "tools-log4j2.yaml"]) {
      await writeFile(path.join(defaults ?? "", name), LOGGING);
    }
    await writeFile(path.join(defaults ?? "", "server.properties"), "");
    const setup = await runCommand(
      parts.java,
      [...parts.javaArgs, "kafka.docker.KafkaDockerWrapper", "setup"].concat([
        "-D",
        defaults ?? "",
        "-M",
        mounted ?? "",
        "-F",
        final ?? "",
      ]),
      { env: { PATH: process.env["PATH"], ...compileCache, ...placed } },
    );
    if (setup.code !== 0) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`Kafka's image would not start with these variables:\n${setup.output.slice(-2_000)}`);
    }
    const propertiesFile = path.join(final ?? "", "server.properties");
    const at = (port: number): string => `127.0.0.1:${free.get(port)}`;
    const network = at(9092);
    const child = await startChild({
      name: "kafka",
      folder,
      command: parts.java,
      args: [...parts.javaArgs, "kafka.Kafka", propertiesFile],
      isReady: async () => (await askKafka(network)).brokers === 1,
    });
    return Object.assign(child, { network, host: at(9094), environment: placed, propertiesFile });
  });
}

/** Every address of the broker's variables on this machine: `kafka:9092` and `:9092` to the free port that stands for 9092. */
function moved(
  environment: Readonly<Record<string, string>>,
  free: ReadonlyMap<number, number>,
): Readonly<Record<string, string>> {
  const move = (text: string): string =>
    text.replaceAll(/(\/\/|@)[\w.-]*:(\d+)/g, (_, before: string, port: string) => {
      return `${before}127.0.0.1:${free.get(Number.parseInt(port, 10)) ?? port}`;
    });
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, move(value)]));
}
