import type { QueuedMessage, TopicPartition } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import { Tracker } from "./tracker.ts";

/** The trackers of what is held. */
export class HeldPartitions<M extends QueuedMessage> {
  readonly #trackers = new Map<string, Map<number, Tracker<M>>>();
  #all: readonly Tracker<M>[] = [];
  #assignments = 0;

  get all(): readonly Tracker<M>[] {
    return this.#all;
  }

  find(topic: string, partition: number): Tracker<M> | undefined {
    return this.#trackers.get(topic)?.get(partition);
  }

  /** Takes what is not held yet, with trackers that trust only streams from `stream` on. Answers whether there was any. */
  gain(assigned: readonly TopicPartition[], stream: number): boolean {
    let isGained = false;
    for (const at of assigned) {
      let partitions = this.#trackers.get(at.topic);
      if (partitions === undefined) {
        partitions = new Map();
        this.#trackers.set(at.topic, partitions);
      }
      if (!partitions.has(at.partition)) {
        this.#assignments += 1;
        partitions.set(at.partition, new Tracker<M>(at, this.#assignments, stream));
        isGained = true;
      }
    }
    this.#list();
    return isGained;
  }

  /** Lets go of everything else, and answers with the trackers of it, dead by now. */
  keepOnly(kept: readonly TopicPartition[]): readonly Tracker<M>[] {
    const held = new Set(kept.map(({ topic, partition }) => `${partition} ${topic}`));
    const lost = this.#all.filter(({ topic, partition }) => !held.has(`${partition} ${topic}`));
    for (const tracker of lost) {
      tracker.isLive = false;
      this.#trackers.get(tracker.topic)?.delete(tracker.partition);
    }
    this.#list();
    return lost;
  }

  #list(): void {
    this.#all = [...this.#trackers.values()].flatMap((partitions) => [...partitions.values()]);
  }
}

/** What no handler has begun. */
export function notStarted<M extends QueuedMessage>(trackers: readonly Tracker<M>[]): ReadonlySet<Entry<M>> {
  const entries = new Set<Entry<M>>();
  for (const tracker of trackers) {
    for (const entry of tracker.unsettled()) {
      if (entry.phase === "waiting" || entry.phase === "shelved") {
        entries.add(entry);
      }
    }
  }
  return entries;
}
