import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { onAbort } from "../base/on-abort.ts";
import { AssignmentControllers } from "./assignment-signals.ts";
import type { CommitRequest, Now } from "./commit-rule.ts";
import type { ConsumerQueue, Join, QueuedMessage, QueueListener, TopicPartition } from "./consumer-queue.ts";
import type { ConsumerState } from "./consumer-state.ts";
import type { Entry } from "./entry.ts";
import { GivenBackError, type Handling, RunningMessage } from "./handling.ts";
import { type ConsumerLimits, toLimits } from "./limits.ts";
import { ConsumerMachine } from "./machine.ts";

export interface ConsumerParts<M extends QueuedMessage> {
  readonly queue: ConsumerQueue<M>;
  /** The lanes of a message; none means that it waits for nobody. Must not throw. */
  lanesOf(message: M): readonly string[];
  /** What the message weighs in the window. Must not throw. */
  bytesOf(message: M): number;
  /**
   * Resolving means that the message is settled: done, or set aside for good. Throwing means stop, unless it is a
   * GivenBackError in a drain: then the message comes again. `work.signal` aborts
   * when the partition was lost or the work is to be dropped; what the handler answers after that is ignored in the
   * first case and counts in the second. It aborts with an OverdueError when the message has held up its partition for
   * too long: then the handler sets it aside and resolves, whatever it was waiting for. Nothing else ends it.
   */
  handle(message: M, work: Handling): Promise<void>;
  readonly limits?: Partial<ConsumerLimits>;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds so far in which a dependency was away; no deadline runs then. Default 0. */
  outageMs?(): number;
  /** False while nothing new should be taken although there is room; asked before each pull. Must not throw. */
  mayTake?(): boolean;
  /** Called every `commitEveryMs`, when `intake` aborts, and once at the end. Must not throw. */
  onState?(state: ConsumerState): void;
}

export interface ConsumerReport {
  readonly state: ConsumerState;
  /** Messages taken that nobody settled: not started by the drain, given back or dropped. They come again. */
  readonly dropped: number;
  /** True when the group knows of everything that was settled. */
  readonly isCommitted: boolean;
}

/**
 * Takes messages from the queue, many lanes at once, each lane in order, and commits what is settled without a gap.
 *
 * When `intake` aborts it takes and starts nothing new, forgets what has not started, finishes what has, commits and
 * resolves. When `work` aborts, running handlers are told to give up as well and have `abandonMs` to end; then the last
 * commit, and it resolves. When a handler throws, or the queue fails for good, nothing more is started, the other
 * handlers may finish for `failGraceMs` and are then told to give up; what they settled before the failed message is
 * committed, and the error is thrown.
 */
export async function runConsumer<M extends QueuedMessage>(
  parts: ConsumerParts<M>,
  intake: AbortSignal,
  work: AbortSignal,
): Promise<ConsumerReport> {
  const run = new ConsumerRun(parts);
  parts.queue.subscribe(run);
  using stack = new DisposableStack();
  stack.use(onAbort(intake, () => run.drain()));
  stack.use(onAbort(work, () => run.drop()));
  return await run.untilDone();
}

/**
 * The runner: carries out what the machine decides. Events reach the machine as they happen, and what they ask for is
 * done before they return, so a commit asked for by a rebalance is under way in time. Results of handlers are gathered
 * for one turn of the event loop, so a message costs no step of its own.
 */
class ConsumerRun<M extends QueuedMessage> implements QueueListener {
  readonly #parts: ConsumerParts<M>;
  readonly #limits: ConsumerLimits;
  readonly #machine: ConsumerMachine<M>;
  readonly #assignments: AssignmentControllers;
  readonly #ended = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  /** When running handlers are told to give up, are given up, and the last commit is; elapsed milliseconds. */
  #abortAtMs = Infinity;
  #abandonAtMs = Infinity;
  #commitUntilMs = Infinity;
  #isStepping = false;
  #isStepDue = false;

  constructor(parts: ConsumerParts<M>) {
    this.#parts = parts;
    this.#limits = toLimits(parts.limits ?? {});
    this.#machine = new ConsumerMachine<M>(this.#limits);
    this.#assignments = new AssignmentControllers(parts.clock, this.#limits.lostGraceMs);
  }

  async untilDone(): Promise<ConsumerReport> {
    const { clock } = this.#parts;
    using _ = this.#assignments;
    this.#step();
    while (!this.#ended.signal.aborted) {
      try {
        await clock.sleep(this.#limits.commitEveryMs, this.#ended.signal);
      } catch (error) {
        if (!this.#ended.signal.aborted) {
          throw error;
        }
      }
      this.#machine.look(this.#now());
      this.#step();
      this.#parts.onState?.(this.#state());
    }
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    const state = this.#state();
    return {
      state,
      dropped: state.partitions.reduce((sum, { inFlight }) => sum + inFlight, 0),
      isCommitted: this.#machine.isSaid,
    };
  }

  drain(): void {
    this.#machine.drain();
    this.#parts.queue.stopDelivery();
    this.#parts.onState?.(this.#state());
    this.#scheduleStep();
  }

  drop(): void {
    this.#machine.drain();
    this.#parts.queue.stopDelivery();
    this.#abortAtMs = Math.min(this.#abortAtMs, this.#parts.clock.elapsedMs());
    this.#scheduleStep();
  }

  onReadable(): void {
    this.#step();
  }

  onRebalance(assigned: readonly TopicPartition[]): void {
    this.#machine.rebalance(assigned, this.#now());
    this.#perform();
  }

  onJoin(join: Join): boolean {
    const isGained = this.#machine.join(join);
    this.#perform();
    this.#scheduleStep();
    return isGained;
  }

  onLost(): void {
    this.#machine.lose();
    this.#perform();
  }

  onFailure(error: unknown): void {
    this.#fail(error);
    this.#scheduleStep();
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) {
      return;
    }
    this.#failure = { error };
    this.#parts.log.error("consumer stops", { error: describeError(error) });
    this.#machine.drain();
    this.#parts.queue.stopDelivery();
    this.#abortAtMs = Math.min(this.#abortAtMs, this.#parts.clock.elapsedMs() + this.#limits.failGraceMs);
  }

