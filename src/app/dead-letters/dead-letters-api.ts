import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";

/** What the commands `dlq …` ask of the program. Places are `partition/offset` in the topic of dead letters. */
export interface DeadLettersApi {
  listDeadLetters(config: Config, filter: LetterFilter, log: Log, signal: AbortSignal): Promise<LetterList>;
  /** DataError when nothing stands at the place. */
  showDeadLetter(config: Config, place: string, log: Log, signal: AbortSignal): Promise<LetterWhole>;
  /**
   * Sends letters back to the topics they came from, in the order they had there, and yields after each batch that the
   * queue acknowledged and that was recorded. Each yield holds the whole state, the last one the result. A letter may go
   * twice when the process ends between the two. DataError, before anything is sent, when a named place is empty.
   */
  redriveDeadLetters(
    config: Config,
    choice: LetterChoice,
    options: RedriveOptions,
    log: Log,
    signal: AbortSignal,
  ): AsyncIterable<HandlingReport>;
  /** Only records that they are done with. DataError, before anything is recorded, when a named place is empty. */
  discardDeadLetters(
    config: Config,
    choice: LetterChoice,
    note: string,
    log: Log,
    signal: AbortSignal,
  ): Promise<HandlingReport>;
}

export interface LetterFilter {
  readonly reason: string | undefined;
  readonly code: string | undefined;
  /** Epoch milliseconds; letters that were set aside before are left out. */
  readonly sinceMs: number | undefined;
  /** Also what was redriven or discarded. */
  readonly withHandled: boolean;
}

/** Named ones, or the open ones: all, or those of one reason. */
export type LetterChoice =
  | { readonly kind: "places"; readonly places: readonly string[] }
  | { readonly kind: "open"; readonly reason: string | undefined };

export interface RedriveOptions {
  readonly isDryRun: boolean;
  /** Also what was redriven too often, and named letters that are done with. */
  readonly isForced: boolean;
}

export type LetterState = "open" | "redriven" | "discarded";

/** A dead letter without its value. Texts are as they came, at most a few hundred bytes each. */
export interface Letter {
  readonly place: string;
  readonly state: LetterState;
  /** When it was set aside, ISO 8601 in UTC. */
  readonly at: string;
  /** A word of the closed list; empty for a record that no worker of ours wrote. */
  readonly reason: string;
  /** JSON path to what is wrong. */
  readonly path: string;
  readonly detail: string;
  readonly attempts: number;
  /** The security code that the message names, or empty. */
  readonly code: string;
  readonly key: string;
  /** `topic/partition/offset` of the message; empty where the letter does not say. */
  readonly origin: string;
  /** How often it was sent back before. */
  readonly redriven: number;
  /** True when the value was too large and only its beginning is here. */
  readonly isCut: boolean;
  /** Of a letter that is done with; else empty. */
  readonly handledAt: string;
  readonly note: string;
}

export interface LetterList {
  readonly topic: string;
  /** What the filter lets through, oldest first. */
  readonly letters: readonly Letter[];
  /** Let through as well, and left out of `letters` because they are too many. */
  readonly omitted: number;
  /** Open letters of the whole topic, whatever the filter. */
  readonly open: number;
  readonly handled: number;
  /** Of those that the filter lets through, by reason. */
  readonly byReason: Readonly<Record<string, number>>;
}

export interface LetterWhole extends Letter {
  readonly topic: string;
  /** Names and values in UTF-8, the original ones and ours; an absent value is null. */
  readonly headers: Readonly<Record<string, string | null>>;
  /** In UTF-8; null when the message had none. */
  readonly value: string | null;
  readonly valueBytes: number;
  /** Where the worker failed; empty unless it was a defect. */
  readonly stack: string;
}

export interface HandlingReport {
  readonly topic: string;
  /** Letters that were chosen and can be handled. */
  readonly chosen: number;
  readonly done: number;
  /** Letters that were chosen and stay as they are, with the reason. */
  readonly refused: readonly { readonly place: string; readonly why: string }[];
  /** Places in the order they are handled, with where each goes to. */
  readonly plan: readonly { readonly place: string; readonly to: string }[];
}
