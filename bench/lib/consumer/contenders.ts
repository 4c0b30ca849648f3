import path from "node:path";

import { projectFolder } from "../../../scripts/lib/project.ts";
import type { OurLine, PeerLine, RunSpec } from "./run-line.ts";
import { runProcess } from "./run-process.ts";
import { say } from "./say.ts";

const OURS_MS = 240_000;
const PEER_MS = 900_000;
const OURS = path.join(projectFolder, ".cache/bench/bench/lib/consumer/measured-consumer.js");

/** What is measured runs as built JavaScript, as the package and the image do. */
export async function buildOurs(): Promise<void> {
  const tsc = path.join(projectFolder, "node_modules/.bin/tsc");
  const config = path.join(projectFolder, "bench/lib/consumer/tsconfig.json");
  const { text, failure } = await runProcess(tsc, ["-p", config], { untilMs: OURS_MS });
  if (failure !== undefined) {
    throw new Error(`building what is measured: ${failure}\n${text}`);
  }
}

/** A process of ours, a line a run; throws when it did not do all its runs. */
export async function runOurs(spec: RunSpec): Promise<readonly OurLine[]> {
  const { lines, failure } = await runProcess(process.execPath, [OURS, JSON.stringify(spec)], { untilMs: OURS_MS });
  if (failure !== undefined || lines.length !== spec.runs) {
    throw new Error(`measuring ours: ${lines.length} of ${spec.runs} runs: ${failure ?? "it ended early"}`);
  }
  return lines as readonly OurLine[];
}

export interface PeerCell {
  readonly kind: string;
  readonly partitions: number;
  readonly keys: number;
}

/** Confluent's parallel-consumer with 100 threads, and kafkajs with a batch's keys side by side. */
export const PEERS = {
  "parallel-consumer": ({ kind, partitions, keys }: PeerCell) => ({
    script: "parallel-consumer/run.sh",
    args: ["pc", kind, String(partitions), String(keys), "100", "async"],
  }),
  kafkajs: ({ kind, partitions, keys }: PeerCell) => ({
    script: "kafkajs/run.sh",
    args: ["kafkajs-keyed", kind, String(partitions), String(keys), String(partitions)],
  }),
} as const;
export type PeerName = keyof typeof PEERS;

/** What a peer measured; says so when that failed, and goes on without. */
export async function runPeer(
  folder: string,
  name: PeerName,
  cell: PeerCell,
  bootstrap: string,
  runs: number,
): Promise<readonly PeerLine[]> {
  const { script, args } = PEERS[name](cell);
  const { lines, failure } = await runProcess("bash", [path.join(folder, script), "one", ...args], {
    env: { PEERS_KAFKA: bootstrap, PEERS_RUNS: String(runs) },
    untilMs: PEER_MS,
  });
  const found = lines as readonly PeerLine[];
  if (failure !== undefined || found.length !== runs) {
    say(
      `*** ${name} did ${found.length} of ${runs} runs, the table is without the rest: ${failure ?? "it ended early"}`,
    );
  }
  return found.map((line) => ({ ...line, peer: name }));
}
