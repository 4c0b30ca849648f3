import { existsSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import path from "node:path";

import { systemClock } from "../src/base/clock.ts";
import { openBroker } from "./lib/consumer/broker.ts";
import { planSteps, type Step, toSpec } from "./lib/consumer/cells.ts";
import { buildOurs, type PeerName, PEERS, runOurs, runPeer } from "./lib/consumer/contenders.ts";
import { fillTopic } from "./lib/consumer/fill-topic.ts";
import { type ConsumerBenchOptions, parseConsumerOptions } from "./lib/consumer/options.ts";
import type { OurLine, PeerLine } from "./lib/consumer/run-line.ts";
import { say } from "./lib/consumer/say.ts";
import { leastSeconds, topicOf } from "./lib/consumer/shared-work.ts";
import { type Measured, renderTables } from "./lib/consumer/tables.ts";

/**
 * The consumer beside others: the same topics, the same broker, one after the other. Every run of ours is checked (all
 * once, each key in order, committed to the end); a run that fails it is said and makes the exit code 1. Lines of JSON go
 * to standard output as they come, the tables follow at the end on standard error.
 */
export async function benchConsumer(args: readonly string[]): Promise<void> {
  const options = parseConsumerOptions(args);
  const peersFolder = findPeers(options);
  const peers = peersFolder === undefined ? [] : (Object.keys(PEERS) as PeerName[]);
  const steps = planSteps(options, peers);
  say("building what is measured");
  await buildOurs();
  await using broker = await openBroker(options, peersFolder);
  await fillTopics(broker.bootstrap, steps);
  const measured: Measured[] = [];
  const faults: string[] = [];
  const startedAtMs = systemClock.elapsedMs();
  for (const [index, step] of steps.entries()) {
    const spentS = Math.round((systemClock.elapsedMs() - startedAtMs) / 1000);
    say(`${index + 1}/${steps.length} after ${spentS} s: ${step.contender}, ${runsOf(step)}, ${step.title}`);
    try {
      for (const line of await runStep(step, broker.bootstrap, peersFolder)) {
        measured.push({ contender: step.contender, part: step.part, line });
        print(step, line);
        faults.push(...faultsOf(line, step));
      }
    } catch (error) {
      faults.push(`${step.title}: ${error instanceof Error ? error.message : String(error)}`);
      say(`*** ${faults.at(-1)}`);
    }
  }
  process.stderr.write(`\n${renderTables(measured)}\n\n`);
  for (const fault of faults) {
    say(`*** WRONG: ${fault}`);
  }
  if (faults.length > 0) {
    process.exitCode = 1;
  }
  say(
    faults.length > 0
      ? `${faults.length} runs of ours failed their checks`
      : "every run of ours: all messages once, each key in order, committed to the end",
  );
}

function findPeers({ peersFolder }: ConsumerBenchOptions): string | undefined {
  if (peersFolder === undefined || existsSync(path.join(peersFolder, "kafka-broker/broker.sh"))) {
    return peersFolder;
  }
  say(
    `*** the peers are not at ${peersFolder}: OURS RUNS ALONE, without ratios (--peers FOLDER or GINKGO_BENCH_PEERS)`,
  );
  return undefined;
}

async function fillTopics(bootstrap: string, steps: readonly Step[]): Promise<void> {
  const topics = new Map(steps.map((step) => [topicOf(step.kind, step.partitions, step.keys), step]));
  for (const [topic, { kind, partitions, keys }] of topics) {
    say(`filling ${topic} unless it is filled`);
    await fillTopic(bootstrap, kind, partitions, keys);
  }
}

async function runStep(
  step: Step,
  bootstrap: string,
  peersFolder: string | undefined,
): Promise<readonly (PeerLine | OurLine)[]> {
  if (step.contender === "parallel-consumer" || step.contender === "kafkajs") {
    return peersFolder === undefined ? [] : await runPeer(peersFolder, step.contender, step, bootstrap, step.runs);
  }
  const lines = await runOurs(toSpec(step, bootstrap));
  const idealSeconds = leastSeconds(step.kind, step.keys);
  const commit = step.closeAt === undefined ? "by rule" : (step.title.split(",")[0] ?? "");
  // What a run printed before its straggler is only there to compare with.
  const wanted = step.stragglerMs === undefined ? lines : lines.slice(-1);
  return wanted.map((line) => ({ ...line, peer: step.contender, idealSeconds, commit }));
}

function faultsOf(line: PeerLine | OurLine, step: Step): readonly string[] {
  if (!("handled" in line)) {
    if (line.outOfOrderOrTwice > 0) {
      say(`${step.contender} handled ${line.outOfOrderOrTwice} messages out of order or twice`);
    }
    return [];
  }
  const faults: string[] = [];
  if (line.outOfOrderOrTwice > 0) {
    faults.push(`${line.outOfOrderOrTwice} messages out of order or twice`);
  }
  if (step.closeAt === undefined && line.handled !== line.messages) {
    faults.push(`${line.handled} of ${line.messages} messages handled`);
  }
  if (line.partitionsOff > 0) {
    faults.push(`the committed offset of ${line.partitionsOff} partitions is not where it must be`);
  }
  if (line.seconds < 0) {
    faults.push("not committed in time");
  }
  return faults.map((fault) => `${step.title}, run ${line.run}: ${fault}`);
}

function print(step: Step, line: PeerLine | OurLine): void {
  const about = {
    bench: "consumer",
    part: step.part,
    ...line,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    node: process.version,
    cpu: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  };
  process.stdout.write(`${JSON.stringify(about)}\n`);
}

function runsOf({ runs }: Step): string {
  return runs === 1 ? "1 run" : `${runs} runs`;
}
