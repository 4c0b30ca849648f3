import { parseArgs } from "node:util";
import path from "node:path";

import { projectFolder } from "../../../scripts/lib/project.ts";

export const PARTS = ["work", "idle", "straggler", "close"] as const;
export type Part = (typeof PARTS)[number];

export interface ConsumerBenchOptions {
  /** Warm runs of a cell, and fresh processes of ours; the median is of these. */
  readonly runs: number;
  readonly parts: readonly Part[];
  readonly partitions: readonly number[];
  readonly keys: readonly number[];
  readonly stragglerMs: number;
  /** The peers' folder; undefined for ours alone. */
  readonly peersFolder: string | undefined;
  /** A broker that runs already. */
  readonly bootstrap: string | undefined;
}

/** RangeError on a word that is none of those listed. */
export function parseConsumerOptions(args: readonly string[]): ConsumerBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      parts: { type: "string" },
      partitions: { type: "string" },
      keys: { type: "string" },
      straggler: { type: "string" },
      peers: { type: "string" },
      broker: { type: "string" },
    },
  });
  const usual = values.quick
    ? { runs: "1", partitions: "24", keys: "100,1000", straggler: "2000" }
    : { runs: "5", partitions: "1,24", keys: "1,10,100,1000", straggler: "10000" };
  const peers = values.peers ?? process.env["GINKGO_BENCH_PEERS"] ?? "../shared/peers";
  return {
    runs: parseCount(values.runs ?? usual.runs, "--runs"),
    parts: (values.parts ?? PARTS.join(",")).split(",").map(parsePart),
    partitions: (values.partitions ?? usual.partitions).split(",").map((text) => parseCount(text, "--partitions")),
    keys: (values.keys ?? usual.keys).split(",").map((text) => parseCount(text, "--keys")),
    stragglerMs: parseCount(values.straggler ?? usual.straggler, "--straggler"),
    peersFolder: peers === "none" ? undefined : path.resolve(projectFolder, peers),
    bootstrap: values.broker ?? process.env["GINKGO_BENCH_KAFKA"],
  };
}

function parseCount(text: string, flag: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new RangeError(`${flag} takes whole numbers from 1 on, got ${JSON.stringify(text)}`);
  }
  return Number.parseInt(text, 10);
}

function parsePart(text: string): Part {
  const part = PARTS.find((one) => one === text);
  if (part === undefined) {
    throw new RangeError(`--parts takes ${PARTS.join(", ")}, got ${JSON.stringify(text)}`);
  }
  return part;
}
