import { describeError, PermanentError, TransientError } from "../../base/errors.ts";
import type { Mark, Message, PartitionLag, Queue, QueueHealth, QueueListener } from "../../ports/queue.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { PartitionCursor } from "./partition-cursor.ts";

export interface EmbeddedQueueOptions {
  readonly groupId: string;
  /** These must exist. */
  readonly topics: readonly string[];
}

/** How long after a failed read, such as one without memory, it is tried again. */
const READ_AGAIN_MS = 1_000;

/**
 * The queue of a group in this process, which has all partitions. PermanentError (queue): a topic does not exist, or the
 * group has another reader in this process.
 */
export function openEmbeddedQueue(log: EmbeddedLog, options: EmbeddedQueueOptions): Queue {
  for (const name of options.topics) {
    log.topic(name, "opening the queue");
  }
  return new EmbeddedQueue(log, options, log.enter(options.groupId));
}

/**
 * In words: it *joins* once, in the turn after `subscribe`, with all partitions, each from the group's mark or its
 * first message; then it is *reading* until it is told to stop delivery, and takes marks until it is disposed of. There is
 * no rebalance, and membership is never lost: one process holds the file. A read that fails is tried again, or ends the
 * queue by `onFailure` when that needs a person.
 */
class EmbeddedQueue implements Queue {
  readonly #log: EmbeddedLog;
  readonly #options: EmbeddedQueueOptions;
  readonly #place: Disposable;
  readonly #closed = new AbortController();
  #listener: QueueListener | undefined;
  #watch: Disposable | undefined;
  #cursors: readonly PartitionCursor[] = [];
  #turn = 0;
  #isJoined = false;
  #isDelivering = true;
  #isTelling = false;
  /** Epoch milliseconds since which reads fail. */
  #failingSinceMs: number | undefined;
  #recovering: Promise<void> | undefined;

  constructor(log: EmbeddedLog, options: EmbeddedQueueOptions, place: Disposable) {
    this.#log = log;
    this.#options = options;
    this.#place = place;
  }

  subscribe(listener: QueueListener): void {
    if (this.#listener !== undefined) {
      throw new TypeError("subscribing to the queue: it has a listener already");
    }
    this.#listener = listener;
    const topics = new Set(this.#options.topics);
    this.#watch = this.#log.watch((published) => {
      if (!published.isDisjointFrom(topics)) {
        this.#tellReadable();
      }
    });
    queueMicrotask(() => this.#join());
  }

  pull(): { readonly message: Message; readonly stream: number } | undefined {
    if (!this.#isDelivering || this.#failingSinceMs !== undefined) {
      return undefined;
    }
    try {
      const message = this.#take();
      return message === undefined ? undefined : { message, stream: STREAM };
    } catch (error) {
      this.#onReadFailed(error);
      return undefined;
    }
  }

  async commit(marks: readonly Mark[]): Promise<void> {
    if (!this.#isJoined || this.#closed.signal.aborted) {
      const why = this.#isJoined ? "is closed" : "has not joined yet";
      throw new TransientError(`committing ${marks.length} marks: the queue of ${this.#options.groupId} ${why}`);
    }
    try {
      this.#log.commit(this.#options.groupId, marks);
    } catch (error) {
      if (error instanceof PermanentError) {
        queueMicrotask(() => this.#listener?.onFailure(error));
      }
      throw error;
    }
  }

  isFresh(): boolean {
    return this.#isJoined && !this.#closed.signal.aborted;
  }

  stopDelivery(): void {
    this.#isDelivering = false;
    this.#cursors = [];
  }

  async lag(signal: AbortSignal): Promise<readonly PartitionLag[]> {
    signal.throwIfAborted();
    return this.#log.lagOf(this.#options.groupId, this.#options.topics);
  }

  health(): QueueHealth {
    const isFresh = this.isFresh();
    const sinceMs = this.#failingSinceMs;
    const { topics } = this.#options;
    return {
      isReady: isFresh && sinceMs === undefined,
      heardAgoMs: undefined,
      isFresh,
      topics,
      partitions: this.#isJoined ? this.#partitions().length : 0,
      // The file answers whenever it is asked.
      fetchedAgoMs: this.#isJoined ? (sinceMs === undefined ? 0 : this.#log.clock.nowMs() - sinceMs) : undefined,
      reopened: 0,
      rebuilt: 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.stopDelivery();
    this.#watch?.[Symbol.dispose]();
    this.#place[Symbol.dispose]();
    await this.#recovering;
  }

  #join(): void {
    if (this.#closed.signal.aborted) {
      return;
    }
    try {
      const marks = this.#log.marksOf(this.#options.groupId);
      this.#cursors = this.#partitions().map(
        (at) => new PartitionCursor(this.#log, at, Math.max(at.start, marks.get(at.id) ?? 0)),
      );
    } catch (error) {
      this.#onReadFailed(error);
      return;
    }
    this.#isJoined = true;
    const assigned = this.#partitions().map(({ topic, number }) => ({ topic, partition: number }));
    this.#listener?.onJoin({ assigned, isNewMember: false, stream: STREAM });
    this.#tellReadable();
  }

  /** One message of each partition after the other, so that a long one does not hold up the rest. */
  #take(): Message | undefined {
    const count = this.#cursors.length;
    for (let tried = 0; tried < count; tried += 1) {
      const cursor = this.#cursors[this.#turn];
      this.#turn = (this.#turn + 1) % count;
      const message = cursor?.take();
      if (message !== undefined) {
        return message;
      }
    }
    return undefined;
  }

  /** In a turn of its own: publishing never runs the listener, and many publications in a row wake it once. */
  #tellReadable(): void {
    if (this.#isTelling) {
      return;
    }
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      if (this.#isJoined && this.#isDelivering) {
        this.#listener?.onReadable();
      }
    });
  }

  #onReadFailed(error: unknown): void {
    this.#failingSinceMs = this.#log.clock.nowMs();
    if (error instanceof TransientError) {
      this.#log.log.warn("embedded queue cannot be read, trying again", {
        error: describeError(error),
        afterMs: READ_AGAIN_MS,
      });
      this.#recovering = this.#readAgain();
    } else {
      queueMicrotask(() => this.#listener?.onFailure(error));
    }
  }

  async #readAgain(): Promise<void> {
    try {
      await this.#log.clock.sleep(READ_AGAIN_MS, this.#closed.signal);
    } catch {
      return;
    }
    this.#failingSinceMs = undefined;
    if (this.#isJoined) {
      this.#tellReadable();
    } else {
      this.#join();
    }
  }

  #partitions() {
    return this.#options.topics.flatMap((name) => this.#log.topic(name, "reading the queue").partitions);
  }
}

/** There is one stream, since nothing is ever assigned anew. */
const STREAM = 1;
