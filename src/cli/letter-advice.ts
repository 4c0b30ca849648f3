import type { DeadLetterReason } from "../domain/dead-letter.ts";

/** What a person can do about dead letters of each reason. */
export const LETTER_ADVICE = {
  "not-json": "mend the producer; discard",
  "not-an-object": "mend the producer; discard",
  "unknown-command": "mend the producer, or run a version that knows the command and redrive",
  "missing-parameter": "mend the producer; discard, and ask again with gdw request",
  "bad-parameter": "mend the producer; discard, and ask again with gdw request",
  "start-after-end": "mend the producer; discard, and ask again with gdw request",
  "future-day": "redrive once the day has passed, or discard",
  "unknown-code": "check the code; gdw request --kind stock-list --force, then redrive",
  "not-supported": "add a provider that has it to providers.chain (dlq show names them) and redrive, or discard",
  "too-large": "split the request, or raise worker.message_bytes_max or worker.codes_max, and redrive",
  "provider-refused": "give the account the right or add a provider to providers.chain, then redrive",
  "provider-rejected": "see dlq show for the provider's words; mend the request, or redrive",
  "attempts-exhausted": "see dlq show for the last error; mend its cause, then redrive",
  outage: "the worker redrives it when the provider answers again (worker.auto_redrive); else redrive then",
  deadline: "see what is slow with gdw status; split the request or raise worker.message_deadline_ms, then redrive",
  defect: "report it with the stack of dlq show; redrive with a version that mends it",
} as const satisfies Readonly<Record<DeadLetterReason, string>>;

export function adviceFor(reason: string): string {
  const known = Object.entries(LETTER_ADVICE).find(([word]) => word === reason)?.[1];
  return known ?? "no worker of ours wrote it: see dlq show, then discard";
}
