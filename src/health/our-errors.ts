import type { DeadLetterReason } from "../domain/dead-letter.ts";

const OUR_ERRORS: ReadonlySet<DeadLetterReason> = new Set([
  "defect",
  "attempts-exhausted",
  "deadline",
  "outage",
  "provider-refused",
  "provider-rejected",
]);

/** Whether a message that was set aside for that reason was set aside for something else than what its sender wrote. */
export function isOurError(reason: DeadLetterReason): boolean {
  return OUR_ERRORS.has(reason);
}
