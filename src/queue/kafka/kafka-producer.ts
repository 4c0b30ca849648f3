import { type MessageToProduce, Producer as Client } from "@platformatic/kafka";

import type { Clock } from "../../base/clock.ts";
import { tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { partitionOf } from "../partition-of.ts";
import type { OutgoingMessage, Producer } from "../../ports/queue.ts";
import { endRetriesOfClosed, type KafkaConnection, toClientOptions } from "./connection.ts";
import { withDeadline } from "../../base/deadline.ts";
import { isUnknownTopic, translate } from "./errors.ts";
import { probeKafka } from "./probe-kafka.ts";

export interface KafkaProducerOptions {
  readonly connection: KafkaConnection;
  /** How long one send may take, with all the client's retries. */
  readonly sendMs?: number;
  readonly clock: Clock;
}

export type KafkaProducer = Producer;

export const SEND_MS = 30_000;
const RETRY_MS = 300;
const SENDS_MAX = 24;
const SEND_MESSAGES_MAX = 500;
const SEND_BYTES_MAX = 512 * 1_024;
const CLOSE_MS = 5_000;

/** The client writes an absent header value as null. */
type Record = MessageToProduce<Buffer, Buffer, Buffer, Buffer | undefined>;

/**
 * Checks that the brokers take us, and sends from then on. Idempotent, which with this client is also the only way to
 * get the acknowledgement of all replicas by default. One partition per send: a send that spans partitions is
 * repeated whole when one of them fails. Keys choose partitions as the Java client does; messages without key are
 * spread. TransientError when a send did not end in time: it may have been stored. DataError: too large for the topic.
 */
export async function openKafkaProducer(options: KafkaProducerOptions, signal?: AbortSignal): Promise<KafkaProducer> {
  await probeKafka(options.connection, signal);
  return new IdempotentProducer(options);
}

class IdempotentProducer implements KafkaProducer {
  readonly #client: Client<Buffer, Buffer, Buffer, Buffer | undefined>;
  readonly #clock: Clock;
  readonly #sendMs: number;
  #sending = 0;
  #turns: (() => void)[] = [];
  #keyless = 0;

  constructor({ connection, sendMs, clock }: KafkaProducerOptions) {
    this.#clock = clock;
    this.#sendMs = sendMs ?? SEND_MS;
    this.#client = new Client<Buffer, Buffer, Buffer, Buffer | undefined>({
      ...toClientOptions(connection),
      retries: true,
      retryDelay: (client: object) => {
        endRetriesOfClosed(client);
        return RETRY_MS;
      },
      idempotent: true,
    });
  }

  async publish(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const sends: Record[][] = [];
    for (const group of (await this.#place(messages, signal)).values()) {
      sends.push(...cut(group));
    }
    const outcomes = await Promise.allSettled(sends.map((records) => this.#send(records, signal)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        throw outcome.reason;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = withDeadline(this.#client.close(true), CLOSE_MS, "closing the producer", this.#clock);
    await closing.catch(() => undefined);
  }

  /** Messages by topic and partition, in their order. */
  async #place(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<Map<string, Record[]>> {
    const counts = await this.#countPartitions(new Set(messages.map(({ topic }) => topic)), signal);
    const groups = new Map<string, Record[]>();
    for (const message of messages) {
      const partition = this.#choose(message, counts.get(message.topic) ?? 1);
      const at = `${partition} ${message.topic}`;
      const group = groups.get(at);
      if (group === undefined) {
        groups.set(at, [toRecord(message, partition)]);
      } else {
        group.push(toRecord(message, partition));
      }
    }
    return groups;
  }

  async #countPartitions(topics: ReadonlySet<string>, signal: AbortSignal): Promise<Map<string, number>> {
    const doing = `publishing to ${[...topics].join(", ")}`;
    const counts = new Map<string, number>();
    const asked = this.#client.metadata({ topics: [...topics], retries: 5 });
    try {
      const metadata = await withDeadline(asked, this.#sendMs, doing, this.#clock, signal);
      for (const topic of topics) {
        counts.set(topic, metadata.topics.get(topic)?.partitionsCount ?? 1);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isUnknownTopic(error)) {
        throw tellingWhatToDo(
          new TransientError(
            `${doing}: the topic does not exist: make it with gdw topics ensure, or start a worker, which makes its own`,
            { cause: error },
          ),
        );
      }
      throw translate(error, doing);
    }
    return counts;
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

  async #send(records: Record[], signal: AbortSignal): Promise<void> {
    const { topic, partition } = records[0] ?? { topic: "", partition: 0 };
    const doing = `publishing ${records.length} messages to ${topic}/${partition}`;
    await this.#takeTurn();
    try {
      signal.throwIfAborted();
      await withDeadline(this.#client.send({ messages: records }), this.#sendMs, doing, this.#clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, doing);
    } finally {
      this.#giveTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#sending < SENDS_MAX) {
      this.#sending += 1;
      return;
    }
    await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  #giveTurn(): void {
    const next = this.#turns.shift();
    if (next === undefined) {
      this.#sending -= 1;
    } else {
      next();
    }
  }
}

/** Pieces of a bounded size; a message above the bound goes alone. */
function cut(records: readonly Record[]): Record[][] {
  const pieces: Record[][] = [];
  let piece: Record[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (piece.length > 0 && (piece.length >= SEND_MESSAGES_MAX || bytes + size > SEND_BYTES_MAX)) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(record);
    bytes += size;
  }
  return piece.length > 0 ? [...pieces, piece] : pieces;
}

function toRecord(message: OutgoingMessage, partition: number): Record {
  const { topic, key, value, headers } = message;
  return {
    topic,
    partition,
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
    // Keys of their own, so that a name may stand twice.
    headers: new Map(headers.map(([name, content]) => [Buffer.from(name), content])),
  };
}
