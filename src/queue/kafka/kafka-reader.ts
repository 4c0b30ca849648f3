import { Consumer, type fetchV17, ListOffsetTimestamps } from "@platformatic/kafka";

import type { Clock } from "../../base/clock.ts";
import { PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Message, MessageReader, TopicPartition } from "../../ports/queue.ts";
import { type KafkaConnection, retryDelayMs, toClientOptions } from "./connection.ts";
import { withDeadline } from "../../base/deadline.ts";
import { isKafkaError, isUnknownTopic, translate } from "./errors.ts";
import { type FetchedBatch, toMessages } from "./fetched-batch.ts";
import { probeKafka } from "./probe-kafka.ts";

export interface KafkaReaderOptions {
  readonly connection: KafkaConnection;
  /** How long one answer of a broker may take, with all the client's retries. */
  readonly answerMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export const ANSWER_MS = 30_000;
/** What is held in memory of a topic, unless a single message is larger. */
const READ_BYTES_MAX = 1 << 20;
/** Of one message only the batch it stands in is wanted. */
const READ_ONE_BYTES_MAX = 16 << 10;
const FETCH_WAIT_MS = 250;
const CLOSE_MS = 5_000;
const RETRIES = 3;
/** Nothing below the end in so many answers: what stood there was compacted away. */
const EMPTY_ANSWERS_MAX = 2;

/**
 * Reads by partition and offset, without joining a group: nothing of it is left on the broker. One partition after the
 * other and one answer in memory. Offsets that are not there are passed over: compaction, aborted transactions, control
 * records; when retention removes messages while they are read, it goes on at the first one that is left and says so
 * in the log.
 */
export async function openKafkaReader(options: KafkaReaderOptions, signal: AbortSignal): Promise<MessageReader> {
  await probeKafka(options.connection, signal);
  return new KafkaReader(options);
}

class KafkaReader implements MessageReader {
  readonly #client: Consumer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #answerMs: number;

  constructor({ connection, clock, log, answerMs = ANSWER_MS }: KafkaReaderOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#answerMs = answerMs;
    this.#client = new Consumer({
      ...toClientOptions(connection),
      // The client wants a name; it is never sent, since nothing is joined and nothing committed.
      groupId: `${connection.clientId}-reader`,
      autocommit: false,
      retries: RETRIES,
      retryDelay: retryDelayMs,
      minBytes: 1,
      maxWaitTime: FETCH_WAIT_MS,
    });
    // Without a listener an error of the connection would end the process; the request that meets it says it.
    this.#client.on("error", () => undefined);
  }

  async *read(topic: string, signal: AbortSignal): AsyncGenerator<Message> {
    const ends = await this.#offsets(topic, ListOffsetTimestamps.LATEST, signal);
    const starts = await this.#offsets(topic, ListOffsetTimestamps.EARLIEST, signal);
    for (const [partition, end] of ends.entries()) {
      yield* this.#readPartition({ topic, partition }, starts[partition] ?? 0n, end, signal);
    }
  }

  async readAt(
    { topic, partition, offset }: TopicPartition & { readonly offset: bigint },
    signal: AbortSignal,
  ): Promise<Message | undefined> {
    const ends = await this.#offsets(topic, ListOffsetTimestamps.LATEST, signal);
    const end = ends[partition];
    if (end === undefined || offset < 0n || offset >= end) {
      return undefined;
    }
    const fetched = await this.#fetch({ topic, partition }, offset, READ_ONE_BYTES_MAX, signal);
    return fetched?.messages.find((message) => message.offset === offset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = withDeadline(this.#client.close(true), CLOSE_MS, "closing the reader", this.#clock);
    await closing.catch(() => undefined);
  }

  async *#readPartition(
    place: TopicPartition,
    start: bigint,
    end: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<Message> {
    let next = start;
    let empty = 0;
    while (next < end && empty < EMPTY_ANSWERS_MAX) {
      const fetched = await this.#fetch(place, next, READ_BYTES_MAX, signal);
      if (fetched === undefined) {
        next = await this.#afterRetention(place, next, end, signal);
      } else if (fetched.next > next) {
        empty = 0;
        next = fetched.next;
        yield* fetched.messages.filter(({ offset }) => offset < end);
      } else {
        empty += 1;
      }
    }
  }

  /** Where to go on when the offset that was asked for is not there any more. */
  async #afterRetention(place: TopicPartition, lost: bigint, end: bigint, signal: AbortSignal): Promise<bigint> {
    const starts = await this.#offsets(place.topic, ListOffsetTimestamps.EARLIEST, signal);
    const first = starts[place.partition] ?? end;
    this.#log.warn("messages were removed while they were read", { ...place, from: lost, to: first });
    return first > lost ? first : end;
  }

  /** What begins at `from`; undefined when that offset is outside of what the broker holds. */
  async #fetch(
    { topic, partition }: TopicPartition,
    from: bigint,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<FetchedBatch | undefined> {
    const doing = `reading ${topic}/${partition} from offset ${from}`;
    const ask = async (): Promise<fetchV17.FetchResponse> => {
      this.#client.topics.track(topic);
      const metadata = await this.#client.metadata({ topics: [topic] });
      const description = metadata.topics.get(topic);
      return await this.#client.fetch({
        node: description?.partitions[partition]?.leader ?? -1,
        maxBytes: bytesMax,
        topics: [
          {
            topicId: description?.id ?? "",
            partitions: [
              {
                partition,
                fetchOffset: from,
                currentLeaderEpoch: -1,
                lastFetchedEpoch: -1,
                partitionMaxBytes: bytesMax,
              },
            ],
          },
        ],
      });
    };
    try {
      const answer = await this.#within(ask(), doing, signal);
      return toMessages(answer, { topic, partition }, from);
    } catch (error) {
      signal.throwIfAborted();
      if (isKafkaError(error, "OFFSET_OUT_OF_RANGE")) {
        return undefined;
      }
      throw translate(error, doing);
    }
  }

  /** By partition: the first offset, or the one after the last message that is committed for readers. */
  async #offsets(topic: string, timestamp: bigint, signal: AbortSignal): Promise<readonly bigint[]> {
    const doing = `looking at the offsets of ${topic}`;
    try {
      const offsets = await this.#within(this.#client.listOffsets({ topics: [topic], timestamp }), doing, signal);
      return offsets.get(topic) ?? [];
    } catch (error) {
      signal.throwIfAborted();
      if (isUnknownTopic(error)) {
        throw new PermanentError(`${doing}: there is no topic ${topic}`, "queue", { cause: error });
      }
      throw translate(error, doing);
    }
  }

  #within<Answer>(promise: Promise<Answer>, doing: string, signal: AbortSignal): Promise<Answer> {
    return withDeadline(promise, this.#answerMs, doing, this.#clock, signal);
  }
}
