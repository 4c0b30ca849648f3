import type { Clock } from "../../base/clock.ts";
import type { RetryWaits } from "../../base/jitter.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed } from "../../base/retry.ts";
import { ASKED_AT_HEADER } from "../../domain/dead-letter.ts";
import type { Message, OutgoingMessage, Producer } from "../../ports/queue.ts";
import type { HandledLetter } from "../../ports/store.ts";
import { HEADER_PREFIX, headerOf, REDRIVEN_HEADER } from "../../queue/dead-letter-headers.ts";
import type { HandlingReport, LetterChoice, RedriveOptions } from "./dead-letters-api.ts";
import type { FoundLetter, Origin } from "./letter.ts";
import { chooseLetters, type LetterParts } from "./read-letters.ts";

export interface RedriveParts extends LetterParts {
  readonly producer: Producer;
  readonly retryWaits: RetryWaits;
  readonly clock: Clock;
  readonly log: Log;
}

/** A letter that came back so often will come back again: a person has to say that something changed. */
export const REDRIVES_MAX = 3;
const BATCH_LETTERS_MAX = 100;
const BATCH_BYTES_MAX = 4 << 20;

/** See `DeadLettersApi.redriveDeadLetters`. */
export async function* redriveLetters(
  parts: RedriveParts,
  choice: LetterChoice,
  options: RedriveOptions,
  signal: AbortSignal,
): AsyncGenerator<HandlingReport> {
  yield* redriveChosen(parts, await chooseLetters(parts, choice, signal), options, signal);
}

/** As `redriveLetters`, for letters that were chosen already. Between two batches whoever iterates may take its time. */
export async function* redriveChosen(
  parts: RedriveParts,
  chosen: readonly FoundLetter[],
  options: RedriveOptions,
  signal: AbortSignal,
): AsyncGenerator<HandlingReport> {
  const refused: { readonly place: string; readonly why: string }[] = [];
  const ready: ReadyLetter[] = [];
  for (const found of chosen) {
    const why = whyNot(found, options.isForced);
    if (why !== undefined || found.origin === undefined) {
      refused.push({ place: found.letter.place, why: why ?? NO_ORIGIN });
    } else {
      ready.push({ ...found, origin: found.origin });
    }
  }
  ready.sort(byOrigin);
  const plan = ready.map(({ letter, origin }) => ({ place: letter.place, to: origin.topic }));
  let done = 0;
  const report = (): HandlingReport => ({
    topic: parts.topic,
    chosen: ready.length,
    done,
    refused: [...refused],
    plan,
  });
  yield report();
  if (options.isDryRun) {
    return;
  }
  let batch: Loaded[] = [];
  let bytes = 0;
  const send = async (): Promise<void> => {
    await sendBack(parts, batch, signal);
    done += batch.length;
    batch = [];
    bytes = 0;
  };
  for (const letter of ready) {
    const { topic, partition, offset } = letter.identity;
    const message = await parts.reader.readAt({ topic, partition, offset }, signal);
    if (message === undefined) {
      refused.push({ place: letter.letter.place, why: "it is not there any more: the topic's retention took it" });
      continue;
    }
    batch.push({ letter, message });
    bytes += message.value?.length ?? 0;
    if (batch.length >= BATCH_LETTERS_MAX || bytes >= BATCH_BYTES_MAX) {
      await send();
      yield report();
    }
  }
  await send();
  yield report();
}

/** Whether a letter can be sent back without force, as far as it says itself: retention may take it until then. */
export function canGo(found: FoundLetter): boolean {
  return whyNot(found, false) === undefined;
}

interface ReadyLetter extends FoundLetter {
  readonly origin: Origin;
}

interface Loaded {
  readonly letter: ReadyLetter;
  readonly message: Message;
}

const NO_ORIGIN = "it does not say which topic it came from: no worker of ours wrote it";

function whyNot({ letter, origin }: FoundLetter, isForced: boolean): string | undefined {
  if (origin === undefined) {
    return NO_ORIGIN;
  }
  if (letter.isCut) {
    return `only the beginning of its value is kept, since it was too large: publish the message at ${letter.origin} anew`;
  }
  if (letter.state !== "open" && !isForced) {
    return `it was ${letter.state} at ${letter.handledAt} already: --force sends it again`;
  }
  if (letter.redriven >= REDRIVES_MAX && !isForced) {
    return `it was redriven ${letter.redriven} times and came back each time: --force sends it once more`;
  }
  return undefined;
}

/** Published first, recorded after: what is recorded as redriven is in the queue for certain. */
async function sendBack(
  { producer, handled, retryWaits, clock, log }: RedriveParts,
  batch: readonly Loaded[],
  signal: AbortSignal,
): Promise<void> {
  if (batch.length === 0) {
    return;
  }
  await producer.publish(batch.map(toOriginal), signal);
  const records = batch.map(({ letter }): HandledLetter => ({
    message: letter.identity,
    action: "redriven",
    atMs: clock.nowMs(),
    note: "",
  }));
  const retry = { clock, log, waits: retryWaits, doing: "recording redriven letters" };
  await untilPassed(() => handled.record(records, signal), retry, signal);
}

/**
 * The message as it was before it was set aside, when it was asked, and how often it was sent back. A letter of an older
 * release does not say when it was asked: it was by the time it was set aside.
 */
function toOriginal({ letter, message }: Loaded): OutgoingMessage {
  const { origin } = letter;
  const foreign = message.headers.filter(([name]) => !name.startsWith(HEADER_PREFIX));
  const redriven = Buffer.from(String(letter.letter.redriven + 1));
  const askedAt = headerOf(message.headers, ASKED_AT_HEADER) ?? Buffer.from(letter.letter.at);
  return {
    topic: origin.topic,
    ...(message.key === undefined ? { partition: origin.partition } : {}),
    key: message.key,
    value: message.value,
    headers: [...foreign, [ASKED_AT_HEADER, askedAt], [REDRIVEN_HEADER, redriven]],
  };
}

/** As the messages stood in their topics; among partitions by when they were set aside does not matter. */
function byOrigin({ origin: left }: ReadyLetter, { origin: right }: ReadyLetter): number {
  if (left.topic !== right.topic) {
    return left.topic < right.topic ? -1 : 1;
  }
  if (left.partition !== right.partition) {
    return left.partition - right.partition;
  }
  return left.offset < right.offset ? -1 : left.offset > right.offset ? 1 : 0;
}
