import type { PeerName } from "./contenders.ts";
import type { ConsumerBenchOptions } from "./options.ts";
import type { RunSpec } from "./run-line.ts";
import { messagesOf, type WorkKind } from "./shared-work.ts";
import type { Contender, Measured } from "./tables.ts";

/** One process to run: ours by a spec, or a peer. */
export interface Step {
  readonly title: string;
  readonly part: Measured["part"];
  readonly contender: Contender;
  readonly kind: WorkKind;
  readonly partitions: number;
  readonly keys: number;
  readonly runs: number;
  readonly closeAt?: number;
  readonly stragglerMs?: number;
}

const STRAGGLER_RUNS_MAX = 3;
const STRAGGLER_KEYS = 100;
const IDLE_KEYS = 1_000;

/** All steps in the order in which they run: whoever is compared runs next to one another. */
export function planSteps(options: ConsumerBenchOptions, peers: readonly PeerName[]): readonly Step[] {
  const { parts, partitions, keys } = options;
  return parts.flatMap((part) =>
    partitions.flatMap((count) => {
      switch (part) {
        case "work":
          return keys.flatMap((many) => compared("work", "work", count, many, options, peers));
        case "idle":
          return compared("idle", "idle", count, IDLE_KEYS, options, peers);
        case "straggler":
          return stragglerSteps(count, options);
        case "close":
          return closeSteps(count, options);
      }
    }),
  );
}

/** With one key everything is one after the other, half a minute a run for everybody: once, and cold. */
function compared(
  part: "work" | "idle",
  kind: WorkKind,
  partitions: number,
  keys: number,
  { runs }: ConsumerBenchOptions,
  peers: readonly PeerName[],
): readonly Step[] {
  const cell = { title: titleOf(kind, partitions, keys), part, kind, partitions, keys };
  if (keys === 1) {
    return (["ours", ...peers] as const).map((contender) => ({ ...cell, contender, runs: 1 }));
  }
  const fresh = Array.from({ length: runs }, () => ({ ...cell, contender: "ours, fresh" as const, runs: 1 }));
  return [...(["ours", ...peers] as const).map((contender) => ({ ...cell, contender, runs: runs + 1 })), ...fresh];
}

function stragglerSteps(partitions: number, { runs, stragglerMs }: ConsumerBenchOptions): readonly Step[] {
  const title = `straggler, ${titleOf("work", partitions, STRAGGLER_KEYS)}`;
  const step = { title, part: "straggler", contender: "ours", kind: "work", partitions, keys: STRAGGLER_KEYS } as const;
  // A cold run, one to compare with, and one with the straggler.
  return Array.from({ length: Math.min(runs, STRAGGLER_RUNS_MAX) }, () => ({ ...step, runs: 3, stragglerMs }));
}

function closeSteps(partitions: number, { runs }: ConsumerBenchOptions): readonly Step[] {
  const all = messagesOf("work");
  const step = {
    part: "close",
    contender: "ours",
    kind: "work",
    partitions,
    keys: STRAGGLER_KEYS,
    runs: runs + 1,
  } as const;
  const title = titleOf("work", partitions, STRAGGLER_KEYS);
  return [
    { ...step, title: `stop at the last message, ${title}`, closeAt: all },
    { ...step, title: `stop half-way, ${title}`, closeAt: all / 2 },
  ];
}

function titleOf(kind: WorkKind, partitions: number, keys: number): string {
  const what = kind === "work" ? "work" : "no work";
  return `${what}, ${partitions} ${partitions === 1 ? "partition" : "partitions"}, ${keys} ${keys === 1 ? "key" : "keys"}`;
}

export function toSpec(step: Step, bootstrap: string): RunSpec {
  const { kind, partitions, keys, runs, closeAt, stragglerMs } = step;
  return {
    bootstrap,
    kind,
    partitions,
    keys,
    runs,
    ...(closeAt === undefined ? {} : { closeAt }),
    ...(stragglerMs === undefined ? {} : { stragglerMs }),
  };
}
