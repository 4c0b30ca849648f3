import type { ProviderName } from "../domain/provider.ts";
import type { BudgetKey } from "../ports/budget.ts";
import { keyText, type BudgetSettings } from "./budget-options.ts";
import { FleetView } from "./fleet-view.ts";
import { LimitSet, withMargin } from "./limit-set.ts";
import type { RedisClient } from "./redis-client.ts";
import { budgetKeys, type BudgetKeys } from "./redis-script.ts";
import { TurnQueue, type Turn } from "./turn-queue.ts";

/** Every option of `RedisBudgetOptions`, decided. */
export interface SharedBudgetSettings extends BudgetSettings {
  readonly client: RedisClient;
  readonly identityOf: (provider: ProviderName) => string;
  readonly workerId: string;
  readonly helloMs: number;
  readonly probeMs: number;
  readonly commandMsMax: number;
}

/** What a worker of a shared budget holds for one key. */
export interface KeyState {
  readonly key: BudgetKey;
  readonly keys: BudgetKeys;
  readonly queue: TurnQueue;
  readonly limits: LimitSet;
  readonly view: FleetView;
  pausedUntilMicros: number;
}

export function createKeyState(
  key: BudgetKey,
  settings: SharedBudgetSettings,
  ask: (state: KeyState) => Promise<Turn>,
): KeyState {
  const { limitsOf, margin, clock, waitersMax, jitterMsMax, identityOf } = settings;
  const state: KeyState = {
    key,
    keys: budgetKeys(key.provider, identityOf(key.provider), key.api),
    queue: new TurnQueue({ ask: () => ask(state), clock, waitersMax, jitterMsMax, name: keyText(key) }),
    limits: new LimitSet(limitsOf(key).map((limit) => withMargin(limit, margin))),
    view: new FleetView(),
    pausedUntilMicros: 0,
  };
  return state;
}
