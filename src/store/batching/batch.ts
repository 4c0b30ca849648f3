import type { BatchLimits } from "./limits.ts";

/** What one caller brought; it stays together. */
export interface Entry {
  readonly rows: number;
  readonly bytes: number;
}

export type SendReason = "rows" | "bytes" | "quiet" | "age";

/** When a batch should go out, epoch-free milliseconds of a monotonic clock, and what decides it. */
export interface Due {
  readonly atMs: number;
  readonly reason: SendReason;
}

/**
 * What has gathered for one table; it knows when it is due and nothing of stores, timers or promises.
 *
 * A batch of twice `rowsReady` rows or `bytesMax` bytes is due at once. A smaller one is due when nothing more has come for
 * `quietMs`, and at the latest at its age: 100 ms when it is ready or began while nothing was being written, 1,000 ms when
 * it is small and began under load (these are the usual limits).
 */
export class Batch<Item extends Entry> {
  readonly #limitsNow: () => BatchLimits;
  #items: Item[] = [];
  #rows = 0;
  #bytes = 0;
  #openedAtMs = 0;
  #lastAtMs = 0;
  #isLoaded = false;

  /** The limits are asked for each time: under pressure they change while a batch gathers. */
  constructor(limitsNow: () => BatchLimits) {
    this.#limitsNow = limitsNow;
  }

  get rows(): number {
    return this.#rows;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** `isLoaded`: a batch of this table is being written now. */
  add(item: Item, nowMs: number, isLoaded: boolean): void {
    if (this.isEmpty) {
      this.#openedAtMs = nowMs;
      this.#isLoaded = isLoaded;
    }
    this.#items.push(item);
    this.#lastAtMs = nowMs;
    this.#rows += item.rows;
    this.#bytes += item.bytes;
  }

  /** False when it is not here any more. */
  remove(item: Item): boolean {
    const at = this.#items.indexOf(item);
    if (at === -1) {
      return false;
    }
    this.#items.splice(at, 1);
    this.#rows -= item.rows;
    this.#bytes -= item.bytes;
    return true;
  }

  /** When it should be taken; undefined while it is empty. */
  due(): Due | undefined {
    const { rowsReady, bytesMax, quietMs, ageMsIdle, ageMsMax } = this.#limitsNow();
    if (this.isEmpty) {
      return undefined;
    }
    if (this.#rows >= 2 * rowsReady) {
      return { atMs: this.#lastAtMs, reason: "rows" };
    }
    if (this.#bytes >= bytesMax) {
      return { atMs: this.#lastAtMs, reason: "bytes" };
    }
    const isReady = this.#rows >= rowsReady;
    const agedAtMs = this.#openedAtMs + (this.#isLoaded && !isReady ? ageMsMax : ageMsIdle);
    const quietAtMs = this.#lastAtMs + quietMs;
    if (quietAtMs <= agedAtMs) {
      return { atMs: quietAtMs, reason: "quiet" };
    }
    return { atMs: agedAtMs, reason: isReady ? "rows" : "age" };
  }

  /** The oldest entries up to `rowsMax` rows and `bytesMax` bytes, at least one; the rest begins the next batch. */
  take(nowMs: number): readonly Item[] {
    const { rowsMax, bytesMax } = this.#limitsNow();
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const item of this.#items) {
      if (count > 0 && (rows + item.rows > rowsMax || bytes + item.bytes > bytesMax)) {
        break;
      }
      rows += item.rows;
      bytes += item.bytes;
      count += 1;
    }
    const taken = this.#items.slice(0, count);
    this.#items = this.#items.slice(count);
    this.#rows -= rows;
    this.#bytes -= bytes;
    this.#openedAtMs = nowMs;
    return taken;
  }
}
