import { describeError, TransientError } from "../base/errors.ts";
import type { BudgetKey, BudgetState, CallLimit, Grant, WatchedBudget } from "../ports/budget.ts";
import { keyText } from "./budget-options.ts";
import { FleetLink } from "./fleet-link.ts";
import type { WindowLimit } from "./grant-log.ts";
import { createKeyState, type KeyState, type SharedBudgetSettings } from "./key-state.ts";
import { withMargin } from "./limit-set.ts";
import { BudgetScripts, type HelloAnswer, type TakeAnswer } from "./redis-script.ts";
import { sightOf } from "./sight.ts";
import type { Turn } from "./turn-queue.ts";
import { VersionCounter } from "./version-counter.ts";

/** A worker that missed so many hellos is no longer counted. */
const HELLOS_MISSED_MAX = 6;

type Answer = Pick<TakeAnswer, "status" | "micros" | "callsLeft">;

/** The budget that `openRedisBudget` opens; its states are described there. */
export class SharedBudget implements WatchedBudget {
  readonly #settings: SharedBudgetSettings;
  readonly #scripts: BudgetScripts;
  readonly #link: FleetLink;
  readonly #states = new Map<string, KeyState>();
  readonly #versions = new VersionCounter();
  readonly #closing = new AbortController();
  /** True from the last look at what was granted alone until Redis has heard of us: nothing is granted then. */
  #isJoining = false;
  #upkeep: Promise<void> = Promise.resolve();

  constructor(settings: SharedBudgetSettings) {
    const { client, clock, commandMsMax, helloMs } = settings;
    this.#settings = settings;
    this.#scripts = new BudgetScripts(client, clock, commandMsMax);
    this.#link = new FleetLink(client, clock, helloMs * HELLOS_MISSED_MAX);
  }

  /** Never fails for want of Redis: then the worker begins alone. Throws PermanentError on refused credentials. */
  async start(): Promise<void> {
    try {
      await this.#join();
    } catch (error) {
      if (!(error instanceof TransientError)) {
        throw error;
      }
      this.#settings.log.warn("budget begins without redis", { error: describeError(error) });
    }
    this.#upkeep = this.#keepUp();
  }

  acquire(key: BudgetKey, signal: AbortSignal, onWait?: (waitMs: number) => void): Promise<Grant> {
    return this.#stateOf(key).queue.acquire(signal, onWait);
  }

  async lower(key: BudgetKey, limit: CallLimit, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { margin, clock, loweredMs, log } = this.#settings;
    const state = this.#stateOf(key);
    const lowered = withMargin(limit, margin);
    if (state.limits.learn(lowered, clock.nowMs(), loweredMs)) {
      log.warn("provider named a lower limit", { ...key, ...limit });
      state.queue.wake();
    }
    await this.#attempt(() => this.#scripts.lower(state.keys, lowered, loweredMs));
  }

