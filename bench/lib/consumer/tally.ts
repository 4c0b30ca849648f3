import { systemClock } from "../../../src/base/clock.ts";

/** What one run has seen: everything once, each key in order. Times are milliseconds of the clock. */
export class Tally {
  readonly #seen: Uint8Array;
  readonly #lastOfKey = new Map<string, number>();
  /** When the last message of each key was done. */
  readonly doneAtMs = new Map<string, number>();
  readonly doneByPartition: number[];
  firstAtMs = 0;
  lastAtMs = 0;
  done = 0;
  handled = 0;
  broken = 0;
  workMs = 0;

  constructor(messages: number, partitions: number) {
    this.#seen = new Uint8Array(messages);
    this.doneByPartition = Array.from({ length: partitions }, () => 0);
  }

  begin(): void {
    if (this.firstAtMs === 0) {
      this.firstAtMs = systemClock.elapsedMs();
    }
  }

  finish(key: string, seq: number, partition: number, atMs: number): void {
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
    this.doneByPartition[partition] = (this.doneByPartition[partition] ?? 0) + 1;
  }
}
