import type { Clock } from "../../base/clock.ts";
import type { HandlingReport, LetterChoice } from "./dead-letters-api.ts";
import { chooseLetters, type LetterParts } from "./read-letters.ts";

/** Records of one insert. */
const RECORDS_MAX = 10_000;

/** See `DeadLettersApi.discardDeadLetters`. Nothing of the topic changes; a discarded letter can still be redriven by force. */
export async function discardLetters(
  parts: LetterParts & { readonly clock: Clock },
  choice: LetterChoice,
  note: string,
  signal: AbortSignal,
): Promise<HandlingReport> {
  const chosen = await chooseLetters(parts, choice, signal);
  const open = chosen.filter(({ letter }) => letter.state === "open");
  const refused = chosen
    .filter(({ letter }) => letter.state !== "open")
    .map(({ letter }) => ({ place: letter.place, why: `it was ${letter.state} at ${letter.handledAt} already` }));
  for (let from = 0; from < open.length; from += RECORDS_MAX) {
    const atMs = parts.clock.nowMs();
    const records = open
      .slice(from, from + RECORDS_MAX)
      .map(({ identity: message }) => ({ message, action: "discarded" as const, atMs, note }));
    await parts.handled.record(records, signal);
  }
  return {
    topic: parts.topic,
    chosen: open.length,
    done: open.length,
    refused,
    plan: open.map(({ letter }) => ({ place: letter.place, to: "" })),
  };
}
