import type { Request } from "../domain/command.ts";
import { MessageError } from "../domain/message-error.ts";
import { parseMessage } from "../domain/parse-message.ts";
import type { Clock } from "../base/clock.ts";
import type { Message } from "../ports/queue.ts";

export interface ParseLimits {
  /** A larger message is set aside. */
  readonly bytesMax: number;
  /** Codes one message may name. */
  readonly codesMax: number;
}

/** A message is parsed once: its lanes are asked for when it comes, its command when it starts. */
export class ParsedMessages {
  readonly #clock: Clock;
  readonly #limits: ParseLimits;
  readonly #parsed = new WeakMap<Message, Request | MessageError>();

  constructor(clock: Clock, limits: ParseLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  parse(message: Message): Request | MessageError {
    const known = this.#parsed.get(message);
    if (known !== undefined) {
      return known;
    }
    const parsed = this.#parse(message);
    this.#parsed.set(message, parsed);
    return parsed;
  }

  /**
   * The unit of order is the code in the command, not the key of the message. A command without code has a lane of its
   * own; what is no command, or not for us, waits for nobody.
   */
  lanesOf(message: Message): readonly string[] {
    const parsed = this.parse(message);
    if (parsed instanceof MessageError) {
      return [];
    }
    const { command } = parsed;
    switch (command.kind) {
      case "sync-bars":
      case "sync-ticks":
      case "sync-adjustment-factors":
        return command.codes;
      case "sync-stock-list":
      case "sync-trading-calendar":
        return [`@${command.kind}`];
      case "beat":
      case "ignore":
        return [];
    }
  }

  #parse(message: Message): Request | MessageError {
    try {
      return parseMessage(message.value, { now: this.#clock.now(), ...this.#limits });
    } catch (error) {
      if (error instanceof MessageError) {
        return error;
      }
      return new MessageError("defect", "$", String(error));
    }
  }
}
