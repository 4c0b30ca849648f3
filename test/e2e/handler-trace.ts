import { closeSync, openSync, readSync, writeSync } from "node:fs";

import type { StartHooks } from "../../src/app/start-worker.ts";
import type { ConsumerCounts } from "../../src/consumer/consumer-state.ts";
import type { Message } from "../../src/ports/queue.ts";

/** The variable that tells a worker process where to write its trace; without it none is written. */
export const TRACE_VARIABLE = "GINKGO_TEST_TRACE";

interface Stamp {
  readonly pid: number;
  /** Milliseconds of the machine's monotonic clock, which all its processes share. */
  readonly at: number;
}

interface At {
  readonly partition: number;
  readonly offset: number;
}

/** One line of a trace; several processes write to one file. */
export type TraceLine = Stamp &
  (
    | { readonly kind: "ready"; readonly url: string }
    /** A handler begins, and ends well or not; `run` counts the handlers of a process. */
    | ({ readonly kind: "start"; readonly run: number; readonly key: string } & At)
    | ({ readonly kind: "end"; readonly run: number; readonly isOk: boolean } & At)
    /** An outcome record is durable. */
    | ({ readonly kind: "settled"; readonly word: string; readonly changed: number; readonly calls: number } & At)
    /** The worker has ended by itself. */
    | { readonly kind: "drained"; readonly counts: ConsumerCounts; readonly dropped: number }
  );

/** Now, as traces have it: all processes of the machine share this clock. */
export function traceNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** What a traced worker is started with, and what it calls when it has ended. */
export interface TraceWriter {
  readonly hooks: Pick<StartHooks, "watch" | "onReady">;
  drained(): void;
}

/** Every line is in the file when the event has passed, so that a process killed a moment later has told it. */
export function openTraceWriter(path: string): TraceWriter {
  const file = openSync(path, "a");
  const write = (line: object): void => {
    writeSync(file, `${JSON.stringify({ ...line, pid: process.pid, at: traceNow() })}\n`);
  };
  let runs = 0;
  let last: Pick<Extract<TraceLine, { kind: "drained" }>, "counts" | "dropped"> | undefined;
  const placeOf = ({ partition, offset }: Pick<Message, "partition" | "offset">): At => ({
    partition,
    offset: Number(offset),
  });
  return {
    hooks: {
      onReady: ({ url }) => write({ kind: "ready", url }),
      watch: {
        around: (handle) => async (message, signal) => {
          runs += 1;
          const run = { run: runs, ...placeOf(message) };
          write({ kind: "start", ...run, key: message.key?.toString() ?? "" });
          try {
            await handle(message, signal);
          } catch (error) {
            write({ kind: "end", ...run, isOk: false });
            throw error;
          }
          write({ kind: "end", ...run, isOk: true });
        },
        onSettled: ({ message, outcome: { word, rows, callIds } }) =>
          write({
            kind: "settled",
            ...placeOf(message),
            word,
            changed: rows.new + rows.revised,
            calls: callIds.length,
          }),
        onState: ({ counts, inHand }) => {
          last = { counts, dropped: inHand };
        },
      },
    },
    drained: () => {
      write({ kind: "drained", ...last });
      closeSync(file);
    },
  };
}

/** A trace while it grows. */
export class Trace {
  readonly path: string;
  readonly lines: TraceLine[] = [];
  #read = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #settled = new Set<string>();

  constructor(path: string) {
    this.path = path;
    closeSync(openSync(path, "a"));
  }

  /** Takes in what was written since. */
  refresh(): this {
    const file = openSync(this.path, "r");
    try {
      const buffer = Buffer.alloc(1 << 20);
      for (;;) {
        const bytes = readSync(file, buffer, 0, buffer.length, this.#read);
        if (bytes === 0) {
          return this;
        }
        this.#read += bytes;
        this.#take(Buffer.concat([this.#rest, buffer.subarray(0, bytes)]));
      }
    } finally {
      closeSync(file);
    }
  }

  /** Messages that a handler ended well with; a process killed just before it told so leaves that to the next one. */
  get settled(): number {
    return this.#settled.size;
  }

  ofKind<Kind extends TraceLine["kind"]>(kind: Kind): readonly Extract<TraceLine, { kind: Kind }>[] {
    return this.lines.filter((line): line is Extract<TraceLine, { kind: Kind }> => line.kind === kind);
  }

  #take(bytes: Buffer): void {
    const end = bytes.lastIndexOf("\n") + 1;
    this.#rest = bytes.subarray(end);
    for (const text of bytes.subarray(0, end).toString().split("\n")) {
      if (text !== "") {
        // Our own writer's words.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        const line = JSON.parse(text) as TraceLine;
        this.lines.push(line);
        if (line.kind === "end" && line.isOk) {
          this.#settled.add(placeText(line));
        }
      }
    }
  }
}

