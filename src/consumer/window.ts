import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import type { ConsumerLimits } from "./limits.ts";
import type { Tracker } from "./tracker.ts";

/** How much is in hand, what waits on the shelves of partitions at their cap, and whether there is room for more. */
export class Window<M extends QueuedMessage> {
  readonly #limits: ConsumerLimits;
  #inHand = 0;
  #running = 0;
  #shelved = 0;
  #bytes = 0;

  constructor(limits: ConsumerLimits) {
    this.#limits = limits;
  }

  /** In lanes or with their handlers; those on shelves are counted apart. */
  get inHand(): number {
    return this.#inHand;
  }

  get counts(): Readonly<Record<"inHand" | "running" | "shelved" | "bytesInHand", number>> {
    return { inHand: this.#inHand, running: this.#running, shelved: this.#shelved, bytesInHand: this.#bytes };
  }

  get isEmpty(): boolean {
    return this.#inHand === 0 && this.#shelved === 0;
  }

  /** Room for whatever comes next: nobody knows of which partition it is. */
  get hasRoom(): boolean {
    const { messagesMax, bytesMax } = this.#limits;
    return this.#inHand < messagesMax && this.#shelved < messagesMax && this.#bytes < bytesMax;
  }

  /** Whether the next message of this partition has to wait on its shelf; of one partition of several, by its cap. */
  isForShelf(tracker: Tracker<M>, partitionsHeld: number): boolean {
    return tracker.shelved > 0 || this.#isCapped(tracker, partitionsHeld);
  }

  add({ phase, bytes }: Entry<M>): void {
    this.#bytes += bytes;
    if (phase === "shelved") {
      this.#shelved += 1;
    } else {
      this.#inHand += 1;
    }
  }

  start(entry: Entry<M>): void {
    entry.phase = "running";
    this.#running += 1;
  }

  /** Nobody has it in hand any more. */
  leave(entry: Entry<M>, phase: "settled" | "abandoned"): void {
    this.#bytes -= entry.bytes;
    if (entry.phase === "shelved") {
      this.#shelved -= 1;
    } else {
      this.#inHand -= 1;
      this.#running -= entry.phase === "running" ? 1 : 0;
    }
    entry.phase = phase;
    entry.message = undefined;
  }

  /** Takes from the shelves what there is room for now; `take` puts it into its lanes. */
  unshelve(held: readonly Tracker<M>[], take: (entry: Entry<M>) => void): void {
    if (this.#shelved === 0) {
      return;
    }
    for (const tracker of held) {
      while (tracker.shelved > 0 && this.#inHand < this.#limits.messagesMax && !this.#isCapped(tracker, held.length)) {
        const entry = tracker.unshelve();
        if (entry?.phase !== "shelved") {
          break;
        }
        entry.phase = "waiting";
        this.#shelved -= 1;
        this.#inHand += 1;
        take(entry);
      }
    }
  }

  /** With one partition there is nobody to leave room for. */
  #isCapped(tracker: Tracker<M>, partitionsHeld: number): boolean {
    const { partitionMessagesMax, partitionGapMax } = this.#limits;
    return tracker.isCapped(partitionsHeld > 1 ? partitionMessagesMax : Infinity, partitionGapMax);
  }
}
