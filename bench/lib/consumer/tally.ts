import { systemClock } from "../../../src/base/clock.ts";

/** What one run has seen: everything once, each key in order. Times are milliseconds of the clock. */
export class Tally {
  readonly #seen: Uint8Array;
  readonly #lastOfKey = new Map<string, number>();
  /** When the last message of each key was done. */
  readonly doneAtMs = new Map<string, number>();
  readonly #doneOffsets: readonly Set<bigint>[];
  firstAtMs = 0;
  lastAtMs = 0;
  done = 0;
  handled = 0;
  broken = 0;
  workMs = 0;

  constructor(messages: number, partitions: number) {
    this.#seen = new Uint8Array(messages);
    this.#doneOffsets = Array.from({ length: partitions }, () => new Set());
  }

  begin(): void {
    if (this.firstAtMs === 0) {
      this.firstAtMs = systemClock.elapsedMs();
    }
  }

  /** Of each partition that begins at 0, the first offset that is not done: what may be committed. */
  prefixes(): readonly number[] {
    return this.#doneOffsets.map((done) => {
      let next = 0;
      while (done.has(BigInt(next))) {
        next += 1;
      }
      return next;
    });
  }

  /** Noted only where a run ends early, since it takes memory that others do not have to take. */
  noteOffset(partition: number, offset: bigint): void {
    this.#doneOffsets[partition]?.add(offset);
  }

  finish(key: string, seq: number, atMs: number): void {
    if ((this.#lastOfKey.get(key) ?? -1) >= seq || this.#seen[seq] !== 0) {
      this.broken += 1;
    } else {
      this.handled += 1;
    }
    this.#seen[seq] = 1;
    this.#lastOfKey.set(key, seq);
    this.doneAtMs.set(key, atMs);
    this.lastAtMs = atMs;
    this.done += 1;
  }
}
