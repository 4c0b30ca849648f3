import type { DeadLetter } from "../domain/dead-letter.ts";

/** Names and values in their order. As in Kafka a name may stand more than once; who asks for one gets the last. */
export type MessageHeaders = readonly (readonly [name: string, value: Buffer | undefined])[];

/** A record of the queue as it came; nothing of it has been looked at. */
export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: MessageHeaders;
  /** Epoch milliseconds given by producer or broker. */
  readonly timestampMs: number;
}

export interface OutgoingMessage {
  readonly topic: string;
  /** Where it has to go, if the topic has this partition; else its key says, and without key it is anywhere. */
  readonly partition?: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: MessageHeaders;
}

/** Writes messages. Resolves when the broker has them all (idempotent, all replicas in sync). */
export interface Producer extends AsyncDisposable {
  publish(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void>;
}

/** Looks at what topics hold, without a group and without changing anything; for dead letters and for people. */
export interface MessageReader extends AsyncDisposable {
  /**
   * What the topic holds when it is asked, each partition in the order of its offsets, and then the end: messages that
   * come later are not waited for. PermanentError (queue) when there is no such topic.
   */
  read(topic: string, signal: AbortSignal): AsyncIterable<Message>;
  /** One message; undefined when the offset is not there, or not any more. */
  readAt(place: TopicPartition & { readonly offset: bigint }, signal: AbortSignal): Promise<Message | undefined>;
}

/** Sets messages aside, with original key, value and headers and the headers of contract section 1. */
export interface DeadLetters {
  write(message: Message, letter: DeadLetter, signal: AbortSignal): Promise<void>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The offset of the first message of a partition that is not settled. */
export interface Mark extends TopicPartition {
  readonly offset: bigint;
}

/**
 * A partitioned queue as the consumer drives it; `consumer/consumer-queue.ts` says the same in its own generic words,
 * because it knows no message type and imports nothing from here.
 */
export interface Queue extends AsyncDisposable {
  /** Begins to deliver; called once, before anything else. */
  subscribe(listener: QueueListener): void;
  /** The next message that is here now; never waits. `stream` numbers only grow. */
  pull(): { readonly message: Message; readonly stream: number } | undefined;
  /** Rejects when the marks were not stored, or may not have been. */
  commit(marks: readonly Mark[]): Promise<void>;
  /** False when the group has not been heard of for so long that another process may have our partitions. */
  isFresh(): boolean;
  /** Nothing will be pulled any more; commits go on until the queue is disposed of. */
  stopDelivery(): void;
  /** What the group has yet to settle, per partition of all its topics, held here or elsewhere. */
  lag(signal: AbortSignal): Promise<readonly PartitionLag[]>;
  health(): QueueHealth;
}

export interface QueueListener {
  onReadable(): void;
  /** A rebalance begins; a commit sent before this returns still counts. `assigned` stays ours. */
  onRebalance(assigned: readonly TopicPartition[]): void;
  /** Answers whether partitions were gained: then stream number `stream` must be opened, and older ones dropped. */
  onJoin(join: {
    readonly assigned: readonly TopicPartition[];
    readonly isNewMember: boolean;
    readonly stream: number;
  }): boolean;
  /** The membership is gone, and with it every partition. */
  onLost(): void;
  /** The queue cannot go on without a person. */
  onFailure(error: unknown): void;
}

export interface PartitionLag extends TopicPartition {
  /** The offset after the last message. */
  readonly end: bigint;
  /** The group's mark; undefined when it never committed. */
  readonly committed: bigint | undefined;
  /** Messages between the two, or between the first one and `end`; an upper bound where offsets have gaps. */
  readonly lag: bigint;
}

export interface QueueHealth {
  /** A member in good standing whose messages flow, or would if there was room for them. */
  readonly isReady: boolean;
  readonly isFresh: boolean;
  /** Topics that are read now. */
  readonly topics: readonly string[];
  readonly partitions: number;
  /** Since the group last answered a heartbeat, or was joined; undefined before that, and where there is no group to hear of. */
  readonly heardAgoMs: number | undefined;
  /** Since the queue last answered a request for messages. */
  readonly fetchedAgoMs: number | undefined;
  /** Since the start: streams opened again, members made anew. */
  readonly reopened: number;
  readonly rebuilt: number;
}

/** Who reads now, as the queue sees it. */
export interface GroupStatus {
  /** The queue's own word in lower case, such as `stable`, `empty`, `preparing_rebalance`. */
  readonly state: string;
  readonly members: readonly { readonly clientId: string; readonly host: string; readonly partitions: number }[];
}
