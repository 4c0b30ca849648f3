import type { QueuedMessage, TopicPartition } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";

/**
 * One partition for as long as it is held: which offset comes next, what is in flight, how far everything is settled,
 * and what the group was told. Offsets need not be contiguous: compaction and control records leave gaps, so only what
 * was delivered counts.
 */
export class Tracker<M extends QueuedMessage> implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Grows with every tracker ever made, so a result finds out whether it is late. */
  readonly assignment: number;
  /** The first stream whose messages count; older ones may have been read before somebody else's commit. */
  readonly streamMin: number;
  isLive = true;
  /** The last mark known to be committed; undefined when that is in doubt. */
  sent: bigint | undefined;
  #next: bigint | undefined;
  /** Unsettled entries in offset order, with settled ones behind the first of them; the part before `#first` is done with. */
  #entries: Entry<M>[] = [];
  #first = 0;
  /** The first that is on the shelf: everything from here on is. */
  #firstShelved = 0;
  #unsettled = 0;
  #hasSettled = false;
  /** The oldest in flight at the last look, and since when it has been. */
  #seenOldest: Entry<M> | undefined;
  #seenSinceMs = 0;

  constructor(at: TopicPartition, assignment: number, streamMin: number) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.assignment = assignment;
    this.streamMin = streamMin;
  }

  /** The offset expected next; undefined before the first message. */
  get next(): bigint | undefined {
    return this.#next;
  }

  /** The smallest offset in flight, or else the next one; undefined before the first message. */
  get mark(): bigint | undefined {
    return this.#entries[this.#first]?.offset ?? this.#next;
  }

  /** Whether the group has yet to be told about the mark; where a tracker began is no news. */
  get isUnsaid(): boolean {
    const mark = this.mark;
    return this.#hasSettled && mark !== undefined && (this.sent === undefined || mark > this.sent);
  }

  /** What holds the mark back. */
  get oldest(): Entry<M> | undefined {
    return this.#entries[this.#first];
  }

  get inFlight(): number {
    return this.#unsettled;
  }

  /** Messages that are settled behind one that is not: what a take-over now would repeat. */
  get gap(): number {
    return this.#entries.length - this.#first - this.#unsettled;
  }

  /** At the end of the partition, waiting until it is below its cap again. */
  get shelved(): number {
    return this.#entries.length - this.#firstShelved;
  }

  /** Whether it has as much in its lanes, or in its gap, as it may: what comes now goes to the shelf. */
  isCapped(messagesMax: number, gapMax: number): boolean {
    return this.#unsettled - this.shelved >= messagesMax || this.gap >= gapMax;
  }

  /** False for what was delivered before. */
  isNext(offset: bigint): boolean {
    return this.#next === undefined || offset >= this.#next;
  }

  add(entry: Entry<M>): void {
    this.#entries.push(entry);
    this.#unsettled += 1;
    this.#next = entry.offset + 1n;
    if (entry.phase !== "shelved") {
      this.#firstShelved = this.#entries.length;
    }
  }

  /** The next one from the shelf; its phase is the caller's to change. */
  unshelve(): Entry<M> | undefined {
    const entry = this.#entries[this.#firstShelved];
    this.#firstShelved += entry === undefined ? 0 : 1;
    return entry;
  }

  /** Answers whether the mark went up. The entry's phase must be `settled` by now. */
  settle(entry: Entry<M>): boolean {
    this.#unsettled -= 1;
    if (this.#entries[this.#first] !== entry) {
      return false;
    }
    this.#hasSettled = true;
    while (this.#entries[this.#first]?.phase === "settled") {
      this.#first += 1;
    }
    this.#forget();
    return true;
  }

  /** Called from time to time, so that the oldest in flight is known to be the same one; costs nothing a message. */
  look(elapsedMs: number): void {
    if (this.oldest !== this.#seenOldest) {
      this.#seenOldest = this.oldest;
      this.#seenSinceMs = elapsedMs;
    }
  }

  /** For how long the oldest in flight has been the oldest. */
  blockedForMs(elapsedMs: number): number {
    return this.oldest !== undefined && this.oldest === this.#seenOldest ? elapsedMs - this.#seenSinceMs : 0;
  }

  *unsettled(): Generator<Entry<M>> {
    for (let index = this.#first; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry !== undefined && entry.phase !== "settled") {
        yield entry;
      }
    }
  }

  /** Gives the settled part back once it is the larger one, so that each entry is moved at most once on average. */
  #forget(): void {
    if (this.#first === this.#entries.length) {
      this.#entries = [];
      this.#first = 0;
      this.#firstShelved = 0;
    } else if (this.#first >= 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#firstShelved -= this.#first;
      this.#first = 0;
    }
  }
}
