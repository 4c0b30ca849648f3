/**
 * What a consumer asks of a partitioned queue with groups. An adapter has this shape without importing it; nothing
 * here knows a client library. All methods of the listener are called one at a time, and what the queue tells is in
 * the order in which it happened.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The offset of the next message to be read by whoever has the partition: the first one that is not settled. */
export interface Mark extends TopicPartition {
  readonly offset: bigint;
}

export interface QueuedMessage extends TopicPartition {
  readonly offset: bigint;
  /** Epoch milliseconds given by producer or broker; absent where the queue knows none. */
  readonly timestampMs?: number;
}

export interface Delivery<M> {
  readonly message: M;
  /** The number of the stream that brought it; numbers only grow. Says whether it was read before or after a change of hands. */
  readonly stream: number;
}

export interface Join {
  /** Everything that is assigned now. */
  readonly assigned: readonly TopicPartition[];
  /** True when the membership was lost in between, so that nothing held until now can be trusted. */
  readonly isNewMember: boolean;
  /** The first stream that reads gained partitions from their committed offset. */
  readonly stream: number;
}

export interface ConsumerQueue<M extends QueuedMessage> {
  /** Begins to deliver to this listener; called once, before anything else. */
  subscribe(listener: QueueListener): void;
  /** The next message that is here now, or undefined. It never waits; `onReadable` says when to ask again. */
  pull(): Delivery<M> | undefined;
  /** Makes the marks those of the group. Rejects when that did not happen, or may not have. */
  commit(marks: readonly Mark[]): Promise<void>;
  /** False when this process has not heard of its group for so long that another one may have its partitions. */
  isFresh(): boolean;
  /** Nothing will be pulled any more. Commits go on; the group is left when the queue is disposed of. */
  stopDelivery(): void;
}

export interface QueueListener {
  /** There may be something to pull. */
  onReadable(): void;
  /**
   * A rebalance has begun. A commit sent before this returns still counts; after it none is accepted until `onJoin`.
   * `assigned` is what stays ours; it comes again when the group takes partitions away.
   */
  onRebalance(assigned: readonly TopicPartition[]): void;
  /** Answers whether partitions were gained: then the queue must open stream number `join.stream` and drop older ones. */
  onJoin(join: Join): boolean;
  /** The membership is gone, and with it every partition. */
  onLost(): void;
  /** The queue cannot go on without a person: refused credentials, a deleted topic. */
  onFailure(error: unknown): void;
}
