import { parseDay, type Day } from "./day.ts";
import { RUN_NAMES, type RunName } from "./run-time.ts";

/** A run of the schedule as it is kept. */
export interface RunRecord {
  readonly name: RunName;
  /** The day, at the exchange, whose run it is; one that is made up is done later than that. */
  readonly day: Day;
  /** The same for whoever does it, so that doing it twice asks the same thing twice. */
  readonly requestId: string;
  /** `begun`: its messages may be published in part, and are published again by whoever leads next. */
  readonly state: "begun" | "sent";
  /** The node that did it. */
  readonly node: string;
  readonly beganAtMs: number;
  readonly sentAtMs: number | undefined;
  /** How many were published. */
  readonly messages: number;
}

/** Undefined for what is none, or cannot be read. */
export function parseRunRecord(input: unknown): RunRecord | undefined {
  if (typeof input !== "object" || input === null) {
    return undefined;
  }
  const { name, day, requestId, state, node, beganAtMs, sentAtMs, messages }: Partial<Record<string, unknown>> = {
    ...input,
  };
  const known = RUN_NAMES.find((one) => one === name);
  if (
    known === undefined ||
    (state !== "begun" && state !== "sent") ||
    typeof requestId !== "string" ||
    typeof node !== "string" ||
    typeof beganAtMs !== "number" ||
    typeof messages !== "number"
  ) {
    return undefined;
  }
  try {
    const sent = typeof sentAtMs === "number" ? sentAtMs : undefined;
    return { name: known, day: parseDay(day), requestId, state, node, beganAtMs, sentAtMs: sent, messages };
  } catch {
    return undefined;
  }
}
