import type { OutgoingMessage, Producer } from "../ports/queue.ts";

/** A message that says its partition, or leaves it to its key. */
export interface PlacedMessage extends OutgoingMessage {
  readonly partition?: number;
}

export interface PlacingProducer extends Producer {
  publish(messages: readonly PlacedMessage[], signal: AbortSignal): Promise<void>;
}
