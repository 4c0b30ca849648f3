import type { StatementSync } from "node:sqlite";

import { compareTopic, DEAD_LETTER_EXTRA_BYTES, type TopicReport, type TopicSpec } from "../topic-spec.ts";
import { TellingPermanentError } from "./errors.ts";
import type { QueueFile } from "./queue-file.ts";
import { numberOf, optionalNumberOf, textOf } from "./row.ts";

/** A partition as the file has it; only one process writes the file, so this is the truth between transactions. */
export interface Partition {
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  /** The first offset that was not deleted. */
  start: number;
  /** The offset of the next message. */
  end: number;
}

export interface Topic {
  readonly name: string;
  readonly messageBytesMax: number;
  /** Its messages go when they are as old, settled or not; undefined when settled ones only go. */
  readonly retentionMs: number | undefined;
  readonly partitions: readonly Partition[];
}

/** The topics, in the file and in memory. */
export class TopicTable {
  readonly #file: QueueFile;
  readonly #messageBytesMax: number;
  readonly #topics = new Map<string, Topic>();
  readonly #insertTopic: StatementSync;
  readonly #insertPartition: StatementSync;

  constructor(file: QueueFile, messageBytesMax: number) {
    this.#file = file;
    this.#messageBytesMax = messageBytesMax;
    this.#insertTopic = file.prepare(
      "INSERT INTO topic (name, message_bytes_max, retention_ms) VALUES (?, ?, ?) RETURNING topic_id",
    );
    this.#insertPartition = file.prepare(
      "INSERT INTO partition (topic_id, number, start_offset, end_offset) VALUES (?, ?, 0, 0) RETURNING partition_id",
    );
    this.#load();
  }

  get all(): readonly Topic[] {
    return [...this.#topics.values()];
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** PermanentError when it does not exist. */
  get(name: string, doing: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) {
      throw new TellingPermanentError(
        `${doing}: topic ${name} does not exist in ${this.#file.path}; create it with gdw topics ensure`,
        "queue",
      );
    }
    return topic;
  }

  /** Creates what is missing, all or nothing. Deletes and alters nothing: what differs is reported and stays as it is. */
  ensure(specs: readonly TopicSpec[]): readonly TopicReport[] {
    const made: Topic[] = [];
    const reports = this.#file.write(`creating topics ${specs.map(({ topic }) => topic).join(", ")}`, () =>
      specs.map((spec) => {
        const find = (name: string): Topic | undefined =>
          this.#topics.get(name) ?? made.find((topic) => topic.name === name);
        const needed =
          spec.fits === undefined
            ? undefined
            : (find(spec.fits)?.messageBytesMax ?? this.#messageBytesMax) + DEAD_LETTER_EXTRA_BYTES;
        const existing = find(spec.topic);
        if (existing === undefined) {
          made.push(this.#insert(spec, needed));
          return { topic: spec.topic, action: "created" as const, partitions: spec.partitions, note: "" };
        }
        const { partitions, messageBytesMax } = existing;
        return compareTopic(spec, { partitions: partitions.length, messageBytesMax }, needed);
      }),
    );
    for (const topic of made) {
      this.#topics.set(topic.name, topic);
    }
    return reports;
  }

  #insert({ topic: name, partitions: count, configs = {} }: TopicSpec, needed: number | undefined): Topic {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`creating topic ${name}: expected at least one partition, got ${count}`);
    }
    const messageBytesMax = needed ?? numberIn(configs, "max.message.bytes") ?? this.#messageBytesMax;
    const retentionMs = numberIn(configs, "retention.ms");
    const topicId = numberOf(this.#insertTopic.get(name, messageBytesMax, retentionMs ?? null) ?? {}, "topic_id");
    const partitions = Array.from({ length: count }, (_, number) => {
      const id = numberOf(this.#insertPartition.get(topicId, number) ?? {}, "partition_id");
      return { id, topic: name, number, start: 0, end: 0 };
    });
    return { name, messageBytesMax, retentionMs, partitions };
  }

  #load(): void {
    const rows = this.#file.read("reading the topics", () => this.#file.prepare(LOAD).all());
    const partitions = new Map<string, Partition[]>();
    for (const row of rows) {
      const name = textOf(row, "name");
      let own = partitions.get(name);
      if (own === undefined) {
        own = [];
        partitions.set(name, own);
        this.#topics.set(name, {
          name,
          messageBytesMax: numberOf(row, "message_bytes_max"),
          retentionMs: optionalNumberOf(row, "retention_ms"),
          partitions: own,
        });
      }
      own.push({
        id: numberOf(row, "partition_id"),
        topic: name,
        number: numberOf(row, "number"),
        start: numberOf(row, "start_offset"),
        end: numberOf(row, "end_offset"),
      });
    }
  }
}

const LOAD = `
SELECT name, message_bytes_max, retention_ms, partition_id, number, start_offset, end_offset
FROM topic JOIN partition USING (topic_id) ORDER BY topic_id, number`;

/** `-1` is Kafka's word for no bound. */
function numberIn(configs: Readonly<Record<string, string>>, name: string): number | undefined {
  const value = Number.parseInt(configs[name] ?? "", 10);
  return value >= 0 ? value : undefined;
}
