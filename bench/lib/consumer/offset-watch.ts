import { Admin, ListOffsetTimestamps } from "@platformatic/kafka";

import { systemClock } from "../../../src/base/clock.ts";

/** Asks the broker, by a connection of its own that stands before the clock runs, as the peers do. */
export class OffsetWatch implements AsyncDisposable {
  readonly #admin: Admin;
  readonly #groupId: string;
  readonly #stopped = new AbortController();
  /** Committed offsets by partition, and when each sight of them differed from the last; milliseconds of the clock. */
  readonly sights: { readonly atMs: number; readonly sum: number; readonly committed: readonly number[] }[] = [];

  constructor(bootstrap: string, groupId: string) {
    this.#admin = new Admin({
      clientId: "bench-watch",
      bootstrapBrokers: bootstrap.split(","),
      retries: 3,
      retryDelay: 50,
    });
    this.#groupId = groupId;
  }

  async ends(topic: string, partitions: number): Promise<readonly number[]> {
    const timestamp = ListOffsetTimestamps.LATEST;
    const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
    const [answer] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions: asked }] });
    const ends = Array.from({ length: partitions }, () => 0);
    for (const { partitionIndex, offset } of answer?.partitions ?? []) {
      ends[partitionIndex] = Number(offset);
    }
    return ends;
  }

  /** By partition; what is not listed is 0. */
  async committed(partitions: number): Promise<readonly number[]> {
    const committed = Array.from({ length: partitions }, () => 0);
    const groups = await this.#admin.listConsumerGroupOffsets({ groups: [{ groupId: this.#groupId }] }).catch(() => []);
    for (const { partitionIndex, committedOffset } of groups.flatMap(({ topics }) =>
      topics.flatMap((one) => one.partitions),
    )) {
      committed[partitionIndex] = Math.max(0, Number(committedOffset));
    }
    return committed;
  }

  /** Asks every `everyMs` until `until` is committed, `untilMs` of the clock, or `stop`. */
  async follow(partitions: number, everyMs: number, until: number, untilMs = Infinity): Promise<void> {
    while (!this.#stopped.signal.aborted && systemClock.elapsedMs() < untilMs) {
      const committed = await this.look(partitions);
      if (sumOf(committed) >= until) {
        return;
      }
      await systemClock.sleep(everyMs);
    }
  }

  /** Asks once, and keeps what differs from the last sight. */
  async look(partitions: number): Promise<readonly number[]> {
    const committed = await this.committed(partitions);
    const sum = sumOf(committed);
    if (sum !== this.sights.at(-1)?.sum) {
      this.sights.push({ atMs: systemClock.elapsedMs(), sum, committed });
    }
    return committed;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#admin.close();
  }
}

function sumOf(offsets: readonly number[]): number {
  return offsets.reduce((total, offset) => total + offset, 0);
}
