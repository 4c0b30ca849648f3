import { describeError, TransientError } from "../base/errors.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { BudgetKey, BudgetState, CallLimit, Grant, WatchedBudget } from "../ports/budget.ts";
import { keyText, type BudgetSettings } from "./budget-options.ts";
import { FleetLink } from "./fleet-link.ts";
import { FleetView } from "./fleet-view.ts";
import type { WindowLimit } from "./grant-log.ts";
import { LimitSet, withMargin } from "./limit-set.ts";
import type { RedisClient } from "./redis-client.ts";
import { BudgetScripts, budgetKeys, type BudgetKeys, type HelloAnswer, type TakeAnswer } from "./redis-script.ts";
import { TurnQueue, type Turn } from "./turn-queue.ts";
import { VersionCounter } from "./version-counter.ts";

/** Every option of `RedisBudgetOptions`, decided. */
export interface SharedBudgetSettings extends BudgetSettings {
  readonly client: RedisClient;
  readonly identityOf: (provider: ProviderName) => string;
  readonly workerId: string;
  readonly helloMs: number;
  readonly probeMs: number;
  readonly commandMsMax: number;
}

/** A worker that missed so many hellos is no longer counted. */
const HELLOS_MISSED_MAX = 6;

interface KeyState {
  readonly key: BudgetKey;
  readonly keys: BudgetKeys;
  readonly queue: TurnQueue;
  readonly limits: LimitSet;
  readonly view: FleetView;
  pausedUntilMicros: number;
}

/** The budget that `openRedisBudget` opens; its states are described there. */
export class SharedBudget implements WatchedBudget {
  readonly #settings: SharedBudgetSettings;
  readonly #scripts: BudgetScripts;
  readonly #link: FleetLink;
  readonly #states = new Map<string, KeyState>();
  readonly #versions = new VersionCounter();
  readonly #closing = new AbortController();
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
    const { limitsOf, margin, clock, waitersMax, jitterMsMax, identityOf } = this.#settings;
    const limits = new LimitSet(limitsOf(key).map((limit) => withMargin(limit, margin)));
    const ask = (): Promise<Turn> => this.#takeTurn(state);
    const state: KeyState = {
      key,
      keys: budgetKeys(key.provider, identityOf(key.provider), key.api),
      queue: new TurnQueue({ ask, clock, waitersMax, jitterMsMax, name }),
      limits,
      view: new FleetView(),
      pausedUntilMicros: 0,
    };
    if (!this.#link.isJoined) {
      state.view.startAlone(this.#link.nowMicros(), this.#limitsOf(state), this.#link.outage);
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
      return await (state.view.isAlone ? this.#takeRejoining(state) : this.#takeShared(state));
    } catch (error) {
      this.#leaveOrThrow(error);
      return this.#takeAlone(state);
    }
  }

  async #takeShared(state: KeyState): Promise<Turn> {
    const answer = await this.#take(state, "ask", [], this.#link.epoch);
    if (answer.status !== "granted") {
      return { isGranted: false, waitMs: answer.micros / 1_000 };
    }
    return { isGranted: true, grantedAtMicros: this.#versions.next(answer.micros), callsLeft: answer.callsLeft };
  }

  async #takeRejoining(state: KeyState): Promise<Turn> {
    const answer = await this.#tell(state);
    const reachMicros = Math.max(...this.#limitsOf(state).map(({ windowMicros }) => windowMicros));
    if (this.#link.isFleetComplete(answer.workersSince, reachMicros)) {
      state.view.endAlone();
      return this.#takeShared(state);
    }
    const turn = this.#takeAlone(state);
    if (turn.isGranted) {
      // The grant stands whether Redis hears of it now or with the next question.
      await this.#attempt(() => this.#tell(state));
    }
    return turn;
  }

  #takeAlone(state: KeyState): Turn {
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
    const { workerId, helloMs } = this.#settings;
    const answer = await this.#scripts.take(state.keys, {
      mode,
      worker: workerId,
      lifetimeMs: helloMs * HELLOS_MISSED_MAX,
      sinceMicros: this.#link.outage.sinceMicros,
      newestMember: state.view.newestMember,
      generation: state.view.generation,
      epoch,
      isAlive: epoch !== "",
      limits: this.#limitsOf(state),
      merge,
    });
    this.#link.hearTime(answer.nowMicros);
    if (answer.status === "lost") {
      throw new TransientError("asking redis for a call: it has lost its memory");
    }
    if (epoch !== "") {
      this.#link.hearWorkers(answer.workersAlive);
    }
    state.limits.borrow(answer.lowered);
    state.pausedUntilMicros = Math.max(state.pausedUntilMicros, answer.pausedUntilMicros);
    state.view.wereTold(merge);
    state.view.learn(answer);
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
      state.view.startAlone(outage.sinceMicros, this.#limitsOf(state), outage);
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
    const hello = await this.#hello(epoch);
    this.#link.join(hello, socketEpoch);
    log.info("budget is shared through redis", { workers: hello.workersAlive });
    for (const { queue } of this.#states.values()) {
      queue.wake();
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
    const { workerId, helloMs } = this.#settings;
    const hello = await this.#scripts.hello(workerId, helloMs * HELLOS_MISSED_MAX, epoch);
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

  async #stayHeard(): Promise<void> {
    for (const state of this.#states.values()) {
      if (state.view.untold().length > 0) {
        await this.#tell(state);
      }
    }
    const hello = await this.#hello(this.#link.epoch);
    this.#link.hearTime(hello.nowMicros);
    this.#link.hearWorkers(hello.workersAlive);
  }
}