  async pause(key: BudgetKey, ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const state = this.#stateOf(key);
    state.pausedUntilMicros = Math.max(state.pausedUntilMicros, this.#link.nowMicros() + ms * 1_000);
    await this.#attempt(() => this.#scripts.pause(state.keys, ms));
  }

  states(): readonly BudgetState[] {
    return [...this.#states.values()].map((state) => ({
      key: state.key,
      waiting: state.queue.depth,
      callsLeft:
        this.#pausedMicros(state) > 0 ? 0 : state.view.callsLeft(this.#link.nowMicros(), this.#limitsOf(state)),
    }));
  }

  isShared(): boolean {
    return this.#link.isJoined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const { queue } of this.#states.values()) {
      queue.close();
    }
    await this.#upkeep;
    await this.#attempt(() => this.#scripts.goodbye(this.#settings.workerId));
  }

  #stateOf(key: BudgetKey): KeyState {
    const name = keyText(key);
    const known = this.#states.get(name);
    if (known !== undefined) {
      return known;
    }
    const state = createKeyState(key, this.#settings, (asking) => this.#takeTurn(asking));
    if (!this.#link.isJoined || this.#link.wasAway) {
      // What the others did meanwhile may not be in Redis yet.
      state.view.startAlone(this.#limitsOf(state), this.#link.outage);
    }
    this.#states.set(name, state);
    return state;
  }

  async #takeTurn(state: KeyState): Promise<Turn> {
    this.#leaveIfSevered();
    if (this.#pausedMicros(state) > 0 || !this.#link.isJoined) {
      return this.#takeAlone(state);
    }
    try {
      return this.#turnOf(await (state.view.isAlone ? this.#askRejoining(state) : this.#ask(state)));
    } catch (error) {
      this.#leaveOrThrow(error);
      return this.#takeAlone(state);
    }
  }

  #turnOf(answer: Answer): Turn {
    return answer.status === "granted"
      ? { isGranted: true, grantedAtMicros: this.#versions.next(answer.micros), callsLeft: answer.callsLeft }
      : { isGranted: false, waitMs: answer.micros / 1_000 };
  }

  #ask(state: KeyState): Promise<TakeAnswer> {
    return this.#take(state, "ask", [], this.#link.epoch);
  }

  /** Until all are back a call must be free in our share and in Redis, where those share already that know all are back. */
  async #askRejoining(state: KeyState): Promise<Answer> {
    const told = await this.#tell(state);
    const reachMicros = Math.max(...this.#limitsOf(state).map(({ windowMicros }) => windowMicros));
    if (this.#link.isFleetComplete(told.workersSince, reachMicros)) {
      state.view.endAlone();
      return this.#ask(state);
    }
    const micros = state.view.waitAlone(this.#link.nowMicros(), this.#limitsOf(state));
    if (micros > 0) {
      return { status: "wait", micros, callsLeft: 0 };
    }
    const answer = await this.#ask(state);
    if (answer.status === "granted") {
      state.view.countForOthers(answer.micros);
    }
    return answer;
  }

  #takeAlone(state: KeyState): Turn {
    if (this.#isJoining) {
      return { isGranted: false, waitMs: this.#settings.probeMs };
    }
    const pausedMicros = this.#pausedMicros(state);
    if (pausedMicros > 0) {
      return { isGranted: false, waitMs: pausedMicros / 1_000 };
    }
    const taken = state.view.takeAlone(this.#link.nowMicros(), this.#limitsOf(state), this.#settings.workerId);
    if ("waitMicros" in taken) {
      return { isGranted: false, waitMs: taken.waitMicros / 1_000 };
    }
    const grantedAtMicros = this.#versions.next(taken.grant.atMicros);
    return { isGranted: true, grantedAtMicros, callsLeft: taken.callsLeft };
  }

  #tell(state: KeyState): Promise<TakeAnswer> {
    return this.#take(state, "tell", state.view.untold(), this.#link.epoch);
  }

  /** Throws TransientError when Redis has lost its memory. An empty epoch takes it as it is and is not heard of. */
  async #take(state: KeyState, mode: "ask" | "tell", merge: readonly string[], epoch: string): Promise<TakeAnswer> {
    const { workerId, helloMs, clock } = this.#settings;
    const sight = sightOf(this.#limitsOf(state), this.#link.workers);
    const question = state.view.ask(sight);
    const askedMs = clock.elapsedMs();
    const answer = await this.#scripts.take(state.keys, {
      mode,
      worker: workerId,
      lifetimeMs: helloMs * HELLOS_MISSED_MAX,
      sinceMicros: this.#link.outage.sinceMicros,
      newestMember: state.view.newestMember,
      generation: state.view.generation,
      epoch,
      isAlive: epoch !== "",
      sight,
      limits: this.#limitsOf(state),
      merge,
    });
    this.#link.hearTime(answer.nowMicros, askedMs);
    if (answer.status === "lost") {
      throw new TransientError("asking redis for a call: it has lost its memory");
    }
    if (epoch !== "") {
      this.#link.hearWorkers(answer.workersAlive);
    }
    state.limits.borrow(answer.lowered);
    state.pausedUntilMicros = Math.max(state.pausedUntilMicros, answer.pausedUntilMicros);
    state.view.wereTold(merge);
    // One that only merges is not counted before its hello.
    state.view.learn({ ...answer, question, workersAlive: answer.workersAlive + (epoch === "" ? 1 : 0) });
    state.view.prune(answer.nowMicros, this.#limitsOf(state));
    return answer;
  }

  #limitsOf(state: KeyState): readonly WindowLimit[] {
    return state.limits.current(this.#settings.clock.nowMs());
  }

  #pausedMicros(state: KeyState): number {
    return state.pausedUntilMicros - this.#link.nowMicros();
  }

  #leave(why: string): void {
    if (!this.#link.isJoined) {
      return;
    }
    const outage = this.#link.leave();
    for (const state of this.#states.values()) {
      state.view.startAlone(this.#limitsOf(state), outage);
    }
    const { workers, areKnown } = outage;
    this.#settings.log.warn("budget goes on without redis", { why, share: `1/${workers}`, workersKnown: areKnown });
  }

  #leaveIfSevered(): void {
    if (this.#link.isJoined && this.#link.isSevered) {
      this.#leave("the connection ended");
    }
  }

  #leaveOrThrow(error: unknown): void {
    if (!(error instanceof TransientError)) {
      throw error;
    }
    this.#leave(describeError(error));
  }

  /** Tells Redis where it can be told; what it misses is told again after the next join. */
  async #attempt(act: () => Promise<unknown>): Promise<void> {
    if (!this.#link.isJoined) {
      return;
    }
    try {
      await act();
    } catch (error) {
      this.#leaveOrThrow(error);
    }
  }

  /** Merges all that is known into Redis, then counts as heard of. Only then does a question go there again. */
  async #join(): Promise<void> {
    const { client, log } = this.#settings;
    const { socketEpoch } = client;
    let epoch = "";
    for (const state of this.#states.values()) {
      epoch = await this.#tellAll(state, epoch);
    }
    // Who hears of us takes what Redis knows for all that we did, so no grant may come between the last word and the hello.
    this.#isJoining = true;
    try {
      for (const state of this.#states.values()) {
        if (state.view.untold().length > 0) {
          epoch = await this.#tellAll(state, epoch);
        }
      }
      const hello = await this.#hello(epoch);
      this.#link.join(hello, socketEpoch);
      log.info("budget is shared through redis", { workers: hello.workersAlive });
    } finally {
      this.#isJoining = false;
      for (const { queue } of this.#states.values()) {
        queue.wake();
      }
    }
  }

  /** Answers with the epoch it was told in; throws TransientError when that is not `epoch`, unless this is empty. */
  async #tellAll(state: KeyState, epoch: string): Promise<string> {
    const { clock, loweredMs } = this.#settings;
    const members = state.view.members(this.#link.nowMicros(), this.#limitsOf(state));
    const answer = await this.#take(state, "tell", members, "");
    if (epoch !== "" && answer.epoch !== epoch) {
      throw new TransientError("telling redis of past grants: it has lost its memory again");
    }
    for (const lowered of state.limits.learned(clock.nowMs())) {
      await this.#scripts.lower(state.keys, lowered, Math.min(loweredMs, lowered.expiresAtMs - clock.nowMs()));
    }
    const pausedMicros = this.#pausedMicros(state);
    if (pausedMicros > 0) {
      await this.#scripts.pause(state.keys, pausedMicros / 1_000);
    }
    return answer.epoch;
  }

  async #hello(epoch: string): Promise<HelloAnswer> {
    const { workerId, helloMs, clock } = this.#settings;
    const askedMs = clock.elapsedMs();
    const hello = await this.#scripts.hello(workerId, helloMs * HELLOS_MISSED_MAX, epoch);
    this.#link.hearTime(hello.nowMicros, askedMs);
    if (epoch !== "" && hello.epoch !== epoch) {
      throw new TransientError("saying hello to redis: it has lost its memory");
    }
    return hello;
  }

  /** Says hello while joined, looks for Redis while not. Ends when the budget is closed. */
  async #keepUp(): Promise<void> {
    const { clock, helloMs, probeMs, log, client } = this.#settings;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await clock.sleep(this.#link.isJoined ? helloMs : probeMs, signal);
        this.#leaveIfSevered();
        if (this.#link.isJoined) {
          await this.#stayHeard();
        } else if (client.isReady) {
          await this.#join();
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!(error instanceof TransientError)) {
          log.error("budget cannot use redis", { error: describeError(error) });
        }
        this.#leave(describeError(error));
      }
    }
  }

  /** Looks at each log first: the older our view of it, the more an outage makes us take for used. */
  async #stayHeard(): Promise<void> {
    for (const state of this.#states.values()) {
      await this.#tell(state);
    }
    const hello = await this.#hello(this.#link.epoch);
    this.#link.hearWorkers(hello.workersAlive);
  }
}
