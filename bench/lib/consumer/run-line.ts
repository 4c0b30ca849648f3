import type { WorkKind } from "./shared-work.ts";

/** What a process of ours is asked to measure. */
export interface RunSpec {
  readonly bootstrap: string;
  readonly kind: WorkKind;
  readonly partitions: number;
  readonly keys: number;
  /** Runs in the one process; the first is cold. */
  readonly runs: number;
  /** The consumer is told to stop once so many messages are done; undefined for once everything is committed. */
  readonly closeAt?: number;
  /** One message takes this long; the run before is without it, to compare. */
  readonly stragglerMs?: number;
}

/** A line of the peers; ours has the same fields and some more. */
export interface PeerLine {
  readonly peer: string;
  readonly kind: WorkKind;
  readonly partitions: number;
  readonly keys: number;
  readonly messages: number;
  /** 0 where there is no such bound. */
  readonly concurrency: number;
  readonly commit: string;
  readonly run: number;
  readonly cold: boolean;
  /** From the first poll to the moment when the broker's committed offsets cover all; −1 when they did not in 15 s. */
  readonly seconds: number;
  readonly processedSeconds: number;
  readonly firstMessageSeconds: number;
  readonly firstToLastSeconds: number;
  readonly messagesPerSecond: number;
  readonly idealSeconds: number;
  readonly workSeconds: number;
  readonly cpuSeconds: number;
  readonly cpuMicrosPerMessage: number;
  /** Peak of the process so far. */
  readonly rssMb: number;
  readonly outOfOrderOrTwice: number;
  readonly committed: number;
}

export interface OurLine extends PeerLine {
  /** Done at least once. */
  readonly handled: number;
  /** Partitions whose committed offset is not what it must be: the end, or at an early close the first one not done. */
  readonly partitionsOff: number;
  readonly commits: number;
  /** From the last message done to the commit that covers it. */
  readonly lastCommitMs: number;
  /** From being told to stop to having left the group. */
  readonly closeMs: number;
  readonly straggler?: StragglerLine;
}

/** What a message that took `stragglerMs` held up, against the run before without it. */
export interface StragglerLine {
  readonly stragglerMs: number;
  readonly stragglerDoneSeconds: number;
  /** The last message of another key. */
  readonly othersDoneSeconds: number;
  readonly othersDoneSecondsWithout: number;
  readonly otherKeys: number;
  /** Other keys whose last message came more than a tenth of a second later than without the straggler. */
  readonly otherKeysDelayed: number;
  readonly otherKeyDelayMsMax: number;
  /** When all other partitions were committed to their ends; undefined with a single partition. */
  readonly otherPartitionsCommittedSeconds: number | undefined;
  /** Of the straggler's partition, while it ran: what a crash just before its end would have repeated, itself among it. */
  readonly notCommittedMeanwhile: number;
}
