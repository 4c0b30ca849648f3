import { Consumer, type GroupAssignment, MessagesStreamFallbackModes, MessagesStreamModes } from "@platformatic/kafka";

import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Mark, TopicPartition } from "../../ports/queue.ts";
import { withDeadline } from "../../base/deadline.ts";
import { translate } from "./errors.ts";
import type { KafkaConsumerOptions } from "./group-options.ts";
import type { Received } from "./kafka-message.ts";
import { MemberStream } from "./member-stream.ts";

/** What becomes of a member; told in order, and never after `close` was called. */
export interface MemberListener {
  onReadable(): void;
  onRebalance(assigned: readonly TopicPartition[]): void;
  /** Answers whether partitions were gained, for which stream number `stream` is then opened. */
  onJoin(join: {
    readonly assigned: readonly TopicPartition[];
    readonly isNewMember: boolean;
    readonly stream: number;
  }): boolean;
  /** The member cannot go on; another one has to be made. */
  onBroken(error: unknown): void;
  /** Heartbeats have failed for long. */
  onStalled(error: unknown): void;
}

export interface MemberParts {
  readonly options: KafkaConsumerOptions;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly closeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly listener: MemberListener;
  /** The number of the last stream of the members before. */
  readonly lastStream: number;
}

/** Commits, and starts of handlers, are trusted for this part of the session after the last sign of membership. */
const FRESH_PART = 2 / 3;
const REOPEN_MS_MIN = 100;
const REOPEN_MS_MAX = 3_000;
/** A stream that lived as long was a good one: the next reopening is quick again. */
const STEADY_MS = 10_000;
/** How long leaving the group waits for a stream that is being opened. */
const OPENING_MS_MAX = 1_000;

/**
 * One member of the group: a client with at most one stream that counts. In words:
 *
 * - The first stream joins the group. When a join gains partitions, a new stream is opened: only its messages of them
 *   count, because the old one may still deliver what it asked for before the loss. The old one is retired and nobody
 *   waits for it.
 * - A join after no rebalance, or with another member id, means that we were out of the group meanwhile.
 * - A stream that ends by itself (at nearly every change of leaders) is opened again after a pause, with a new number;
 *   the topics are pinned, so that this does not make the member join again.
 * - An `error` of the client means that it sends no more heartbeats: the member is broken.
 */
