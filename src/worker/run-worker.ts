import type { Clock } from "../base/clock.ts";
import { createGatherer } from "../base/gather.ts";
import type { RetryWaits } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import type { ConsumerLimits } from "../consumer/limits.ts";
import { type ConsumerReport, runConsumer } from "../consumer/run-consumer.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";
import type { DeadLetters, Message, Queue } from "../ports/queue.ts";
import type { OutcomeRecord, Outcomes } from "../ports/store.ts";
import { createMessageHandler, type MessageHandler, type Perform } from "./message-handler.ts";
import { ParsedMessages, type ParseLimits } from "./parsed-messages.ts";
import { SettledBefore } from "./settled-before.ts";

export interface WorkerParts {
  /** The consumer group. */
  readonly group: string;
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
  readonly outcomes: Outcomes;
  readonly perform: Perform;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Partial<ConsumerLimits>;
  readonly parseLimits: ParseLimits;
  readonly attemptsMax: number;
  /** False while nothing new should be taken. */
  readonly mayTake?: (() => boolean) | undefined;
  /** Milliseconds so far in which something the work needs was away; no message's deadline runs then. Default 0. */
  readonly outageMs?: (() => number) | undefined;
  /** Between attempts and between tries of what passes by itself. */
  readonly retryWaits?: RetryWaits | undefined;
  readonly onState?: (state: ConsumerState) => void;
  /** Told of every message that was settled; for counters. */
  readonly onSettled?: (record: OutcomeRecord) => void;
  /** Wraps the handler of every message; for tests that keep a trace. */
  readonly around?: ((handle: MessageHandler) => MessageHandler) | undefined;
}

/** Outcome records of one insert. */
const RECORDS_MAX = 8_192;

/** Takes messages until `intake` aborts, settles each that was begun by then, commits what is settled without a gap. */
export async function runWorker(parts: WorkerParts, intake: AbortSignal, work: AbortSignal): Promise<ConsumerReport> {
  const { clock, log } = parts;
  const parsed = new ParsedMessages(clock, parts.parseLimits);
  const record = createGatherer<OutcomeRecord, void>(async (records) => {
    await parts.outcomes.record(records, work);
    return records.map(() => undefined);
  }, RECORDS_MAX);
  const handle = createMessageHandler({
    group: parts.group,
    parsed,
    settledBefore: new SettledBefore(parts.outcomes),
    perform: parts.perform,
    deadLetters: parts.deadLetters,
    record: async (settled) => {
      await record(settled);
      parts.onSettled?.(settled);
    },
    clock,
    log,
    attemptsMax: parts.attemptsMax,
    retryWaits: parts.retryWaits,
    intake,
    work,
  });
  return await runConsumer<Message>(
    {
      queue: parts.queue,
      lanesOf: (message) => parsed.lanesOf(message),
      bytesOf,
      handle: parts.around?.(handle) ?? handle,
      limits: parts.limits,
      clock,
      log,
      mayTake: () => parts.mayTake?.() ?? true,
      outageMs: () => parts.outageMs?.() ?? 0,
      ...(parts.onState === undefined ? {} : { onState: parts.onState }),
    },
    intake,
    work,
  );
}

/** What a message weighs in the window: what it carries, and what it takes to hold it. */
function bytesOf(message: Message): number {
  return (message.key?.length ?? 0) + (message.value?.length ?? 0) + MESSAGE_OVERHEAD_BYTES;
}

const MESSAGE_OVERHEAD_BYTES = 512;
