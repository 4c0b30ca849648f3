import type { PartitionLag, TopicPartition } from "../../ports/queue.ts";

/** A partition as its consumer sees it. */
export interface HeldPartition extends TopicPartition {
  /** The first offset that is not settled; undefined before the first message. */
  readonly mark: bigint | undefined;
  /** The offset expected next; undefined before the first message. */
  readonly next: bigint | undefined;
  /** Epoch milliseconds of the oldest message in flight; undefined where none is, or it has no time. */
  readonly oldestMs: number | undefined;
}

export interface Behind {
  readonly messages: bigint;
  /** Age of the oldest message that is not settled. */
  readonly seconds: number;
}

interface Sight {
  readonly end: bigint;
  readonly atMs: number;
}

/** Ends that are remembered of one partition; with more, every other one is forgotten. */
const SIGHTS_MAX = 256;

/**
 * How far behind each partition is. Its end is asked for from time to time, its mark is known at any moment, so the
 * difference is never older than the last question. A message that is not in hand tells nothing of its age: then it is as
 * old as the first look that found the end beyond it, which is too little by one pause between looks at most, or by what
 * went before the first look.
 */
export class LagBook {
  readonly #ends = new Map<string, { lag: PartitionLag; sights: Sight[] }>();
  readonly #openedAtMs: number;
  #learnedAtMs: number | undefined;

  /** `openedAtMs` in the time of `learn`. */
  constructor(openedAtMs: number) {
    this.#openedAtMs = openedAtMs;
  }

  /** When the ends were last learned, in the time of `learn`. */
  get learnedAtMs(): number | undefined {
    return this.#learnedAtMs;
  }

  /** How old what is known is; of nothing, since when nothing is known. */
  ageMs(nowMs: number): number {
    return Math.max(0, nowMs - (this.#learnedAtMs ?? this.#openedAtMs));
  }

  /** Whether the group had anything left to settle in any partition, whoever holds it, when that was last asked. */
  get hasWaiting(): boolean {
    return [...this.#ends.values()].some(({ lag: { lag } }) => lag > 0n);
  }

  /** Takes in what the queue answered; partitions that it does not name are forgotten. */
  learn(lags: readonly PartitionLag[], nowMs: number): void {
    this.#learnedAtMs = nowMs;
    const named = new Set(lags.map(keyOf));
    for (const key of this.#ends.keys()) {
      if (!named.has(key)) {
        this.#ends.delete(key);
      }
    }
    for (const lag of lags) {
      const known = this.#ends.get(keyOf(lag));
      // A topic made anew begins again.
      const sights = known === undefined || lag.end < known.lag.end ? [] : known.sights;
      if (lag.end > (sights.at(-1)?.end ?? -1n)) {
        sights.push({ end: lag.end, atMs: nowMs });
      }
      const from = markOf(lag);
      const open = sights.filter(({ end }) => end > from);
      this.#ends.set(keyOf(lag), {
        lag,
        sights: open.length > SIGHTS_MAX ? open.filter((_, at) => at % 2 === 0) : open,
      });
    }
  }

  /** Undefined while the partition's end is not known. */
  behind(held: HeldPartition, nowMs: number): Behind | undefined {
    const known = this.#ends.get(keyOf(held));
    if (known === undefined) {
      return undefined;
    }
    const mark = held.mark ?? markOf(known.lag);
    const end = held.next !== undefined && held.next > known.lag.end ? held.next : known.lag.end;
    const messages = end > mark ? end - mark : 0n;
    const seenAtMs = known.sights.find((sight) => sight.end > mark)?.atMs;
    const sinceMs = Math.min(held.oldestMs ?? nowMs, messages > 0n ? (seenAtMs ?? nowMs) : nowMs);
    return { messages, seconds: Math.max(0, nowMs - sinceMs) / 1_000 };
  }
}

/** Where a group that never committed begins. */
function markOf({ committed, end, lag }: PartitionLag): bigint {
  return committed ?? end - lag;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`;
}
