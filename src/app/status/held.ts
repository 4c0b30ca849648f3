import { z } from "zod";

import type { ConsumerState } from "../../consumer/consumer-state.ts";

/** What a worker has in hand, as its heartbeat and its `GET /status` say it. Offsets are decimal text. */
export type Held = {
  readonly partitions_held: number;
  /** With their handlers, waiting for a lane, or on a shelf. */
  readonly in_flight: number;
  /** Settled behind one that is not. */
  readonly gap: number;
  /** What holds up its partition the longest; null while nothing is in flight. */
  readonly oldest_blocking: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: string;
    /** `running`, `waiting` (for its lane), `shelved` (its partition is at its cap) or `abandoned` (it failed). */
    readonly phase: string;
    readonly for_ms: number;
    /** Worked time since it last got on. */
    readonly stuck_ms: number;
    readonly is_overdue: boolean;
    /** Settled behind it. */
    readonly gap: number;
  } | null;
};

export function describeHeld({ partitions, inHand, shelved, gap }: ConsumerState): Held {
  const [longest] = partitions
    .flatMap(({ blocking, ...at }) => (blocking === undefined ? [] : [{ ...at, blocking }]))
    .toSorted((left, right) => right.blocking.forMs - left.blocking.forMs);
  return {
    partitions_held: partitions.length,
    in_flight: inHand + shelved,
    gap,
    oldest_blocking:
      longest === undefined
        ? null
        : {
            topic: longest.topic,
            partition: longest.partition,
            offset: longest.blocking.offset.toString(),
            phase: longest.blocking.phase,
            for_ms: longest.blocking.forMs,
            stuck_ms: longest.blocking.stuckMs,
            is_overdue: longest.blocking.isOverdue,
            gap: longest.gap,
          },
  };
}

const schema = z.object({
  partitions_held: z.int(),
  in_flight: z.int(),
  gap: z.int(),
  oldest_blocking: z
    .object({
      topic: z.string(),
      partition: z.int(),
      offset: z.string(),
      phase: z.string(),
      for_ms: z.number(),
      stuck_ms: z.number(),
      is_overdue: z.boolean(),
      gap: z.int(),
    })
    .nullable(),
});

/** Undefined where a worker says nothing of it: an older one, or one that has just started. */
export function readHeld(fields: unknown): Held | undefined {
  const read = schema.safeParse(fields);
  return read.success ? read.data : undefined;
}
