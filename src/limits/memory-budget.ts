import { BUDGET_DEFAULTS, keyText, type BudgetOptions } from "./budget-options.ts";
import type { BudgetKey, WatchedBudget } from "../ports/budget.ts";
import { GrantLog } from "./grant-log.ts";
import { LimitSet, withMargin } from "./limit-set.ts";
import { TurnQueue, type Turn } from "./turn-queue.ts";
import { VersionCounter } from "./version-counter.ts";

interface KeyState {
  readonly key: BudgetKey;
  readonly queue: TurnQueue;
  readonly log: GrantLog;
  readonly limits: LimitSet;
  pausedUntilMicros: number;
}

/** A budget for the one process there is, when embedded. Holds the same promises as the one in Redis. */
export function createMemoryBudget(options: BudgetOptions): WatchedBudget {
  const settings = { ...BUDGET_DEFAULTS, ...options };
  const { clock, log } = settings;
  const states = new Map<string, KeyState>();
  const versions = new VersionCounter();
  // Wall clock at the beginning, monotonic from there: a step of the wall clock must grant nothing twice.
  const beganMicros = clock.nowMs() * 1_000;
  const beganElapsedMs = clock.elapsedMs();
  const nowMicros = (): number => Math.round(beganMicros + (clock.elapsedMs() - beganElapsedMs) * 1_000);

  function stateOf(key: BudgetKey): KeyState {
    const name = keyText(key);
    let state = states.get(name);
    if (state === undefined) {
      const limits = new LimitSet(settings.limitsOf(key).map((limit) => withMargin(limit, settings.margin)));
      const { waitersMax, jitterMsMax } = settings;
      const ask = (): Promise<Turn> => Promise.resolve(takeTurn(stateOf(key)));
      const queue = new TurnQueue({ ask, clock, waitersMax, jitterMsMax, name });
      state = { key, queue, log: new GrantLog(), limits, pausedUntilMicros: 0 };
      states.set(name, state);
    }
    return state;
  }

  function takeTurn(state: KeyState): Turn {
    const limits = state.limits.current(clock.nowMs());
    const now = Math.max(nowMicros(), state.log.newestMicros + 1);
    state.log.prune(now, limits);
    const waitMicros = Math.max(state.log.waitMicros(now, limits), state.pausedUntilMicros - now);
    if (waitMicros > 0) {
      return { isGranted: false, waitMs: waitMicros / 1_000 };
    }
    const grantedAtMicros = versions.next(now);
    state.log.add({ atMicros: now, weight: 1, member: "" });
    return { isGranted: true, grantedAtMicros, callsLeft: state.log.callsLeft(now, limits) };
  }

  return {
    acquire: (key, signal, onWait) => stateOf(key).queue.acquire(signal, onWait),

    lower: async (key, limit, signal) => {
      signal.throwIfAborted();
      const state = stateOf(key);
      if (state.limits.learn(withMargin(limit, settings.margin), clock.nowMs(), settings.loweredMs)) {
        log.warn("provider named a lower limit", { ...key, ...limit });
        state.queue.wake();
      }
    },

    pause: async (key, ms, signal) => {
      signal.throwIfAborted();
      const state = stateOf(key);
      state.pausedUntilMicros = Math.max(state.pausedUntilMicros, nowMicros() + ms * 1_000);
    },

    states: () =>
      [...states.values()].map(({ key, queue, log: granted, limits, pausedUntilMicros }) => {
        const now = nowMicros();
        const callsLeft = pausedUntilMicros > now ? 0 : granted.callsLeft(now, limits.current(clock.nowMs()));
        return { key, waiting: queue.depth, callsLeft };
      }),

    [Symbol.asyncDispose]: async () => {
      for (const { queue } of states.values()) {
        queue.close();
      }
    },
  };
}
