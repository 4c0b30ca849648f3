import { setImmediate as turn } from "node:timers/promises";

import type { Clock } from "../../base/clock.ts";
import { DataError, describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Mark, Message, OutgoingMessage, PartitionLag, TopicPartition } from "../../ports/queue.ts";
import { sizeOf } from "../dead-letter-headers.ts";
import { partitionOf } from "../partition-of.ts";
import { MESSAGE_BYTES_MAX, type TopicReport, type TopicSpec } from "../topic-spec.ts";
import { EmbeddedQueueHeldError, TellingPermanentError } from "./errors.ts";
import { MarkTable } from "./mark-table.ts";
import { MessageTable, type PlacedRow } from "./message-table.ts";
import { QueueFile } from "./queue-file.ts";
import { type Partition, type Topic, TopicTable } from "./topic-table.ts";

export interface EmbeddedLogOptions {
  /** The SQLite file; it and its folder are made when they are not there. A local disk: the lock is the system's. */
  readonly path: string;
  /** How long a settled message is kept in a topic that has no retention of its own. */
  readonly retentionMs?: number;
  /** The largest message, key, value and headers, that a topic made from now on takes; Kafka's own by default. */
  readonly messageBytesMax?: number;
  /** The file grows no further than this; what would need more is refused as on a full disk. No bound by default. */
  readonly fileBytesMax?: number;
  /** How long to try again while another process holds the file, such as a command that is about to end. */
  readonly waitMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export const RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;
/** Two that open a file at the same moment refuse each other; one of them gets it soon after. */
const WAIT_MS = 250;
const TRY_AGAIN_MS = 20;
const SWEEP_EVERY_MS = 60 * 60 * 1_000;
/** Messages looked at, and at most deleted, in one transaction of a sweep. */
const SWEEP_MESSAGES_MAX = 1_000;

/**
 * Opens the file, or makes it, and holds it until disposal. EmbeddedQueueHeldError, a PermanentError (queue): another
 * process, or this one, holds it. PermanentError (queue): it is no file of ours, a newer program's, damaged, or not to
 * be opened by this user. TransientError: the disk is full.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions, signal?: AbortSignal): Promise<EmbeddedLog> {
  const { clock, waitMs = WAIT_MS } = options;
  const startedMs = clock.elapsedMs();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return openOnce(options);
    } catch (error) {
      if (!(error instanceof EmbeddedQueueHeldError) || clock.elapsedMs() - startedMs >= waitMs) {
        throw error;
      }
      await clock.sleep(TRY_AGAIN_MS * (1 + Math.random()), signal);
    }
  }
}

function openOnce(options: EmbeddedLogOptions): EmbeddedLog {
  const file = new QueueFile(options.path, options.fileBytesMax);
  try {
    return new EmbeddedLog(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * The log of all topics in one file: what the embedded queue, producer, dead letters and reader share. Every change is
 * one transaction and is on the disk when its call returns; none of the calls waits for anything but the disk.
 */
export class EmbeddedLog implements AsyncDisposable {
  readonly clock: Clock;
  readonly log: Log;
  readonly #file: QueueFile;
  readonly #retentionMs: number;
  readonly #topics: TopicTable;
  readonly #messages: MessageTable;
  readonly #marks: MarkTable;
  readonly #groups = new Set<string>();
  readonly #watchers = new Set<(topics: ReadonlySet<string>) => void>();
  #keyless = 0;
  #sweptAtMs: number;
  #sweeping: Promise<unknown> | undefined;

  constructor(file: QueueFile, options: EmbeddedLogOptions) {
    this.#file = file;
    this.clock = options.clock;
    this.log = options.log;
    this.#retentionMs = options.retentionMs ?? RETENTION_MS;
    this.#topics = new TopicTable(file, options.messageBytesMax ?? MESSAGE_BYTES_MAX);
    this.#messages = new MessageTable(file);
    this.#marks = new MarkTable(file);
    this.#sweptAtMs = -Infinity;
    this.#sweepIfDue();
  }

  get path(): string {
    return this.#file.path;
  }

  get topics(): readonly Topic[] {
    return this.#topics.all;
  }

  /** PermanentError when it does not exist. */
  topic(name: string, doing: string): Topic {
    return this.#topics.get(name, doing);
  }

  /** Creates what is missing; deletes and alters nothing. `retention.ms` and `max.message.bytes` of the configs count. */
  ensureTopics(specs: readonly TopicSpec[]): readonly TopicReport[] {
    return this.#topics.ensure(specs);
  }

  /**
   * Stores all of them or none. PermanentError: an unknown topic or partition. DataError: one is larger than its topic
   * takes. TransientError: the disk is full.
   */
  append(messages: readonly OutgoingMessage[]): void {
    if (messages.length === 0) {
      return;
    }
    const names = new Set(messages.map(({ topic }) => topic));
    const doing = `publishing ${messages.length} messages to ${[...names].join(", ")}`;
    const ends = new Map<Partition, number>();
    const rows = messages.map((message): PlacedRow => {
      const at = this.#place(message, doing);
      const offset = ends.get(at) ?? at.end;
      ends.set(at, offset + 1);
      return { message, at, offset };
    });
    this.#file.write(doing, () => this.#messages.insert(rows, this.clock.nowMs()));
    for (const [at, end] of ends) {
      at.end = end;
    }
    for (const tell of this.#watchers) {
      tell(names);
    }
    this.#sweepIfDue();
  }

  /** Messages of a partition from an offset on: some, in order, or none when there are none below `end`. */
  page(at: Partition, from: number, end: number): Message[] {
    return this.#messages.page(at, from, end);
  }

