import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findExecutable } from "./lib/find-executable.ts";
import {
  copyKafkaTemplate,
  downloadKafka,
  findKafkaParts,
  kafkaSettings,
  kafkaVersion,
  prepareKafka,
} from "./lib/kafka-parts.ts";
import { cacheFolder } from "./lib/project.ts";
import { installPrograms, systemPrograms, type SystemProgram } from "./lib/system-packages.ts";

/**
 * Gets what a bare Debian or Ubuntu machine lacks for the tests, and says what it does and why. Uses nothing but
 * Node itself. A second run finds everything and ends with one line.
 */
async function getServices(): Promise<void> {
  const missing: SystemProgram[] = [];
  for (const program of systemPrograms) {
    if (!(await program.isPresent())) {
      missing.push(program);
    }
  }
  const isKafkaReady = findKafkaParts() !== undefined;
  if (missing.length === 0 && isKafkaReady) {
    say(`everything is here: Java, Maven, Redis, MariaDB, promtool, Kafka ${kafkaVersion} in ${cacheFolder()}`);
    return;
  }
  for (const { name, reason } of missing) {
    say(`missing: ${name}, which ${reason}`);
  }
  if (missing.length > 0) {
    await installPrograms(missing, say);
    for (const program of missing) {
      if (!(await program.isPresent())) {
        throw new Error(`could not install ${program.name}: its package is there and the program is not`);
      }
      say(`installed: ${program.name}`);
    }
  }
  if (!isKafkaReady) {
    say(`missing: Kafka ${kafkaVersion}, the broker that the tests talk to; Maven downloads 45 jars, 44 MB`);
    await downloadKafka();
    say("preparing Kafka: a formatted data folder, and an archive of its classes for quick starts");
    await prepareKafka(runBrokerOnce);
    say(`installed: Kafka ${kafkaVersion} in ${cacheFolder()}`);
  }
  say("everything is here");
}

/** Starts a broker, waits until its port answers, and stops it in order, which is when Java writes the archive. */
async function runBrokerOnce(javaArgs: readonly string[], templateFolder: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "ginkgo-kafka-first-"));
  try {
    const [port, controllerPort] = [await takePort(), await takePort()];
    const dataFolder = path.join(folder, "data");
    await copyKafkaTemplate(templateFolder, dataFolder);
    const settingsFile = path.join(folder, "server.properties");
    await writeFile(settingsFile, kafkaSettings({ port, controllerPort, dataFolder }));
    const java = findExecutable("java") ?? "java";
    const broker = spawn(java, [...javaArgs, "kafka.Kafka", settingsFile], { stdio: ["ignore", "ignore", "ignore"] });
    const ended = once(broker, "exit");
    const deadline = Date.now() + 60_000;
    while (!(await isAnswering(port))) {
      if (broker.exitCode !== null || Date.now() > deadline) {
        broker.kill("SIGKILL");
        throw new Error("could not prepare Kafka: the broker did not start");
      }
      await sleep(100);
    }
    // The port answers before the last classes are loaded.
    await sleep(1_500);
    broker.kill("SIGTERM");
    await ended;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

function say(line: string): void {
  process.stdout.write(`services: ${line}\n`);
}

try {
  await getServices();
} catch (error) {
  process.stderr.write(`services: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
