export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Copies of each message; the embedded queue has one, whatever this says. */
  readonly replication: number;
  /** Kafka's own names, such as `retention.ms`. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Every message of this topic must fit, with `DEAD_LETTER_EXTRA_BYTES` more. */
  readonly fits?: string;
}

export interface TopicReport {
  readonly topic: string;
  readonly action: "created" | "exists" | "differs";
  /** As it is, which is what was asked for unless `differs`. */
  readonly partitions: number;
  /** What is not as asked for, or nothing. */
  readonly note: string;
}

export const UPDATE_PARTITIONS = 24;
export const SIDE_PARTITIONS = 3;
export const DEAD_LETTER_RETENTION_MS = 90 * 24 * 60 * 60 * 1_000;
/** How much larger a dead letter may be than the message it carries: our headers, and Kafka's framing. */
export const DEAD_LETTER_EXTRA_BYTES = 64 * 1_024;
/** Kafka's own default of `max.message.bytes`, for a topic whose setting is not known. */
export const MESSAGE_BYTES_MAX = 1_048_588;

/** The topics of a worker; the dead-letter topic has as many partitions as its source. */
export function workerTopics(names: {
  readonly updates: string;
  readonly deadLetters: string;
  readonly side: readonly string[];
  readonly replication: number;
  readonly partitions?: number;
  readonly deadLetterRetentionMs?: number;
}): readonly TopicSpec[] {
  const { updates, deadLetters, side, replication, partitions = UPDATE_PARTITIONS } = names;
  return [
    { topic: updates, partitions, replication },
    {
      topic: deadLetters,
      partitions,
      replication,
      configs: { "retention.ms": String(names.deadLetterRetentionMs ?? DEAD_LETTER_RETENTION_MS) },
      fits: updates,
    },
    ...side.map((topic) => ({ topic, partitions: SIDE_PARTITIONS, replication })),
  ];
}

/** What `ensureTopics` says about a topic that exists. */
export function compareTopic(
  spec: TopicSpec,
  is: { readonly partitions: number; readonly messageBytesMax: number | undefined },
  messageBytesNeeded: number | undefined,
): TopicReport {
  const notes: string[] = [];
  if (is.partitions !== spec.partitions) {
    notes.push(`has ${is.partitions} partitions where ${spec.partitions} are expected`);
  }
  if (messageBytesNeeded !== undefined && is.messageBytesMax !== undefined && is.messageBytesMax < messageBytesNeeded) {
    notes.push(`takes messages of ${is.messageBytesMax} bytes where ${messageBytesNeeded} are needed`);
  }
  const action = notes.length > 0 ? "differs" : "exists";
  return { topic: spec.topic, action, partitions: is.partitions, note: notes.join("; ") };
}