export class KafkaMember {
  readonly #parts: MemberParts;
  readonly #consumer: Consumer<Buffer, Buffer, string>;
  readonly #closed = new AbortController();
  #topics: readonly string[];
  #stream: MemberStream | undefined;
  #lastStream: number;
  /** The stream that is being opened and makes the member join. */
  #joiningStream: number | undefined;
  /** Streams that are being opened, or were retired before they had begun to fetch. */
  readonly #opening = new Set<Promise<void>>();
  #memberId: string | null = null;
  #sawRebalance = false;
  #joinedAtMs = -Infinity;
  /** The last sign of the group, by the wall clock, and when this process saw it, by its own. */
  #heard = { atMs: -Infinity, seenMs: 0 };
  #reopenMs = REOPEN_MS_MIN;
  reopened = 0;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    this.#topics = parts.topics;
    this.#lastStream = parts.lastStream;
    this.#consumer = new Consumer<Buffer, Buffer, string>(parts.options);
    this.#listen();
    this.#open(this.#lastStream + 1);
    this.#pin(parts.topics);
  }

  get lastStream(): number {
    return this.#lastStream;
  }

  get isActive(): boolean {
    return this.#consumer.isActive();
  }

  get assigned(): readonly TopicPartition[] {
    return flatten(this.#consumer.assignments);
  }

  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Epoch milliseconds of the last answer to a fetch; undefined before the first stream. */
  get fetchedAtMs(): number | undefined {
    return this.#stream?.fetchedAtMs;
  }

  /** Since the group last answered a heartbeat or took us in; infinite before the first join. */
  get heardAgoMs(): number {
    const { clock } = this.#parts;
    const atMs = Math.max(this.#consumer.lastHeartbeat?.getTime() ?? -Infinity, this.#joinedAtMs);
    if (atMs !== this.#heard.atMs) {
      this.#heard = { atMs, seenMs: clock.elapsedMs() };
    }
    // The client notes it by the wall clock, which somebody may set back.
    return Math.max(clock.nowMs() - atMs, clock.elapsedMs() - this.#heard.seenMs);
  }

  isFresh(): boolean {
    return this.heardAgoMs < this.#parts.sessionTimeoutMs * FRESH_PART;
  }

  read(): { readonly record: Received; readonly stream: number } | undefined {
    const stream = this.#stream;
    const record = stream?.read();
    return stream === undefined || record === undefined ? undefined : { record, stream: stream.number };
  }

  /** Sent before this returns. After a deadline it counts as failed: the client may repeat it for ever. */
  async commit(marks: readonly Mark[]): Promise<void> {
    const sent = this.#consumer.commit({ offsets: marks.map((mark) => ({ ...mark, leaderEpoch: -1 })) });
    await withDeadline(sent, this.#parts.sessionTimeoutMs, "committing offsets", this.#parts.clock);
  }

  /** Whether the cluster answers at all. */
  async isClusterThere(ms: number): Promise<boolean> {
    try {
      const asked = this.#consumer.metadata({ topics: [...this.#topics], forceUpdate: true });
      await withDeadline(asked, ms, "asking Kafka for metadata", this.#parts.clock, this.#closed.signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Reads these topics too from now on; the group is joined again for it. */
  addTopics(topics: readonly string[]): void {
    this.#topics = [...this.#topics, ...topics];
    this.#open(this.#lastStream + 1);
    this.#pin(topics);
  }

  /** A new stream in the place of one that says nothing although it should. */
  replaceStream(): void {
    this.reopened += 1;
    this.#open(this.#lastStream + 1);
  }

  retireStream(): void {
    this.#retire(this.#stream);
    this.#stream = undefined;
  }

  /** Leaves the group. Ends in time, whatever the client does. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.retireStream();
    const { clock, closeMs, log } = this.#parts;
    // A stream that is being opened when the client is closed connects again, and keeps the process alive for good. In an
    // outage it may never open, and the client is closed at once.
    if (this.#consumer.isConnected()) {
      const opened = Promise.all(this.#opening).then(() => Promise.all(this.#opening));
      await withDeadline(opened, OPENING_MS_MAX, "waiting for a stream to open", clock).catch(() => undefined);
    }
    try {
      // A join that is answered while the client is closed begins heartbeats that never end and keep the process alive.
      // Leaving first makes the client forget it; but one that makes its first stream would join again.
      if (this.#consumer.isConnected() && this.#joiningStream === undefined) {
        const left = Promise.withResolvers<void>();
        this.#consumer.leaveGroup(true, (error) => (error === null ? left.resolve() : left.reject(error)));
        await withDeadline(left.promise, closeMs / 2, "leaving the group", clock);
      }
    } catch (error) {
      log.debug("kafka consumer did not leave well", { error: describeError(error) });
    }
    try {
      await withDeadline(this.#consumer.close(true), closeMs / 2, "closing the consumer", clock);
    } catch (error) {
      log.debug("kafka consumer did not close well", { error: describeError(error) });
    }
  }

  #listen(): void {
    const { listener, log, clock } = this.#parts;
    const consumer = this.#consumer;
    consumer.on("error", (error: unknown) => {
      if (!this.#closed.signal.aborted) {
        listener.onBroken(error);
      }
    });
    consumer.on("consumer:heartbeat:stalled", ({ lastError }) => {
      if (!this.#closed.signal.aborted) {
        listener.onStalled(lastError);
      }
    });
    consumer.on("consumer:heartbeat:error", ({ error }) => {
      log.debug("kafka heartbeat failed", { error: describeError(error) });
    });
    consumer.on("consumer:group:rebalance", () => {
      this.#sawRebalance = true;
      if (!this.#closed.signal.aborted) {
        listener.onRebalance(this.assigned);
      }
    });
    consumer.on("consumer:group:join", ({ memberId, assignments }) => {
      this.#joinedAtMs = clock.nowMs();
      if (!this.#closed.signal.aborted) {
        this.#onJoin(memberId, flatten(assignments ?? consumer.assignments));
      }
    });
  }

  #onJoin(memberId: string, assigned: readonly TopicPartition[]): void {
    const isAsked = this.#joiningStream !== undefined;
    const isOther = this.#memberId !== null && memberId !== this.#memberId;
    const isNewMember = isOther || (!this.#sawRebalance && !isAsked);
    this.#memberId = memberId;
    this.#sawRebalance = false;
    const stream = this.#joiningStream ?? this.#lastStream + 1;
    const isGained = this.#parts.listener.onJoin({ assigned, isNewMember, stream });
    this.#parts.log.info("kafka group joined", { memberId, partitions: assigned.length, isNewMember, isGained });
    if (isGained && !isAsked) {
      this.#open(stream);
    }
  }

  #open(number: number): void {
    this.#lastStream = number;
    this.#joiningStream = number;
    const opening = Promise.withResolvers<void>();
    this.#track(opening.promise);
    this.#consumer.consume(
      {
        topics: [...this.#topics],
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      },
      (error, stream) => {
        opening.resolve();
        if (this.#joiningStream === number) {
          this.#joiningStream = undefined;
        }
        if (error !== null || stream === undefined) {
          this.#onOpenFailed(error);
          return;
        }
        // Listeners are attached in the same turn: an error of a stream without one would end the process.
        const opened = new MemberStream(stream, number, this.#parts.clock, {
          onReadable: () => this.#parts.listener.onReadable(),
          onEnded: (reason) => void this.#reopen(opened, reason),
        });
        if (this.#closed.signal.aborted || number < this.#lastStream) {
          this.#retire(opened);
          return;
        }
        this.#retire(this.#stream);
        this.#stream = opened;
      },
    );
  }

  #retire(stream: MemberStream | undefined): void {
    if (stream !== undefined) {
      stream.retire();
      this.#track(stream.untilBegun());
    }
  }

  #track(opening: Promise<void>): void {
    this.#opening.add(opening);
    void opening.finally(() => this.#opening.delete(opening));
  }

  #onOpenFailed(error: unknown): void {
    if (!this.#closed.signal.aborted) {
      this.#parts.listener.onBroken(error);
    }
  }

  async #reopen(ended: MemberStream, reason: unknown): Promise<void> {
    if (this.#stream !== ended || this.#closed.signal.aborted) {
      return;
    }
    this.#stream = undefined;
    const { clock, log } = this.#parts;
    this.#reopenMs = ended.ageMs() >= STEADY_MS ? REOPEN_MS_MIN : Math.min(REOPEN_MS_MAX, this.#reopenMs * 2);
    const error = translate(reason, "reading").message;
    log.warn("kafka stream ended, opening another", { error, afterMs: this.#reopenMs });
    try {
      await clock.sleep(this.#reopenMs, this.#closed.signal);
    } catch {
      return;
    }
    if (this.#stream === undefined) {
      this.reopened += 1;
      this.#open(this.#lastStream + 1);
    }
  }

  /** The client forgets a topic with its last stream and then joins again for the next one; this keeps it in mind. */
  #pin(topics: readonly string[]): void {
    this.#consumer.topics.trackAll(...topics);
  }
}

function flatten(assignments: readonly GroupAssignment[] | null): readonly TopicPartition[] {
  return (assignments ?? []).flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
