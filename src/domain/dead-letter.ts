/** Why a message was set aside: the closed list behind the header `x-ginkgo-reason`. */
export const DEAD_LETTER_REASONS = {
  "not-json": "the value is empty or is not JSON in UTF-8",
  "not-an-object": "the value is JSON but not an object",
  "unknown-command": "no command of this name exists",
  "missing-parameter": "a parameter that the command needs is absent",
  "bad-parameter": "a parameter has the wrong type, form or value",
  "start-after-end": "the first day asked for lies after the last",
  "future-day": "a day asked for lies in the future",
  "unknown-code": "the stock list does not have the code, also after one refresh",
  "not-supported":
    "nobody of providers.chain has that of this kind of code, the provider named is not in it, or no frequency of this name exists",
  "too-large": "the message is larger than the worker takes",
  "provider-refused": "the provider refused our credentials or rights for what was asked, and no other is left",
  "provider-rejected": "the provider says the request itself is wrong",
  "attempts-exhausted": "the message's own work failed in every attempt",
  outage: "a provider was out for longer than worker.outage_deadline_ms; sent back by itself when it answers again",
  deadline: "the message held up its partition and made no progress within worker.message_deadline_ms",
  defect: "a defect in the worker; the stack is in the headers",
} as const;

export type DeadLetterReason = keyof typeof DEAD_LETTER_REASONS;

/**
 * When the message first entered the queue, ISO 8601 in UTC. A dead letter has it and a redriven message keeps it, since
 * the queue gives that one a time of its own, and what it asks for may count from when it was asked.
 */
export const ASKED_AT_HEADER = "x-ginkgo-asked-at";

/** What is said about a message that is set aside. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  /** JSON path to what is wrong, such as `$.params.start_date`; `$` for the whole. */
  readonly path: string;
  /** At most 200 bytes: what was wrong, with an excerpt. */
  readonly detail: string;
  readonly attempts: number;
  /** Defects only. */
  readonly stack?: string;
}
