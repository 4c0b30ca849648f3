import type { TopicPartition } from "./consumer-queue.ts";
import type { EntryPhase } from "./entry.ts";

/** What an observer can see; a copy, so it does not change. */
export interface ConsumerState {
  readonly isRebalancing: boolean;
  /** Messages taken whose handler has not ended: running and waiting ones. */
  readonly inHand: number;
  readonly running: number;
  /** Messages of partitions at their cap, which are in no lane yet. */
  readonly shelved: number;
  /** With those on shelves. */
  readonly bytesInHand: number;
  /** Lanes that have a message. */
  readonly lanes: number;
  /** Settled behind one that is not, over all partitions: what a take-over now would repeat. */
  readonly gap: number;
  readonly partitions: readonly PartitionState[];
  /** The handler that was told the longest ago that its deadline is over, and has not ended; undefined without one. */
  readonly overdue: Overdue | undefined;
  readonly commit: CommitState;
  readonly counts: ConsumerCounts;
}

export interface PartitionState extends TopicPartition {
  readonly inFlight: number;
  readonly gap: number;
  /** Waiting on the partition's shelf. */
  readonly shelved: number;
  /** What holds the mark back, if anything is in flight. */
  readonly blocking: Blocking | undefined;
  /** End offset − `next` is what is yet to be read, end offset − `mark` what is yet to be settled. */
  readonly next: bigint | undefined;
  readonly mark: bigint | undefined;
  /** Last mark that the group confirmed, unless in doubt. */
  readonly sent: bigint | undefined;
}

export interface Overdue extends TopicPartition {
  readonly offset: bigint;
  /** Milliseconds of worked time since it was told, or got on after that. */
  readonly forMs: number;
}

export interface CommitState {
  /** Since the commit that is under way was sent; undefined without one. */
  readonly underWayForMs: number | undefined;
  /** Since the first of the commits in a row that failed was sent; undefined after one that did not. */
  readonly failingForMs: number | undefined;
}

export interface Blocking {
  readonly offset: bigint;
  /** `abandoned` is one whose handler failed: the consumer stops. */
  readonly phase: EntryPhase;
  /** Milliseconds for which it has been the oldest in flight, to the nearest look (`commitEveryMs`). */
  readonly forMs: number;
  /** Milliseconds of worked time since its handler last got on; 0 unless it is running. */
  readonly stuckMs: number;
  /** It was told that its deadline is over. */
  readonly isOverdue: boolean;
}

/** Since the start. */
export interface ConsumerCounts {
  readonly taken: number;
  readonly settled: number;
  readonly failed: number;
  /** Delivered again and dropped. */
  readonly repeats: number;
  /** Of a partition that is not held, or from a stream that is not trusted; dropped. */
  readonly strays: number;
  /** Results that came after the partition was lost; ignored. */
  readonly late: number;
  /** Told that their deadline is over. */
  readonly overdue: number;
  readonly commits: number;
  readonly commitFailures: number;
  readonly joins: number;
}
