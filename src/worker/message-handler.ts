import { BoundedMap } from "../base/bounded-map.ts";
import type { Clock } from "../base/clock.ts";
import { DataError, describeError, PermanentError, TransientError } from "../base/errors.ts";
import { fullJitterMs, type RetryWaits } from "../base/jitter.ts";
import { createGatherer } from "../base/gather.ts";
import type { Log } from "../base/log.ts";
import { untilPassed } from "../base/retry.ts";
import { GivenBackError, type Handling, OverdueError } from "../consumer/handling.ts";
import type { Command, Request, RequestPlaces } from "../domain/command.ts";
import type { DeadLetter } from "../domain/dead-letter.ts";
import { MessageError } from "../domain/message-error.ts";
import { NO_ROWS, type Outcome } from "../domain/outcome.ts";
import type { DeadLetters, Message } from "../ports/queue.ts";
import type { MessageIdentity, OutcomeRecord } from "../ports/store.ts";
import { firstAskedAtMs } from "./first-asked.ts";
import { identify } from "./message-identity.ts";
import { type Pace, watchPace } from "./pace.ts";
import type { ParsedMessages } from "./parsed-messages.ts";
import type { SettledBefore } from "./settled-before.ts";

/** What a command did; the handler adds how long it took. */
export type Done = Omit<Outcome, "ms" | "reason">;

/**
 * Does a command; everything it wrote is durable when it resolves. Can be run twice. When the message is overdue nobody
 * waits for it any more, whether it heeds its signal or not; what it still writes does no harm.
 */
export type Perform = (command: Command, context: CommandContext, signal: AbortSignal) => Promise<Done>;

export interface CommandContext {
  readonly requestId: string;
  /** Epoch milliseconds at which the message entered the queue. */
  readonly askedAtMs: number;
  /** The earliest time at which it is known to have been asked; undefined where nothing says so. */
  readonly firstAskedAtMs?: number | undefined;
  readonly places: RequestPlaces;
  /**
   * When the signal aborts nothing more is begun; what is under way, such as a call that is being answered, may be
   * finished and stored until this aborts. Absent where nothing may.
   */
  readonly finishing?: AbortSignal | undefined;
  /** What the message's deadline is measured by; absent where nothing watches it. */
  readonly pace?: Pace | undefined;
}

export interface HandlerParts {
  /** The consumer group: what one group settled, another one does again. */
  readonly group: string;
  readonly parsed: ParsedMessages;
  readonly settledBefore: SettledBefore;
  readonly perform: Perform;
  readonly deadLetters: DeadLetters;
  /** Durable when it resolves. */
  readonly record: (record: OutcomeRecord) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly attemptsMax: number;
  readonly retryWaits?: RetryWaits | undefined;
  /** Aborts when the drain begins. Absent where there is none. */
  readonly intake?: AbortSignal | undefined;
  /** Aborts when what is in hand is to be dropped. */
  readonly work: AbortSignal;
}

export type MessageHandler = (message: Message, work: Handling) => Promise<void>;

/**
 * Settles a message: its rows are durable, or it is a dead letter, and its outcome is recorded. Only then may its
 * offset be committed, so a crash repeats work and never loses it; that is why everything here can be run twice.
 * A message that holds up its partition beyond its deadline becomes a dead letter, whatever it was waiting for.
 *
 * Throws only what must stop the worker: a store or queue that needs a person, a provider that refuses our credentials
 * when no other is left, or the signal's reason; and in a drain GivenBackError, for what would wait longer than that.
 * Whatever is this message's own fault makes it a dead letter.
 */
export function createMessageHandler(parts: HandlerParts): MessageHandler {
  const isNews = rememberTrouble(parts.clock);
  const sayRepeat = createGatherer<Message, void>(
    async (messages) => sayRepeats(parts.log, messages),
    REPEATS_SAID_MAX,
  );
  return async (message, work) => {
    try {
      await settle({ ...parts, isNews, sayRepeat }, message, work);
    } catch (error) {
      // What several messages wait for ends with the worker, a moment before the message is told to give up.
      if (parts.work.aborted) {
        await untilAborted(work.assignment);
      }
      throw error;
    }
  };
}

interface SettleParts extends HandlerParts {
  /** False when many messages wait for the same thing and one of them has just said so. */
  readonly isNews: (why: string) => boolean;
  readonly sayRepeat: (message: Message) => Promise<void>;
}

