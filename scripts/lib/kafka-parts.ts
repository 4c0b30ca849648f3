import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findExecutable } from "./find-executable.ts";
import { cacheFolder } from "./project.ts";
import { lastLines, runCommand } from "./run-command.ts";

export const kafkaVersion = "4.3.0";

/** What a broker is started from. All of it is made once by `npm run services`. */
export interface KafkaParts {
  readonly version: string;
  readonly java: string;
  /** Options, the archive of loaded classes and the class path, ready for the main class to follow. */
  readonly javaArgs: readonly string[];
  /** A formatted data folder without a port in it, to be copied for each broker. */
  readonly templateFolder: string;
}

const TRIES = 3;
const PAUSE_MS = 3_000;
const JAVA_OPTIONS = [
  "-Xmx256m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`;

function folders() {
  const root = path.join(cacheFolder(), `kafka-${kafkaVersion}`);
  return {
    root,
    jars: path.join(root, "jars"),
    classPathFile: path.join(root, "classpath.txt"),
    template: path.join(root, "template"),
    archive: path.join(root, "classes.jsa"),
    readyFile: path.join(root, "ready.json"),
  };
}

/** The prepared parts, or undefined when `npm run services` has not made them. */
export function findKafkaParts(): KafkaParts | undefined {
  const { readyFile, classPathFile, template, archive } = folders();
  const java = findExecutable("java");
  if (java === undefined || !existsSync(readyFile) || !existsSync(classPathFile)) {
    return undefined;
  }
  const classPath = readFileSync(classPathFile, "utf8");
  if (!existsSync(classPath.split(":")[0] ?? "") || !existsSync(path.join(template, "meta.properties"))) {
    return undefined;
  }
  // An archive of another Java is passed over by Java itself, with a slower start.
  const archiveArgs = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, "-Xlog:disable"] : [];
  return {
    version: kafkaVersion,
    java,
    javaArgs: [...JAVA_OPTIONS, ...archiveArgs, "-cp", classPath],
    templateFolder: template,
  };
}

/** Downloads the jars. Maven leaves them in the cache folder, so that nothing depends on its own repository later. */
export async function downloadKafka(): Promise<void> {
  const { root, jars, classPathFile } = folders();
  await mkdir(root, { recursive: true });
  await writeFile(path.join(root, "pom.xml"), POM);
  const maven = findExecutable("mvn");
  if (maven === undefined) {
    throw new Error("could not install Kafka: there is no mvn to download it with");
  }
  let output = "";
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    await rm(jars, { recursive: true, force: true });
    const args = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${jars}`];
    const outcome = await runCommand(maven, args, { cwd: root });
    if (outcome.code === 0) {
      const files = (await readdir(jars)).filter((name) => name.endsWith(".jar"));
      // The order is fixed because the archive of classes holds for one class path only.
      const classPath = files.toSorted().map((name) => path.join(jars, name));
      await writeFile(classPathFile, classPath.join(":"));
      return;
    }
    output = outcome.output;
    if (attempt < TRIES) {
      await sleep(PAUSE_MS);
    }
  }
  throw new Error(
    `could not install Kafka ${kafkaVersion}: ${TRIES} tries failed, the last one saying\n${lastLines(output, 8)}`,
  );
}

/** Formats the template folder, then runs a broker once so that Java archives the classes it loads. */
export async function prepareKafka(
  runOnce: (javaArgs: readonly string[], templateFolder: string) => Promise<void>,
): Promise<void> {
  const { root, classPathFile, template, archive, readyFile } = folders();
  const java = findExecutable("java");
  if (java === undefined) {
    throw new Error("could not prepare Kafka: there is no java");
  }
  const classPath = readFileSync(classPathFile, "utf8");
  await rm(template, { recursive: true, force: true });
  await rm(archive, { force: true });
  const settingsFile = path.join(root, "format.properties");
  const fresh = path.join(root, "formatted");
  await rm(fresh, { recursive: true, force: true });
  await writeFile(settingsFile, kafkaSettings({ port: 9092, controllerPort: 9093, dataFolder: fresh }));
  const args = [...JAVA_OPTIONS, "-cp", classPath, "kafka.tools.StorageTool", "format"];
  const format = await runCommand(java, [...args, "-t", newClusterId(), "-c", settingsFile]);
  if (format.code !== 0) {
    throw new Error(`could not format Kafka's data folder: ${lastLines(format.output, 8)}`);
  }
  await rename(fresh, template);
  await runOnce([...JAVA_OPTIONS, `-XX:ArchiveClassesAtExit=${archive}`, "-cp", classPath], template);
  await writeFile(readyFile, `${JSON.stringify({ kafka: kafkaVersion })}\n`);
}

export interface KafkaPlace {
  readonly port: number;
  readonly controllerPort: number;
  readonly dataFolder: string;
}

/** One node that is broker and controller, with the timeouts a test wants: short sessions, quick restart after a kill. */
export function kafkaSettings({ port, controllerPort, dataFolder }: KafkaPlace): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dataFolder}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
log.cleaner.dedupe.buffer.size=4194304
`;
}

/** Copies the template and gives the copy a cluster id of its own, which it answers. */
export async function copyKafkaTemplate(templateFolder: string, dataFolder: string): Promise<string> {
  const clusterId = newClusterId();
  await mkdir(dataFolder, { recursive: true });
  for (const name of await readdir(templateFolder)) {
    if (name === "meta.properties") {
      const text = readFileSync(path.join(templateFolder, name), "utf8");
      await writeFile(path.join(dataFolder, name), text.replace(/^cluster\.id=.*$/m, `cluster.id=${clusterId}`));
    } else {
      await copyFile(path.join(templateFolder, name), path.join(dataFolder, name));
    }
  }
  return clusterId;
}

function newClusterId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}
