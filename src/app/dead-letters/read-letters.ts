import { DataError } from "../../base/errors.ts";
import type { MessageReader } from "../../ports/queue.ts";
import type { HandledLetter, HandledLetters } from "../../ports/store.ts";
import type { LetterChoice, LetterFilter, LetterList, LetterWhole } from "./dead-letters-api.ts";
import { type FoundLetter, parsePlace, toLetter, toPlaceText, toWhole } from "./letter.ts";

export interface LetterParts {
  /** The topic of dead letters. */
  readonly topic: string;
  readonly reader: MessageReader;
  readonly handled: HandledLetters;
  /** Default LETTERS_MAX. */
  readonly lettersMax?: number | undefined;
}

/** Letters without their values that are held at once, some 100 MB. */
export const LETTERS_MAX = 100_000;

export async function listLetters(parts: LetterParts, filter: LetterFilter, signal: AbortSignal): Promise<LetterList> {
  const letters: FoundLetter[] = [];
  const byReason = new Map<string, number>();
  const counts = { open: 0, handled: 0, omitted: 0 };
  for await (const found of readLetters(parts, signal)) {
    const { letter } = found;
    counts[letter.state === "open" ? "open" : "handled"] += 1;
    if (!passes(found, filter)) {
      continue;
    }
    byReason.set(letter.reason, (byReason.get(letter.reason) ?? 0) + 1);
    if (letters.length < LETTERS_MAX) {
      letters.push(found);
    } else {
      counts.omitted += 1;
    }
  }
  return {
    topic: parts.topic,
    letters: letters.map(({ letter }) => letter).toSorted((left, right) => compare(left.at, right.at)),
    ...counts,
    byReason: Object.fromEntries([...byReason].toSorted(([, left], [, right]) => right - left)),
  };
}

export async function showLetter(parts: LetterParts, place: string, signal: AbortSignal): Promise<LetterWhole> {
  const handled = await handledByPlace(parts, signal);
  const message = await parts.reader.readAt({ topic: parts.topic, ...parsePlace(place) }, signal);
  if (message === undefined) {
    throw nothingThere(parts.topic, [place]);
  }
  return toWhole(message, toLetter(message, handled));
}

/**
 * The chosen letters in no particular order, of open ones at most `lettersMax` of those that `isWanted` lets through.
 * DataError when a named place is empty: it names all that are.
 */
export async function chooseLetters(
  parts: LetterParts,
  choice: LetterChoice,
  signal: AbortSignal,
  isWanted: (found: FoundLetter) => boolean = () => true,
): Promise<readonly FoundLetter[]> {
  const { lettersMax = LETTERS_MAX } = parts;
  if (choice.kind === "places") {
    return await lettersAt(parts, choice.places, signal);
  }
  const chosen: FoundLetter[] = [];
  for await (const found of readLetters(parts, signal)) {
    const isMeant = choice.reason === undefined || found.letter.reason === choice.reason;
    if (chosen.length < lettersMax && found.letter.state === "open" && isMeant && isWanted(found)) {
      chosen.push(found);
    }
  }
  return chosen;
}

async function lettersAt(
  parts: LetterParts,
  places: readonly string[],
  signal: AbortSignal,
): Promise<readonly FoundLetter[]> {
  const wanted = new Map(places.map(parsePlace).map((place) => [toPlaceText(place), place]));
  const handled = await handledByPlace(parts, signal);
  const found: FoundLetter[] = [];
  const empty: string[] = [];
  for (const [text, place] of wanted) {
    const message = await parts.reader.readAt({ topic: parts.topic, ...place }, signal);
    if (message === undefined) {
      empty.push(text);
    } else {
      found.push(toLetter(message, handled));
    }
  }
  if (empty.length > 0) {
    throw nothingThere(parts.topic, empty);
  }
  return found;
}

async function* readLetters(parts: LetterParts, signal: AbortSignal): AsyncGenerator<FoundLetter> {
  const handled = await handledByPlace(parts, signal);
  for await (const message of parts.reader.read(parts.topic, signal)) {
    yield toLetter(message, handled);
  }
}

/** Of a topic that was made anew, a place may have been handled twice: the later one is the one that can still stand. */
async function handledByPlace(
  { handled, topic }: LetterParts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, HandledLetter>> {
  const records = await handled.of(topic, signal);
  const sorted = records.toSorted((left, right) => left.atMs - right.atMs);
  return new Map(sorted.map((record) => [toPlaceText(record.message), record]));
}

function passes({ letter }: FoundLetter, { reason, code, sinceMs, withHandled }: LetterFilter): boolean {
  return (
    (withHandled || letter.state === "open") &&
    (reason === undefined || letter.reason === reason) &&
    (code === undefined || letter.key === code || letter.code.split(",").includes(code)) &&
    (sinceMs === undefined || Date.parse(letter.at) >= sinceMs)
  );
}

function nothingThere(topic: string, places: readonly string[]): DataError {
  return new DataError(
    `looking for dead letters of ${topic}: nothing stands at ${places.join(", ")}, or not any more; gdw dlq list shows what does`,
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
