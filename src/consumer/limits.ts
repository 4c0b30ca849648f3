/** The bounds of a consumer. Durations are milliseconds. */
export interface ConsumerLimits {
  /** Messages in hand at once, waiting or with their handler; nothing is pulled when there are as many. */
  readonly messagesMax: number;
  /** Nothing is pulled while as many bytes are in hand; one message may go beyond it, or a large one would never come. */
  readonly bytesMax: number;
  /**
   * Messages of one partition in hand at once, while several partitions are held: what comes beyond it waits on the
   * partition's shelf, so that a partition that is held up does not take the whole window.
   */
  readonly partitionMessagesMax: number;
  /** Messages of one partition that are settled behind one that is not; beyond it what comes waits on the shelf. */
  readonly partitionGapMax: number;
  /** A running message that holds up its partition may be stuck so long, outages and rests not counted. */
  readonly messageDeadlineMs: number;
  readonly commitEveryMs: number;
  /** A commit does not wait for its time once as many messages have been settled since the last one. */
  readonly commitMessagesMax: number;
  /** All marks are said again this often, also those that did not change. */
  readonly repeatMarksEveryMs: number;
  /**
   * After a partition was lost: how long its handlers may go on with what is under way, such as a call that a provider
   * is answering. Short, since whoever has the partition now does the same messages meanwhile.
   */
  readonly lostGraceMs: number;
  /** After a failure: how long the other handlers may go on before they are told to give up. */
  readonly failGraceMs: number;
  /** How long to wait for handlers that were told to give up. */
  readonly abandonMs: number;
  /** How long the last commit may take. */
  readonly lastCommitMs: number;
}

export const DEFAULT_LIMITS: ConsumerLimits = {
  messagesMax: 8_192,
  bytesMax: 64 * 1024 * 1024,
  partitionMessagesMax: 6_144,
  partitionGapMax: 100_000,
  messageDeadlineMs: 30 * 60_000,
  commitEveryMs: 250,
  commitMessagesMax: 5_000,
  repeatMarksEveryMs: 30_000,
  lostGraceMs: 2_000,
  failGraceMs: 5_000,
  abandonMs: 1_000,
  lastCommitMs: 3_000,
};

/** Of a window of another size a partition gets three quarters, unless something else is said. */
export function toLimits(given: Partial<ConsumerLimits>): ConsumerLimits {
  const messagesMax = given.messagesMax ?? DEFAULT_LIMITS.messagesMax;
  return { ...DEFAULT_LIMITS, partitionMessagesMax: Math.ceil(messagesMax * 0.75), ...given };
}
