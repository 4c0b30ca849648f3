import { parseArgs } from "node:util";

import { parseCount } from "../worker/figures.ts";

export const PARTS = ["start", "drain", "readable"] as const;
export type Part = (typeof PARTS)[number];

/** `shared`: few provider calls serve all messages; `alone`: every message has one of its own. */
export const DRAIN_KINDS = ["shared", "alone"] as const;
export type DrainKind = (typeof DRAIN_KINDS)[number];

export interface ServiceBenchOptions {
  readonly parts: readonly Part[];
  readonly drains: readonly DrainKind[];
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
      drains: { type: "string", default: DRAIN_KINDS.join(",") },
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
    parts: values.parts.split(",").map((text) => pick(text, PARTS, "--parts")),
    drains: values.drains.split(",").map((text) => pick(text, DRAIN_KINDS, "--drains")),
    runs: parseCount(values.runs, "--runs"),
    requests: parseCount(values.requests, "--requests"),
    messages,
    latencyMs: parseCount(values.latency, "--latency", 0),
  };
}

function pick<Word extends string>(text: string, words: readonly Word[], flag: string): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) {
    throw new RangeError(`${flag} takes ${words.join(", ")}, got ${JSON.stringify(text)}`);
  }
  return found;
}
