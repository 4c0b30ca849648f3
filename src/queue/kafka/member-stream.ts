import type { MessagesStream } from "@platformatic/kafka";

import type { Clock } from "../../base/clock.ts";
import type { Received } from "./kafka-message.ts";

export interface StreamListener {
  onReadable(): void;
  /** It ended although nobody retired it. */
  onEnded(reason: unknown): void;
}

/**
 * A stream of the client with its number. It is read by hand: a permanent `readable` listener keeps it from flowing,
 * also when the client resumes it in a rebalance, and it stops fetching while nobody reads.
 */
export class MemberStream {
  readonly number: number;
  readonly #stream: MessagesStream<Buffer, Buffer, string, Buffer>;
  readonly #clock: Clock;
  readonly #openedAtMs: number;
  #isRetired = false;
  #hasFetched = false;
  #closing: Promise<unknown> | undefined;
  fetchedAtMs: number;

  constructor(
    stream: MessagesStream<Buffer, Buffer, string, Buffer>,
    number: number,
    clock: Clock,
    listener: StreamListener,
  ) {
    this.number = number;
    this.#stream = stream;
    this.#clock = clock;
    this.#openedAtMs = clock.nowMs();
    this.fetchedAtMs = this.#openedAtMs;
    let reason: unknown = "closed by the client";
    stream.on("error", (error) => {
      reason = error;
    });
    stream.on("close", () => {
      if (!this.#isRetired) {
        listener.onEnded(reason);
      }
    });
    stream.on("fetch", () => {
      this.#hasFetched = true;
      this.fetchedAtMs = clock.nowMs();
    });
    stream.on("readable", () => {
      if (!this.#isRetired) {
        listener.onReadable();
      }
    });
  }

  ageMs(): number {
    return this.#clock.nowMs() - this.#openedAtMs;
  }

  read(): Received | undefined {
    const record: Received | null = this.#stream.read();
    return record ?? undefined;
  }

  /** Its messages do not count any more. After an outage its close may never end, so nobody waits for it. */
  retire(): void {
    this.#isRetired = true;
    this.#closing ??= this.#stream.close().catch(() => undefined);
  }

  /** Resolves when a retired stream has ended that was retired while it still asked where to begin. */
  async untilBegun(): Promise<void> {
    if (!this.#hasFetched) {
      await this.#closing;
    }
  }
}
