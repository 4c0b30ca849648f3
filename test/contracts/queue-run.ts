import { systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import type { ConsumerLimits } from "../../src/consumer/limits.ts";
import type { ConsumerState } from "../../src/consumer/consumer-state.ts";
import { type ConsumerReport, runConsumer } from "../../src/consumer/run-consumer.ts";
import type { Message, Queue } from "../../src/ports/queue.ts";

/** A consumer over a queue that notes what its handlers do, as a test drives it. Disposing of it drops its work. */
export interface QueueRun extends AsyncDisposable {
  /** Messages whose handlers have been called, in that order. */
  readonly started: readonly Message[];
  /** Finished messages, in the order of their ends. */
  readonly done: readonly Message[];
  /** As it was at the last commit tick; undefined before the first. */
  readonly state: ConsumerState | undefined;
  /** Resolves as soon as `isEnough` says so of what was finished or started; rejects after `ms`, or with the run. */
  until(isEnough: () => boolean, what: string, ms?: number): Promise<void>;
  /** Drains, and resolves with the report. The queue stays open. */
  stop(): Promise<ConsumerReport>;
  readonly ended: Promise<ConsumerReport>;
}

export interface QueueRunOptions {
  readonly handle?: (message: Message, signal: AbortSignal) => Promise<void>;
  readonly limits?: Partial<ConsumerLimits>;
  readonly log?: Log;
}

export function startRun(queue: Queue, options: QueueRunOptions = {}): QueueRun {
  const started: Message[] = [];
  const done: Message[] = [];
  const work = new AbortController();
  const intake = new AbortController();
  const watchers = new Set<() => void>();
  let state: ConsumerState | undefined;
  function lookAgain(): void {
    for (const look of watchers) {
      look();
    }
  }
  const ended = runConsumer<Message>(
    {
      queue,
      lanesOf: ({ key }) => (key === undefined ? [] : [key.toString()]),
      bytesOf: ({ value }) => value?.length ?? 0,
      handle: async (message, work) => {
        started.push(message);
        lookAgain();
        await options.handle?.(message, work.signal);
        done.push(message);
        lookAgain();
      },
      limits: options.limits ?? {},
      clock: systemClock,
      log: options.log ?? silentLog,
      onState: (now) => {
        state = now;
        lookAgain();
      },
    },
    intake.signal,
    work.signal,
  );
  ended.catch(() => undefined);
  return {
    started,
    done,
    ended,
    get state() {
      return state;
    },
    until: async (isEnough, what, ms = 30_000) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (isEnough()) {
          resolve();
        }
      };
      watchers.add(look);
      look();
      const timer = setTimeout(resolve, ms);
      await Promise.race([promise, ended.then(() => undefined)]);
      clearTimeout(timer);
      watchers.delete(look);
      if (!isEnough()) {
        throw new Error(`waiting until ${what}: not so after ${ms} ms, with ${done.length} messages done`);
      }
    },
    stop: () => {
      intake.abort();
      return ended;
    },
    [Symbol.asyncDispose]: async () => {
      intake.abort();
      work.abort();
      await ended.catch(() => undefined);
    },
  };
}

/** `topic/partition/offset`, which names a message for good. */
export function placeOf({ topic, partition, offset }: Message): string {
  return `${topic}/${partition}/${offset}`;
}
