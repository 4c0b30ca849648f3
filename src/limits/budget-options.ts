import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { BudgetKey, CallLimit } from "../ports/budget.ts";
import { MARGIN } from "./limit-set.ts";

/** What budgets in Redis and in memory have in common. */
export interface BudgetOptions {
  /** The limits that the settings know for a key, at least one; all of them hold. */
  readonly limitsOf: (key: BudgetKey) => readonly CallLimit[];
  readonly clock: Clock;
  readonly log: Log;
  /** The part of every limit that stays unused. Default 0.05. */
  readonly margin?: number;
  /** Callers that may wait for one key; more are refused. Default 10,000. */
  readonly waitersMax?: number;
  /** Added to waits at most. Default 5 ms. */
  readonly jitterMsMax?: number;
  /** How long a limit the provider named holds. Default 24 h; the provider names it again when it still does. */
  readonly loweredMs?: number;
}

export interface BudgetSettings extends Required<BudgetOptions> {}

export const BUDGET_DEFAULTS = {
  margin: MARGIN,
  waitersMax: 10_000,
  jitterMsMax: 5,
  loweredMs: 24 * 60 * 60_000,
} as const;

export function keyText(key: BudgetKey): string {
  return `${key.provider} ${key.api}`;
}
