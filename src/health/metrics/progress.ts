/**
 * When work last got on: a message was settled, a provider answered, a batch became durable, or there was nothing to do. So
 * a worker that is idle for a day and then gets a message is not taken for one that has done nothing for a day, and neither
 * is one that fetches a whole market for one message.
 */
export class Progress {
  #settledAtMs = 0;
  #progressAtMs: number;

  constructor(nowMs: number) {
    this.#progressAtMs = nowMs;
  }

  /** Epoch milliseconds; 0 before the first message. */
  get settledAtMs(): number {
    return this.#settledAtMs;
  }

  get progressAtMs(): number {
    return this.#progressAtMs;
  }

  settled(nowMs: number): void {
    this.#settledAtMs = nowMs;
    this.#progressAtMs = nowMs;
  }

  /** A step of a message's work is done, or nothing is in hand and nothing is known to wait. */
  gotOn(nowMs: number): void {
    this.#progressAtMs = nowMs;
  }
}