async function settle(parts: SettleParts, message: Message, work: Handling): Promise<void> {
  const startedMs = parts.clock.elapsedMs();
  const identity = identify(message, parts.group);
  // A deadline does not end what follows it, the dead letter and the record. Nor does a lost partition end the record within
  // its grace, which spares the next owner the call. The offset is the consumer's, and of a lost partition it commits none.
  const retry = (doing: string): Parameters<typeof untilPassed>[1] => ({
    clock: parts.clock,
    log: parts.log,
    waits: parts.retryWaits,
    doing,
  });
  const reading = work.rest();
  const isRepeat = await untilPassed(
    () => parts.settledBefore.has(identity, work.assignment),
    retry("reading outcomes"),
    work.assignment,
  );
  reading[Symbol.dispose]();
  if (isRepeat) {
    void parts.sayRepeat(message);
    return;
  }
  const parsed = parts.parsed.parse(message);
  const settled =
    parsed instanceof MessageError ? toLetter(parsed) : await performOrGiveUp(parts, parsed, message, work);
  // From here on only the store and the queue are waited for, and the message is done with.
  using _ = work.rest();
  if ("letter" in settled) {
    // Of a lost partition the next owner finds out by itself, and may well succeed.
    work.assignment.throwIfAborted();
    await untilPassed(
      () => parts.deadLetters.write(message, settled.letter, work.assignment),
      retry("writing a dead letter"),
      work.assignment,
    );
  }
  const outcome: Outcome = {
    ...settled.done,
    ms: Math.round(parts.clock.elapsedMs() - startedMs),
    reason: "letter" in settled ? settled.letter.reason : undefined,
  };
  const record = toRecord(identity, parsed, outcome, parts.clock.nowMs());
  await untilPassed(() => parts.record(record), retry("recording an outcome"), work.finishing);
  sayOutcome(parts.log, record, settled);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}

type Settled = { readonly done: Done } | { readonly done: Done; readonly letter: DeadLetter };

/** Three attempts at what is the message's own; what passes by itself is waited out and counts for nothing. */
async function performOrGiveUp(
  parts: SettleParts,
  request: Request,
  message: Message,
  work: Handling,
): Promise<Settled> {
  const { signal, assignment } = work;
  const { envelope, places } = request;
  const watched = watchPace(work);
  const context = {
    requestId: envelope.requestId ?? "",
    askedAtMs: message.timestampMs,
    firstAskedAtMs: firstAskedAtMs(message, envelope),
    places,
    finishing: work.finishing,
    pace: watched.pace,
  };
  for (let attempt = 1; ;) {
    try {
      return { done: await untilOverdue(parts.perform(request.command, context, signal), signal) };
    } catch (error) {
      assignment.throwIfAborted();
      if (signal.reason instanceof OverdueError) {
        return toLetter(overdueOf(signal.reason, watched.doing()), attempt);
      }
      if (parts.work.aborted) {
        throw error;
      }
      if (error instanceof GivenBackError) {
        throw error;
      }
      if (error instanceof MessageError) {
        return toLetter(error, attempt);
      }
      if (error instanceof PermanentError) {
        return toLetter(refusalOf(error), attempt);
      }
      const isPassing = error instanceof TransientError;
      if (!isPassing && attempt >= parts.attemptsMax) {
        return giveUp(error, attempt);
      }
      const statedWaitMs = error instanceof TransientError ? error.retryAfterMs : undefined;
      const waitMs = statedWaitMs ?? fullJitterMs(attempt, parts.retryWaits);
      const why = describeError(error);
      if (parts.intake?.aborted === true) {
        throw new GivenBackError(why);
      }
      const level = statedWaitMs === undefined || parts.isNews(why) ? "warn" : "debug";
      parts.log[level]("message failed, trying again", {
        topic: message.topic,
        partition: message.partition,
        offset: message.offset,
        attempt,
        waitMs: Math.round(waitMs),
        kind: error instanceof Error ? error.name : typeof error,
        why,
      });
      watched.pace.doing(() => `the next try after: ${why}`);
      const waiting = parts.intake === undefined ? signal : AbortSignal.any([signal, parts.intake]);
      await parts.clock.sleep(waitMs, waiting).catch((aborted: unknown) => {
        // The next round sees what the signal says; what passes by itself is tried once more, at once, in a drain.
        if (signal.aborted && !(signal.reason instanceof OverdueError)) {
          throw aborted;
        }
        if (!signal.aborted && !isPassing) {
          throw new GivenBackError(why);
        }
      });
      attempt += isPassing ? 0 : 1;
    }
  }
}

