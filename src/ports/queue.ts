import type { DeadLetter } from "../domain/dead-letter.ts";

/** A record of the queue as it came; nothing of it has been looked at. */
export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: ReadonlyMap<string, Buffer | undefined>;
  /** Epoch milliseconds given by producer or broker. */
  readonly timestampMs: number;
}

export interface OutgoingMessage {
  readonly topic: string;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: ReadonlyMap<string, Buffer>;
}

/** Writes messages. Resolves when the broker has them all (idempotent, all replicas in sync). */
export interface Producer extends AsyncDisposable {
  publish(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void>;
}

/** Sets messages aside, with original key, value and headers and the headers of contract section 1. */
export interface DeadLetters {
  write(message: Message, letter: DeadLetter, signal: AbortSignal): Promise<void>;
}
