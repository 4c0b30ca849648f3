import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";

/**
 * One message at a time per lane, in the order of arrival; a message with several lanes needs all of them at once.
 * Every message joins all its lanes in one step, so all lanes agree on who came first and no two can wait for each
 * other. A lane outlives the partition that its messages came from: a message that is delivered again waits until the
 * old handler has really ended.
 */
export class Lanes<M extends QueuedMessage> {
  readonly #lanes = new Map<string, Lane<M>>();

  get size(): number {
    return this.#lanes.size;
  }

  /** Answers whether the entry may start now. */
  join(entry: Entry<M>): boolean {
    for (const name of entry.lanes) {
      const lane = this.#lanes.get(name);
      if (lane === undefined) {
        this.#lanes.set(name, { entries: [entry], first: 0 });
      } else {
        lane.entries.push(entry);
        entry.behind += 1;
      }
    }
    return entry.behind === 0;
  }

  /** The entry is first in all its lanes and leaves them; adds to `ready` what may start now. */
  leave(entry: Entry<M>, ready: Entry<M>[]): void {
    for (const name of entry.lanes) {
      const lane = this.#lanes.get(name);
      if (lane === undefined || lane.entries[lane.first] !== entry) {
        throw new RangeError(`leaving lane ${name}: the entry at offset ${entry.offset} is not its first`);
      }
      lane.first += 1;
      this.#advance(name, lane, ready);
    }
  }

  /** Takes out entries that have not started, wherever they stand; adds to `ready` what may start now. */
  remove(gone: ReadonlySet<Entry<M>>, ready: Entry<M>[]): void {
    const names = new Set<string>();
    for (const entry of gone) {
      for (const name of entry.lanes) {
        names.add(name);
      }
    }
    for (const name of names) {
      const lane = this.#lanes.get(name);
      if (lane === undefined) {
        continue;
      }
      const before = lane.entries[lane.first];
      lane.entries = lane.entries.slice(lane.first).filter((entry) => !gone.has(entry));
      lane.first = 0;
      if (lane.entries[0] !== before) {
        this.#advance(name, lane, ready);
      }
    }
  }

  /** Adds what holds this one up: itself, and while it waits the first of each of its lanes, and whom those wait for. */
  addHolders(entry: Entry<M>, holders: Set<Entry<M>>): void {
    if (holders.has(entry)) {
      return;
    }
    holders.add(entry);
    if (entry.phase !== "waiting" || entry.behind === 0) {
      return;
    }
    for (const name of entry.lanes) {
      const lane = this.#lanes.get(name);
      const head = lane?.entries[lane.first];
      if (head !== undefined) {
        this.addHolders(head, holders);
      }
    }
  }

  #advance(name: string, lane: Lane<M>, ready: Entry<M>[]): void {
    const head = lane.entries[lane.first];
    if (head === undefined) {
      this.#lanes.delete(name);
      return;
    }
    head.behind -= 1;
    if (head.behind === 0) {
      ready.push(head);
    }
    if (lane.first >= 64 && lane.first * 2 > lane.entries.length) {
      lane.entries = lane.entries.slice(lane.first);
      lane.first = 0;
    }
  }
}

interface Lane<M extends QueuedMessage> {
  entries: Entry<M>[];
  first: number;
}
