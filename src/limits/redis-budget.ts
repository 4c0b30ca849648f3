import { randomBytes } from "node:crypto";

import { ANSWER_MS_MAX } from "./answer-ms.ts";
import type { WatchedBudget } from "../ports/budget.ts";
import { BUDGET_DEFAULTS, type BudgetOptions } from "./budget-options.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { RedisClient } from "./redis-client.ts";
import { SharedBudget } from "./shared-budget.ts";

export interface RedisBudgetOptions extends BudgetOptions {
  /** The caller's, and closed by the caller, after the budget. It refuses commands while Redis is away. */
  readonly client: RedisClient;
  /** What the provider counts calls by: the token, or the address for one without. Only its hash leaves the process. */
  readonly identityOf: (provider: ProviderName) => string;
  /** Default random. */
  readonly workerId?: string;
  /** How often this worker says that it is alive; it is forgotten after six times as long. Default 10 s. */
  readonly helloMs?: number;
  /** How often Redis is looked for while it is away. Default 1 s. */
  readonly probeMs?: number;
  /** An answer later than this counts as none. Default 2 s. */
  readonly commandMsMax?: number;
}

export interface RedisBudget extends WatchedBudget {
  /** False while Redis is away and this worker takes its share alone. */
  isShared(): boolean;
}

const DEFAULTS = { ...BUDGET_DEFAULTS, helloMs: 10_000, probeMs: 1_000, commandMsMax: ANSWER_MS_MAX } as const;

/**
 * A budget shared by all workers through Redis: a sliding log of grants in one sorted set, looked at and added to by one
 * script, so that no window of a limit's length holds more grants than the limit, whoever asks.
 *
 * A worker is in one of three states.
 * - *shared*: every grant is Redis' own. Each answer brings what the others were granted since, so the worker mirrors
 *   the log. For a second after it, or a twentieth of the shortest window, Redis grants the others no more than a few
 *   calls that the worker has not seen (5 % of the smallest limit, at least three for each worker).
 * - *alone*: Redis is away. The worker goes on from its mirror, and each of its grants counts as many times as there were
 *   workers, since they all do the same. What the others may have been granted unseen counts as used: those few calls
 *   where the last answer is fresh, else all that was free, so that a worker which had not asked lately may wait for a
 *   window. A limit of fewer calls than there were workers grants nothing then. When the number was never heard a grant
 *   counts four times, and a limit of fewer than four calls gets a longer window.
 * - *rejoining*: Redis is back, perhaps empty, perhaps with an old copy. The worker first merges all it knows into the
 *   log, then says that it is alive, and is granted nothing between the two. Until as many workers as there were before
 *   have been heard of again or a whole window has passed, a call must be free both in its share and in Redis: only then
 *   is the log in Redis that of the fleet.
 *
 * So no window holds more than the limit, also across the moments at which Redis goes and comes back, while the number
 * of workers is known and stays.
 *
 * Redis losing its memory is seen in four ways: the connection ended, a command failed, the epoch (a mark that living
 * workers keep in Redis) is another, or a grant the worker knows of is missing from the log though its window is open.
 * The registry of workers is a sorted set of the instants each was last heard of; every question renews it, and a hello
 * each `helloMs`. Redis 5 or newer, not as a cluster: the script's keys have no slot in common.
 *
 * What this does not hold: a worker cut off from Redis alone keeps taking its share while the others share the whole;
 * and a worker that starts with no memory at the moment Redis comes back with none can count no earlier grants.
 */
export async function openRedisBudget(options: RedisBudgetOptions): Promise<RedisBudget> {
  const budget = new SharedBudget({ workerId: randomBytes(4).toString("hex"), ...DEFAULTS, ...options });
  await budget.start();
  return budget;
}