  /** Takes what there is room for, then does what the machine decides. */
  #step(): void {
    if (this.#isStepping || this.#ended.signal.aborted) {
      return;
    }
    this.#isStepping = true;
    try {
      this.#take();
      this.#perform();
      this.#endIfDone();
    } finally {
      this.#isStepping = false;
    }
  }

  #take(): void {
    const parts = this.#parts;
    while (this.#machine.hasRoom && parts.mayTake?.() !== false) {
      const delivery = parts.queue.pull();
      if (delivery === undefined) {
        return;
      }
      const { message, stream } = delivery;
      this.#machine.arrive(message, stream, parts.bytesOf(message), parts.lanesOf(message));
    }
  }

  #perform(): void {
    for (const effect of this.#machine.takeEffects(this.#now())) {
      if (effect.kind === "start") {
        this.#start(effect.entry, effect.message);
      } else if (effect.kind === "overdue") {
        this.#sayOverdue(effect.entry, effect.stuckMs);
        effect.entry.running?.tellOverdue(effect.stuckMs);
      } else if (effect.kind === "commit") {
        void this.#commit(effect.request);
      } else {
        this.#assignments.lose(effect.assignment, new DOMException(effect.reason, "AbortError"));
      }
    }
  }

  #start(entry: Entry<M>, message: M): void {
    const signals = this.#assignments.of(entry.tracker.assignment);
    const running = new RunningMessage(entry, signals, this.#machine, this.#now);
    entry.running = running;
    void this.#handle(entry, message, running);
  }

  async #handle(entry: Entry<M>, message: M, running: RunningMessage<M>): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#parts.handle(message, running);
    } catch (error) {
      failure = { error };
    }
    running.end();
    entry.running = undefined;
    if (failure === undefined) {
      this.#machine.settle(entry);
    } else if (failure.error instanceof GivenBackError && this.#machine.giveBack(entry)) {
      this.#parts.log.debug("message given back", { ...placeOf(entry), why: failure.error.message });
    } else if (this.#machine.fail(entry) && !running.mayGiveUp) {
      // Giving up when told to is no failure, whatever was thrown.
      this.#fail(failure.error);
    }
    this.#scheduleStep();
  }

  #sayOverdue(entry: Entry<M>, stuckMs: number): void {
    this.#parts.log.warn("message holds up its partition, its deadline is over", {
      ...placeOf(entry),
      stuckMs: Math.round(stuckMs),
      gap: entry.tracker.gap,
    });
  }

  async #commit(request: CommitRequest<M>): Promise<void> {
    try {
      await this.#parts.queue.commit(request.marks);
      this.#machine.commitSucceeded(request);
    } catch (error) {
      this.#parts.log.warn("commit failed, the marks are said again", { error: describeError(error) });
      this.#machine.commitFailed(request, this.#now());
    }
    this.#scheduleStep();
  }

  #scheduleStep(): void {
    if (!this.#isStepDue) {
      this.#isStepDue = true;
      queueMicrotask(() => {
        this.#isStepDue = false;
        this.#step();
      });
    }
  }

  #endIfDone(): void {
    const nowMs = this.#parts.clock.elapsedMs();
    if (nowMs >= this.#abortAtMs) {
      this.#abortAtMs = Infinity;
      this.#abandonAtMs = nowMs + this.#limits.abandonMs;
      this.#assignments.dropAll(new DOMException("the work is to be dropped", "AbortError"));
    }
    if (!this.#machine.isEmptied && nowMs < this.#abandonAtMs) {
      return;
    }
    if (this.#commitUntilMs === Infinity) {
      this.#commitUntilMs = nowMs + this.#limits.lastCommitMs;
    }
    if (this.#machine.isSaid || nowMs >= this.#commitUntilMs) {
      this.#ended.abort();
    }
  }

  #state(): ConsumerState {
    return this.#machine.state(this.#now());
  }

  readonly #now = (): Now => {
    const elapsedMs = this.#parts.clock.elapsedMs();
    const workedMs = elapsedMs - (this.#parts.outageMs?.() ?? 0);
    return { elapsedMs, workedMs, isFresh: this.#parts.queue.isFresh() };
  };
}

function placeOf<M extends QueuedMessage>({ tracker, offset }: Entry<M>): QueuedMessage {
  return { topic: tracker.topic, partition: tracker.partition, offset };
}