  messageAt(at: Partition, offset: number): Message | undefined {
    return this.#messages.at(at, offset);
  }

  /**
   * Moves the marks of a group, all or none, upwards only: one process has the whole group, so a lower mark can only be
   * an older one that comes late. PermanentError: an unknown topic or partition. RangeError: a mark beyond the end, which
   * would pass over messages that are yet to come.
   */
  commit(groupId: string, marks: readonly Mark[]): void {
    const doing = `committing ${marks.length} marks of group ${groupId}`;
    const moves = marks.map((mark) => {
      const at = this.#find(mark, doing);
      const offset = Number(mark.offset);
      if (!(offset >= 0 && offset <= at.end)) {
        throw new RangeError(`${doing}: ${at.topic}/${at.number} ends at ${at.end}, got the mark ${mark.offset}`);
      }
      return { at, offset };
    });
    this.#file.write(doing, () => {
      for (const { at, offset } of moves) {
        this.#marks.move(groupId, at.id, offset, this.clock.nowMs());
      }
    });
    this.#sweepIfDue();
  }

  /** The group's marks by partition id. */
  marksOf(groupId: string): ReadonlyMap<number, number> {
    return this.#file.read(`reading the marks of group ${groupId}`, () => this.#marks.ofGroup(groupId));
  }

  /** What a group has yet to settle, per partition of these topics. */
  lagOf(groupId: string, topics: readonly string[]): readonly PartitionLag[] {
    const marks = this.marksOf(groupId);
    return topics
      .flatMap((name) => this.#topics.get(name, `measuring the lag of group ${groupId}`).partitions)
      .map(({ id, topic, number, start, end }) => {
        const mark = marks.get(id);
        return {
          topic,
          partition: number,
          end: BigInt(end),
          committed: mark === undefined ? undefined : BigInt(mark),
          lag: BigInt(end - Math.max(start, mark ?? 0)),
        };
      });
  }

  /** Takes the group for one reader. PermanentError while another one of this process has it. */
  enter(groupId: string): Disposable {
    if (this.#groups.has(groupId)) {
      throw new TellingPermanentError(
        `opening the queue: group ${groupId} has a reader in this process already, and the embedded queue gives all partitions to one; close that one first`,
        "queue",
      );
    }
    this.#groups.add(groupId);
    return { [Symbol.dispose]: () => this.#groups.delete(groupId) };
  }

  /** Calls `tell` within each `append`, with the topics that got messages. */
  watch(tell: (topics: ReadonlySet<string>) => void): Disposable {
    this.#watchers.add(tell);
    return { [Symbol.dispose]: () => this.#watchers.delete(tell) };
  }

  /**
   * Deletes what retention allows, in small transactions between which others have their turn: messages older than the
   * topic's own retention; in a topic without one, messages that are older than `retentionMs` and settled by every group
   * that has a mark in the topic. What no group has ever read stays. Answers how many were deleted. It runs by itself
   * after opening and every hour of use.
   */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const topic of this.topics) {
      for (const at of topic.partitions) {
        let start: number;
        do {
          await turn();
          if (!this.#file.isOpen) {
            return deleted;
          }
          start = at.start;
          this.#sweepStep(topic, at);
          deleted += at.start - start;
        } while (at.start - start >= SWEEP_MESSAGES_MAX);
      }
    }
    if (deleted > 0) {
      this.log.info("embedded queue swept", { deleted });
    }
    return deleted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    await this.#sweeping;
  }

  #sweepStep(topic: Topic, at: Partition): void {
    const doing = `deleting old messages of ${at.topic}/${at.number}`;
    const retentionMs = topic.retentionMs ?? this.#retentionMs;
    at.start = this.#file.write(doing, () => {
      const end = topic.retentionMs === undefined ? (this.#marks.lowest(at.id) ?? 0) : at.end;
      return this.#messages.deleteOld(at, this.clock.nowMs() - retentionMs, end, SWEEP_MESSAGES_MAX);
    });
  }

  #sweepIfDue(): void {
    const nowMs = this.clock.elapsedMs();
    if (this.#sweeping !== undefined || nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) {
      return;
    }
    this.#sweptAtMs = nowMs;
    this.#sweeping = this.sweep()
      .catch((error: unknown) => {
        this.log.warn("embedded queue was not swept, it is tried again", { error: describeError(error) });
      })
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  #place(message: OutgoingMessage, doing: string): Partition {
    const { topic: name, key, value, headers } = message;
    const topic = this.#topics.get(name, doing);
    const bytes = (key?.length ?? 0) + (value?.length ?? 0) + sizeOf(headers);
    if (bytes > topic.messageBytesMax) {
      throw new DataError(
        `${doing}: one has ${bytes} bytes, larger than the ${topic.messageBytesMax} that ${name} takes`,
        "$",
      );
    }
    return this.#partition(topic, this.#choose(message, topic.partitions.length), doing);
  }

  #choose({ partition, key }: OutgoingMessage, partitions: number): number {
    if (partition !== undefined && partition < partitions) {
      return partition;
    }
    if (key !== undefined) {
      return partitionOf(key, partitions);
    }
    this.#keyless += 1;
    return this.#keyless % partitions;
  }

  #find({ topic, partition }: TopicPartition, doing: string): Partition {
    return this.#partition(this.#topics.get(topic, doing), partition, doing);
  }

  #partition(topic: Topic, number: number, doing: string): Partition {
    const at = topic.partitions[number];
    if (at === undefined) {
      throw new TellingPermanentError(
        `${doing}: topic ${topic.name} has ${topic.partitions.length} partitions, got number ${number}`,
        "queue",
      );
    }
    return at;
  }
}