/** What a trace says of order and repeats. */
export interface TraceReport {
  /** Messages whose handler began. */
  readonly messages: number;
  /** Handlers that began for a message after the first one. */
  readonly redelivered: number;
  /** Handlers that ended well without a record: an earlier one had settled the message. */
  readonly knownBefore: number;
  /** Handlers that neither ended well nor gave up: their process was killed. */
  readonly cutOff: number;
  /** Handlers that were told to give up. */
  readonly gaveUp: number;
  /** Messages with more than one outcome record. */
  readonly settledTwice: readonly string[];
  /** Messages of which a later record says that rows changed: new or revised ones. */
  readonly changedTwice: readonly string[];
  /** Each sentence is a break of order: two handlers of one key at once in a process, or one before its predecessor. */
  readonly disorder: readonly string[];
  /** Two processes at one key at the same time, as a take-over may have it. */
  readonly sharedKeys: number;
}

interface Run {
  readonly pid: number;
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
  readonly from: number;
  to: number | undefined;
  isOk: boolean;
}

export function judgeTrace(lines: readonly TraceLine[]): TraceReport {
  const runs = toRuns(lines);
  const records = Map.groupBy(
    lines.filter((line) => line.kind === "settled"),
    placeText,
  );
  const settledTwice = [...records].filter(([, { length }]) => length > 1).map(([place]) => place);
  const byMessage = Map.groupBy(runs, placeText);
  const isRecorded = (run: Run): boolean =>
    (records.get(placeText(run)) ?? []).some(
      ({ pid, at }) => pid === run.pid && run.from <= at && at <= (run.to ?? Infinity),
    );
  return {
    messages: byMessage.size,
    redelivered: runs.length - byMessage.size,
    knownBefore: runs.filter((run) => run.isOk && !isRecorded(run)).length,
    cutOff: runs.filter(({ to }) => to === undefined).length,
    gaveUp: runs.filter(({ to, isOk }) => to !== undefined && !isOk).length,
    settledTwice,
    changedTwice: settledTwice.filter((place) =>
      (records.get(place) ?? []).slice(1).some(({ changed }) => changed > 0),
    ),
    ...judgeOrder(runs),
  };
}

function toRuns(lines: readonly TraceLine[]): readonly Run[] {
  const runs: Run[] = [];
  const open = new Map<string, Run>();
  for (const line of lines) {
    if (line.kind === "start") {
      const { pid, key, partition, offset, at } = line;
      const run: Run = { pid, key, partition, offset, from: at, to: undefined, isOk: false };
      runs.push(run);
      open.set(`${pid} ${line.run}`, run);
    } else if (line.kind === "end") {
      const run = open.get(`${line.pid} ${line.run}`);
      if (run === undefined) {
        throw new TypeError(`reading a trace: process ${line.pid} ends its run ${line.run}, which never began`);
      }
      run.to = line.at;
      run.isOk = line.isOk;
    }
  }
  return runs;
}

function judgeOrder(runs: readonly Run[]): Pick<TraceReport, "disorder" | "sharedKeys"> {
  const disorder: string[] = [];
  let sharedKeys = 0;
  // The promise of order holds within a partition.
  for (const [lane, ofLane] of Map.groupBy(runs, ({ partition, key }) => `${key} in partition ${partition}`)) {
    for (const [pid, own] of Map.groupBy(ofLane, (run) => run.pid)) {
      forEachOverlap(own, (first, second) =>
        disorder.push(`${lane}: process ${pid} began offset ${second.offset} before ${first.offset} had ended`),
      );
    }
    const ended = ofLane.filter(({ to }) => to !== undefined);
    forEachOverlap(ended, (first, second) => {
      sharedKeys += first.pid === second.pid ? 0 : 1;
    });
    let before: { readonly offset: number; readonly doneAt: number } | undefined;
    for (const [offset, ofMessage] of [...Map.groupBy(ofLane, (run) => run.offset)].toSorted(([a], [b]) => a - b)) {
      const beganAt = Math.min(...ofMessage.map(({ from }) => from));
      if (before !== undefined && beganAt < before.doneAt) {
        disorder.push(`${lane}: offset ${offset} began before ${before.offset} was done for the first time`);
      }
      before = {
        offset,
        doneAt: Math.min(...ofMessage.map(({ isOk, to }) => (isOk && to !== undefined ? to : Infinity))),
      };
    }
  }
  return { disorder, sharedKeys };
}

/** Runs that begin while an earlier one goes on; one that was cut off goes on for good in its process. */
function forEachOverlap(runs: readonly Run[], found: (first: Run, second: Run) => void): void {
  let longest: Run | undefined;
  for (const run of runs.toSorted((a, b) => a.from - b.from)) {
    if (longest !== undefined && run.from < endOf(longest)) {
      found(longest, run);
    }
    longest = longest === undefined || endOf(run) >= endOf(longest) ? run : longest;
  }
}

function endOf({ to }: Run): number {
  return to ?? Infinity;
}

function placeText({ partition, offset }: At): string {
  return `${partition}/${offset}`;
}
