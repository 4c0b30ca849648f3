import type { Clock } from "../../base/clock.ts";
import { describeError, PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type {
  Mark,
  Message,
  PartitionLag,
  Queue,
  QueueHealth,
  QueueListener,
  TopicPartition,
} from "../../ports/queue.ts";
import type { KafkaConnection } from "./connection.ts";
import { translate } from "./errors.ts";
import { type GroupSettings, type KafkaConsumerOptions, toConsumerOptions } from "./group-options.ts";
import { KafkaMember, type MemberListener } from "./kafka-member.ts";
import { toMessage } from "./kafka-message.ts";
import { measureLag } from "./lag.ts";
import { type KafkaCluster, probeKafka } from "./probe-kafka.ts";
import { findTopics } from "./topics.ts";

export interface KafkaQueueOptions {
  readonly connection: KafkaConnection;
  readonly groupId: string;
  /** These must exist. */
  readonly topics: readonly string[];
  /** These are read as soon as they exist. */
  readonly optionalTopics?: readonly string[];
  readonly sessionTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** The longest wait of one fetch; at most half a second, which is the default. */
  readonly fetchWaitMs?: number;
  readonly closeMs?: number;
  /** How often optional topics that are missing are looked for. */
  readonly lookAgainMs?: number;
  /** A reader that waits this long without one answer to a fetch gets a new stream. */
  readonly stallMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface KafkaQueue extends Queue {
  readonly cluster: KafkaCluster;
}

export const SESSION_TIMEOUT_MS = 30_000;
export const HEARTBEAT_MS = 3_000;
const CLOSE_MS = 5_000;
const LOOK_AGAIN_MS = 60_000;
const STALL_MS = 15_000;
const WATCH_EVERY_MS = 1_000;
const ASKED_LATELY_MS = 3_000;
const REBUILD_MS_MIN = 250;
const REBUILD_MS_MAX = 5_000;
/** The membership outlives a broker that is away for long; whether work can be taken now is known sooner. */
const HEARTBEATS_UNTIL_UNREADY = 2.5;

/**
 * Connects and checks what can be checked before the first message: that somebody answers, takes our credentials, and
 * that the topics exist. PermanentError: credentials, TLS or a topic that does not exist. TransientError: nobody there.
 * The group is joined when a consumer subscribes.
 */
export async function openKafkaQueue(options: KafkaQueueOptions, signal?: AbortSignal): Promise<KafkaQueue> {
  const { connection, topics, log } = options;
  const cluster = await probeKafka(connection, signal);
  const wanted = [...topics, ...(options.optionalTopics ?? [])];
  const found = await findTopics(connection, wanted, signal);
  const missing = wanted.filter((topic) => !found.has(topic));
  const needed = missing.find((topic) => topics.includes(topic));
  if (needed !== undefined) {
    throw new PermanentError(`opening the queue: topic ${needed} does not exist`, "queue");
  }
  for (const topic of missing) {
    log.warn("optional topic does not exist, looking for it again", { topic });
  }
  return new KafkaQueueOfGroup(options, cluster, missing);
}

/**
 * The queue over members of a Kafka group, one at a time: when a member breaks, everything held is lost and another
 * one is made, after a pause that grows while that fails. A watch looks every second for what no event tells: a stream
 * that says nothing, a member whose heartbeats fail although the cluster answers, topics that exist by now.
 */
class KafkaQueueOfGroup implements KafkaQueue, MemberListener {
  readonly cluster: KafkaCluster;
  readonly #options: KafkaQueueOptions;
  readonly #consumerOptions: KafkaConsumerOptions;
  readonly #group: GroupSettings;
  readonly #closed = new AbortController();
  readonly #closing: Promise<void>[] = [];
  #missing: readonly string[];
  #listener: QueueListener | undefined;
  #member: KafkaMember | undefined;
  #lastStream = 0;
  #isDelivering = true;
  /** Since when the reader waits for a message; undefined while it has no room or has not asked. */
  #waitingSinceMs: number | undefined;
  /** A consumer with room asks several times a second; one that rests, because it could not store anything, does not. */
  #pulledAtMs = -Infinity;
  #isStalled = false;
  #rebuildMs = REBUILD_MS_MIN;
  #lookedAtMs: number;
  #reopened = 0;
  #rebuilt = 0;
  #watch: Promise<void> | undefined;

  constructor(options: KafkaQueueOptions, cluster: KafkaCluster, missing: readonly string[]) {
    this.#options = options;
    this.cluster = cluster;
    this.#missing = missing;
    this.#lookedAtMs = options.clock.nowMs();
    this.#group = {
      groupId: options.groupId,
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      fetchWaitMs: options.fetchWaitMs,
    };
    this.#consumerOptions = toConsumerOptions(options.connection, this.#group);
  }

  subscribe(listener: QueueListener): void {
    if (this.#listener !== undefined) {
      throw new TypeError("subscribing to the queue: it has a listener already");
    }
    this.#listener = listener;
    this.#makeMember();
    this.#watch = this.#watchUntilClosed();
  }

  pull(): { readonly message: Message; readonly stream: number } | undefined {
    this.#pulledAtMs = this.#options.clock.nowMs();
    const read = this.#isDelivering ? this.#member?.read() : undefined;
    if (read === undefined) {
      this.#waitingSinceMs ??= this.#options.clock.nowMs();
      return undefined;
    }
    this.#waitingSinceMs = undefined;
    return { message: toMessage(read.record), stream: read.stream };
  }

  async commit(marks: readonly Mark[]): Promise<void> {
    const doing = `committing ${marks.length} ${marks.length === 1 ? "mark" : "marks"}`;
    if (this.#member === undefined) {
      throw translate(new Error("there is no member of the group"), doing);
    }
    try {
      await this.#member.commit(marks);
    } catch (error) {
      throw translate(error, doing);
    }
  }

  isFresh(): boolean {
    return this.#member?.isFresh() ?? false;
  }

  stopDelivery(): void {
    this.#isDelivering = false;
    this.#member?.retireStream();
  }

  async lag(signal: AbortSignal): Promise<readonly PartitionLag[]> {
    const { connection, groupId } = this.#options;
    return measureLag(connection, groupId, this.#topics(), signal);
  }

  health(): QueueHealth {
    const { clock } = this.#options;
    const member = this.#member;
    const fetchedAtMs = member?.fetchedAtMs;
    const fetchedAgoMs = fetchedAtMs === undefined ? undefined : clock.nowMs() - fetchedAtMs;
    const isFresh = this.isFresh();
    const partitions = member?.assigned.length ?? 0;
    // A reader at its cap fetches nothing, and a member without partitions has nothing to fetch.
    const isFlowing = !this.#isWaiting() || partitions === 0 || (fetchedAgoMs ?? Infinity) < this.#stallMs();
    const heardAgoMs = member?.heardAgoMs ?? Infinity;
    const isHeard = heardAgoMs < this.#group.heartbeatMs * HEARTBEATS_UNTIL_UNREADY;
    return {
      isReady: isFresh && isHeard && isFlowing && (member?.isActive ?? false),
      isFresh,
      topics: this.#topics(),
      partitions,
      heardAgoMs: Number.isFinite(heardAgoMs) ? heardAgoMs : undefined,
      fetchedAgoMs,
      reopened: this.#reopened + (member?.reopened ?? 0),
      rebuilt: this.#rebuilt,
    };
  }

  /** Leaves the group; bounded, also when the broker does not answer. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#isDelivering = false;
    if (this.#member !== undefined) {
      this.#retireMember(this.#member);
    }
    await Promise.all([...this.#closing, this.#watch]);
  }

  // What members tell.

  onReadable(): void {
    if (this.#isDelivering) {
      this.#listener?.onReadable();
    }
  }

  onRebalance(assigned: readonly TopicPartition[]): void {
    this.#listener?.onRebalance(assigned);
  }

  onJoin(join: Parameters<QueueListener["onJoin"]>[0]): boolean {
    this.#rebuildMs = REBUILD_MS_MIN;
    this.#isStalled = false;
    return (this.#listener?.onJoin(join) ?? false) && this.#isDelivering;
  }

  onBroken(error: unknown): void {
    void this.#rebuild(error);
  }

  onStalled(error: unknown): void {
    this.#options.log.warn("kafka heartbeats have failed for long", { error: describeError(error) });
    this.#isStalled = true;
  }

  #makeMember(): void {
    const { clock, log, closeMs } = this.#options;
    this.#member = new KafkaMember({
      options: this.#consumerOptions,
      topics: this.#topics(),
      sessionTimeoutMs: this.#group.sessionTimeoutMs,
      closeMs: closeMs ?? CLOSE_MS,
      clock,
      log,
      listener: this,
      lastStream: this.#lastStream,
    });
  }

  #retireMember(member: KafkaMember): void {
    this.#member = undefined;
    this.#lastStream = member.lastStream;
    this.#reopened += member.reopened;
    const closing = member.close().finally(() => this.#closing.splice(this.#closing.indexOf(closing), 1));
    this.#closing.push(closing);
  }

  async #rebuild(reason: unknown): Promise<void> {
    const member = this.#member;
    if (member === undefined || this.#closed.signal.aborted) {
      return;
    }
    const { clock, log } = this.#options;
    const error = translate(reason, "consuming from Kafka");
    this.#retireMember(member);
    this.#isStalled = false;
    this.#rebuilt += 1;
    this.#listener?.onLost();
    if (error instanceof PermanentError) {
      this.#listener?.onFailure(error);
      return;
    }
    log.warn("kafka member is broken, making another", { error: error.message, afterMs: this.#rebuildMs });
    try {
      await clock.sleep(this.#rebuildMs, this.#closed.signal);
    } catch {
      return;
    }
    this.#rebuildMs = Math.min(REBUILD_MS_MAX, this.#rebuildMs * 2);
    this.#makeMember();
  }

  async #watchUntilClosed(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closed.signal.aborted) {
      try {
        await clock.sleep(WATCH_EVERY_MS, this.#closed.signal);
      } catch {
        return;
      }
      this.#checkFlow();
      await this.#checkStall();
      await this.#lookForTopics();
    }
  }

  /** A stream opened while a broker was down may never start, with good heartbeats and no error. */
  #checkFlow(): void {
    const member = this.#member;
    if (!this.#isWaiting()) {
      this.#waitingSinceMs = undefined;
    }
    const waitingSinceMs = this.#waitingSinceMs;
    if (member === undefined || waitingSinceMs === undefined || !this.#isDelivering) {
      return;
    }
    const sinceMs = Math.max(waitingSinceMs, member.fetchedAtMs ?? Infinity);
    const silentMs = this.#options.clock.nowMs() - sinceMs;
    if (silentMs >= this.#stallMs() && member.isActive && member.isFresh() && member.assigned.length > 0) {
      this.#options.log.warn("kafka stream is silent, opening another", { silentMs });
      this.#waitingSinceMs = this.#options.clock.nowMs();
      member.replaceStream();
    }
  }

  /** A silent broker may still keep our place; one that answers while heartbeats fail has given it away. */
  async #checkStall(): Promise<void> {
    const member = this.#member;
    if (!this.#isStalled || member === undefined) {
      return;
    }
    if (member.isFresh()) {
      this.#isStalled = false;
    } else if ((await member.isClusterThere(WATCH_EVERY_MS * 5)) && this.#member === member && !member.isFresh()) {
      await this.#rebuild(new Error("heartbeats fail although the cluster answers"));
    }
  }

  async #lookForTopics(): Promise<void> {
    const { clock, connection, lookAgainMs, log } = this.#options;
    const isDue = clock.nowMs() - this.#lookedAtMs >= (lookAgainMs ?? LOOK_AGAIN_MS);
    if (!isDue || this.#missing.length === 0 || !this.#isDelivering) {
      return;
    }
    this.#lookedAtMs = clock.nowMs();
    try {
      const found = await findTopics(connection, this.#missing, this.#closed.signal);
      const added = this.#missing.filter((topic) => found.has(topic));
      this.#missing = this.#missing.filter((topic) => !found.has(topic));
      if (added.length > 0) {
        log.info("optional topics exist now", { topics: added });
        this.#member?.addTopics(added);
      }
    } catch (error) {
      log.debug("could not look for topics", { error: describeError(error) });
    }
  }

  #topics(): readonly string[] {
    const { topics, optionalTopics } = this.#options;
    return [...topics, ...(optionalTopics ?? []).filter((topic) => !this.#missing.includes(topic))];
  }

  #isWaiting(): boolean {
    return this.#waitingSinceMs !== undefined && this.#options.clock.nowMs() - this.#pulledAtMs < ASKED_LATELY_MS;
  }

  #stallMs(): number {
    return this.#options.stallMs ?? STALL_MS;
  }
}
