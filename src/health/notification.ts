import type { WorkerIdentity } from "../ports/heartbeats.ts";
import type { BeatCounts } from "./heartbeat.ts";

export type AlertKind = "STARTED" | "STOPPED" | "ERROR";

export interface AlertFacts {
  readonly worker: WorkerIdentity;
  readonly version: string;
  readonly groupId: string;
  /** Since the start; undefined before there was anything to count. */
  readonly counts: BeatCounts | undefined;
  /** Of an error; secrets are left out already. */
  readonly why: string;
}

/** As Ginkgo's reader wants it: neither `content` nor `fields` is ever empty, and all values are texts. */
export interface Notification {
  readonly message_type: "custom_fields";
  readonly group_name: "System";
  readonly module: "DataWorker";
  readonly title: string;
  readonly content: string;
  readonly level: "INFO" | "WARN" | "ERROR";
  readonly fields: readonly { readonly name: string; readonly value: string; readonly inline: boolean }[];
}

const LEVELS: Readonly<Record<AlertKind, Notification["level"]>> = { STARTED: "INFO", STOPPED: "WARN", ERROR: "ERROR" };
/** A longer text is cut: it is read on a small screen. */
const WHY_CHARACTERS_MAX = 1_000;

export function toNotification(kind: AlertKind, { worker, version, groupId, counts, why }: AlertFacts): Notification {
  const { nodeId, host, pid } = worker;
  const reason = why === "" ? "an unknown reason" : why.slice(0, WHY_CHARACTERS_MAX);
  const contents: Readonly<Record<AlertKind, string>> = {
    STARTED: `data worker ${nodeId} takes messages`,
    STOPPED: `data worker ${nodeId} was stopped`,
    ERROR: `data worker ${nodeId}: ${reason}`,
  };
  return {
    message_type: "custom_fields",
    group_name: "System",
    module: "DataWorker",
    title: `Data worker ${kind}`,
    content: contents[kind],
    level: LEVELS[kind],
    fields: [
      field("status", kind),
      field("node_id", nodeId),
      field("host", host),
      field("pid", pid),
      field("group", groupId),
      field("version", version),
      ...(counts === undefined || kind === "STARTED"
        ? []
        : [
            field("messages_processed", counts.processed),
            field("messages_failed", counts.failed),
            field("bars_written", counts.written),
          ]),
      ...(kind === "ERROR" ? [field("error", reason)] : []),
    ],
  };
}

function field(name: string, value: string | number): Notification["fields"][number] {
  return { name, value: String(value), inline: true };
}
