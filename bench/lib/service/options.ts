import { parseArgs } from "node:util";

import { parseCount } from "../worker/figures.ts";

export const PARTS = ["start", "drain", "readable"] as const;
export type Part = (typeof PARTS)[number];

export interface ServiceBenchOptions {
  readonly parts: readonly Part[];
  /** Starts and drains of each kind. */
  readonly runs: number;
  /** Requests whose way to a readable bar is timed. */
  readonly requests: number;
  /** In hand when a drain begins. */
  readonly messages: number;
  /** How long every answer of the provider takes. */
  readonly latencyMs: number;
}

/** More would not fit into the generated market. */
const MESSAGES_MAX = 300;

/** RangeError on a word that is none of those listed. */
export function parseServiceOptions(args: readonly string[]): ServiceBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      parts: { type: "string", default: PARTS.join(",") },
      runs: { type: "string", default: "5" },
      requests: { type: "string", default: "200" },
      messages: { type: "string", default: "300" },
      latency: { type: "string", default: "100" },
    },
  });
  const messages = parseCount(values.messages, "--messages");
  if (messages > MESSAGES_MAX) {
    throw new RangeError(`--messages takes up to ${MESSAGES_MAX}, got ${messages}`);
  }
  return {
    parts: values.parts.split(",").map(parsePart),
    runs: parseCount(values.runs, "--runs"),
    requests: parseCount(values.requests, "--requests"),
    messages,
    latencyMs: parseCount(values.latency, "--latency", 0),
  };
}

function parsePart(text: string): Part {
  const part = PARTS.find((one) => one === text);
  if (part === undefined) {
    throw new RangeError(`--parts takes ${PARTS.join(", ")}, got ${JSON.stringify(text)}`);
  }
  return part;
}
