import type { TopicPartition } from "./consumer-queue.ts";

/** What an observer can see; a copy, so it does not change. */
export interface ConsumerState {
  readonly isRebalancing: boolean;
  /** Messages taken whose handler has not ended: running and waiting ones. */
  readonly inHand: number;
  readonly running: number;
  readonly bytesInHand: number;
  /** Lanes that have a message. */
  readonly lanes: number;
  /** Settled behind one that is not, over all partitions: what a take-over now would repeat. */
  readonly gap: number;
  readonly partitions: readonly PartitionState[];
  readonly counts: ConsumerCounts;
}

export interface PartitionState extends TopicPartition {
  readonly inFlight: number;
  readonly gap: number;
  /** The offset that holds the mark back, if anything is in flight. */
  readonly oldestBlocking: bigint | undefined;
  /** End offset − `next` is what is yet to be read, end offset − `mark` what is yet to be settled. */
  readonly next: bigint | undefined;
  readonly mark: bigint | undefined;
  /** Last mark that the group confirmed, unless in doubt. */
  readonly sent: bigint | undefined;
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
  readonly commits: number;
  readonly commitFailures: number;
  readonly joins: number;
}