/** What the promise brings, or the signal's reason once the message is overdue; any other reason is the promise's to heed. */
function untilOverdue<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (signal.reason instanceof OverdueError) {
        reject(signal.reason);
      }
    };
    signal.addEventListener("abort", look);
    promise.finally(() => signal.removeEventListener("abort", look)).then(resolve, reject);
    look();
  });
}

/** What a person needs to know of a message that held up its partition; what to do stands in the advice for its reason. */
function overdueOf({ stuckMs }: OverdueError, doing: string | undefined): MessageError {
  const waitedFor = doing === undefined ? "nothing was heard of it since" : `waiting for ${doing}`;
  return new MessageError("deadline", "$", `no progress for ${Math.round(stuckMs / 1_000)} s, ${waitedFor}`);
}

/** Messages of one line of the log. */
const REPEATS_SAID_MAX = 8_192;

/** One line for each partition: after a restart thousands of messages may come again. */
function sayRepeats(log: Log, messages: readonly Message[]): void[] {
  for (const [at, group] of Map.groupBy(messages, ({ topic, partition }) => `${topic}/${partition}`)) {
    const offsets = group.map(({ offset }) => offset);
    log.info("messages were settled before and are skipped", {
      at,
      count: group.length,
      firstOffset: offsets.reduce((least, offset) => (offset < least ? offset : least)),
      lastOffset: offsets.reduce((most, offset) => (offset > most ? offset : most)),
    });
  }
  return messages.map(() => undefined);
}

/** What messages wait for together is said so often, and not once for each of them. */
const SAY_AGAIN_MS = 600_000;
const TROUBLES_MAX = 100;

function rememberTrouble(clock: Clock): (why: string) => boolean {
  const saidAtMs = new BoundedMap<string, number>(TROUBLES_MAX);
  return (why) => {
    const nowMs = clock.elapsedMs();
    const isNews = nowMs - (saidAtMs.get(why) ?? -Infinity) >= SAY_AGAIN_MS;
    if (isNews) {
      saidAtMs.set(why, nowMs);
    }
    return isNews;
  };
}

/** A provider that lacks a right refuses this message only; everything else that is permanent stops the worker. */
function refusalOf(error: PermanentError): MessageError {
  if (error.scope === "api") {
    return new MessageError("provider-refused", "$", error.message);
  }
  throw error;
}

function giveUp(error: unknown, attempts: number): Settled {
  if (error instanceof DataError) {
    return toLetter(new MessageError("provider-rejected", error.path || "$", error.message), attempts);
  }
  const defect = error instanceof Error ? error : new Error(String(error));
  const letter = toLetter(new MessageError("defect", "$", describeError(defect)), attempts);
  return { ...letter, letter: { ...letter.letter, stack: defect.stack ?? defect.message } };
}

function toLetter(error: MessageError, attempts = 1): { readonly done: Done; readonly letter: DeadLetter } {
  return { done: DEAD, letter: { reason: error.reason, path: error.path, detail: error.detail, attempts } };
}

const DEAD: Done = {
  word: "dead-letter",
  rows: NO_ROWS,
  callIds: [],
  provider: undefined,
  pendingDays: 0,
  unexplainedDays: 0,
};

function toRecord(
  message: MessageIdentity,
  parsed: Request | MessageError,
  outcome: Outcome,
  settledAtMs: number,
): OutcomeRecord {
  const request = parsed instanceof MessageError ? undefined : parsed;
  return {
    message,
    requestId: request?.envelope.requestId ?? "",
    command: request?.command.kind ?? "",
    codes: request !== undefined && "codes" in request.command ? request.command.codes : [],
    outcome,
    settledAtMs,
    reason: outcome.reason,
  };
}

/** What a level says: `warn` for what a person may want to look at, `debug` for the thousands that went well. */
function sayOutcome(log: Log, record: OutcomeRecord, settled: Settled): void {
  const { message, outcome } = record;
  const fields = {
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    requestId: record.requestId,
    command: record.command,
    code: record.codes.length === 1 ? record.codes[0] : undefined,
    codes: record.codes.length > 1 ? record.codes.length : undefined,
    outcome: outcome.word,
    ...outcome.rows,
    calls: outcome.callIds.length,
    ms: outcome.ms,
  };
  if ("letter" in settled) {
    const { reason, path, detail, attempts } = settled.letter;
    log.warn("message set aside", { ...fields, reason, path, detail, attempts });
  } else if (outcome.word === "unexplained") {
    log.warn("message settled, days stay unexplained", { ...fields, unexplainedDays: outcome.unexplainedDays });
  } else {
    log.debug("message settled", fields);
  }
}
