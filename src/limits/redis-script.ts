import { createHash } from "node:crypto";

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { translate } from "./errors.ts";
import type { WindowLimit } from "./grant-log.ts";
import type { RedisClient } from "./redis-client.ts";
import { HELLO, LOWER, PAUSE, TAKE } from "./redis-lua.ts";
import type { Sight } from "./sight.ts";

/** The keys of one budget. Nothing in their names tells the token. */
export interface BudgetKeys {
  /** Sorted set: member `{micros}:{worker}`, score the instant of the grant in microseconds of Redis TIME. */
  readonly log: string;
  /** Hash: window in microseconds → calls, for limits the provider named. */
  readonly limits: string;
  /** String: the microsecond until which no call is granted. */
  readonly pause: string;
  /** String: changes with every merge, so that who has read the log knows when older grants were added. */
  readonly generation: string;
  /** Hash: worker → what it was promised when it last looked at the log, as `{micros}:{newest seen}:{unseen}:{fresh micros}`. */
  readonly sights: string;
  /** Sorted set over all budgets: worker → the microsecond it was last heard of. */
  readonly workers: string;
  /** String over all budgets: made when there is none. Another one than before means that Redis lost its memory. */
  readonly epoch: string;
}

const DOING = "asking redis for a call";
const EPOCH_KEY = "ginkgo:budget:epoch";
const WORKERS_KEY = "ginkgo:budget:workers";

/** `identity` is the token or address the provider counts by; only a hash of it is written. */
export function budgetKeys(provider: string, identity: string, api: string): BudgetKeys {
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  const log = `ginkgo:budget:${provider}:${hash}:${api}`;
  return {
    log,
    limits: `${log}:limits`,
    pause: `${log}:pause`,
    generation: `${log}:generation`,
    sights: `${log}:sights`,
    workers: WORKERS_KEY,
    epoch: EPOCH_KEY,
  };
}

export interface HelloAnswer {
  readonly nowMicros: number;
  readonly workersAlive: number;
  readonly epoch: string;
}

export interface TakeQuestion {
  readonly mode: "ask" | "tell";
  readonly worker: string;
  readonly lifetimeMs: number;
  readonly sinceMicros: number;
  readonly newestMember: string;
  readonly generation: string;
  /** Empty to take whatever epoch there is. */
  readonly epoch: string;
  readonly isAlive: boolean;
  readonly sight: Sight;
  readonly limits: readonly WindowLimit[];
  readonly merge: readonly string[];
}

export interface TakeAnswer {
  readonly status: "granted" | "wait" | "lost" | "told";
  readonly nowMicros: number;
  /** The instant of the grant, or the microseconds to wait. */
  readonly micros: number;
  readonly callsLeft: number;
  readonly workersAlive: number;
  readonly workersSince: number;
  readonly generation: string;
  readonly epoch: string;
  readonly isWhole: boolean;
  readonly pausedUntilMicros: number;
  readonly lowered: readonly WindowLimit[];
  readonly news: readonly string[];
}

/** Runs the scripts. Throws TransientError when Redis is away or does not answer in `commandMsMax`. */
export class BudgetScripts {
  readonly #client: RedisClient;
  readonly #clock: Clock;
  readonly #commandMsMax: number;

  constructor(client: RedisClient, clock: Clock, commandMsMax: number) {
    this.#client = client;
    this.#clock = clock;
    this.#commandMsMax = commandMsMax;
  }

  async take(keys: BudgetKeys, question: TakeQuestion): Promise<TakeAnswer> {
    const { mode, worker, lifetimeMs, sinceMicros, newestMember, generation, epoch, isAlive } = question;
    const { sight, limits, merge } = question;
    const reply = await this.#run(
      TAKE,
      [keys.log, keys.limits, keys.pause, keys.generation, keys.workers, keys.epoch, keys.sights],
      [
        mode,
        worker,
        toText(lifetimeMs * 1_000),
        toText(sinceMicros),
        newestMember,
        generation,
        epoch,
        isAlive ? "1" : "0",
        `${sight.unseenMax}`,
        toText(sight.freshMicros),
      ],
      [`${limits.length}`, ...limits.flatMap(({ calls, windowMicros }) => [`${calls}`, toText(windowMicros)])],
      merge,
    );
    return readTakeAnswer(reply);
  }

  /** Says that this worker is alive. */
  async hello(worker: string, lifetimeMs: number, epoch: string): Promise<HelloAnswer> {
    const reply = await this.#run(HELLO, [WORKERS_KEY, EPOCH_KEY], [worker, toText(lifetimeMs * 1_000), epoch]);
    const [now, alive, own]: readonly unknown[] = Array.isArray(reply) ? reply : [];
    return { nowMicros: Number(now), workersAlive: Number(alive), epoch: String(own) };
  }

  /** Takes this worker out of the registry, so that the share of the others grows at once. */
  async goodbye(worker: string): Promise<void> {
    await this.#within(this.#client.zRem(WORKERS_KEY, worker));
  }

  async lower(keys: BudgetKeys, limit: WindowLimit, loweredMs: number): Promise<void> {
    await this.#run(LOWER, [keys.limits], [toText(limit.windowMicros), `${limit.calls}`, toText(loweredMs)]);
  }

  async pause(keys: BudgetKeys, ms: number): Promise<void> {
    await this.#run(PAUSE, [keys.pause], [toText(Math.max(1, Math.ceil(ms)))]);
  }

  async #run(script: string, keys: readonly string[], ...args: readonly (readonly string[])[]): Promise<unknown> {
    const rest = [`${keys.length}`, ...keys, ...args.flat()];
    return this.#within(this.#sendScript(script, rest));
  }

  /** A late answer at most wastes a grant. */
  async #within(command: Promise<unknown>): Promise<unknown> {
    try {
      return await withDeadline(command, this.#commandMsMax, DOING, this.#clock);
    } catch (error) {
      throw translate(error, DOING);
    }
  }

  async #sendScript(script: string, rest: readonly string[]): Promise<unknown> {
    try {
      return await this.#client.sendCommand<unknown>(["EVALSHA", sha1Of(script), ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) {
        throw error;
      }
      return this.#client.sendCommand<unknown>(["EVAL", script, ...rest]);
    }
  }
}

const SHA1 = new Map(
  [TAKE, HELLO, LOWER, PAUSE].map((script) => [script, createHash("sha1").update(script).digest("hex")]),
);

function sha1Of(script: string): string {
  return SHA1.get(script) ?? "";
}

function toText(value: number): string {
  return Math.trunc(value).toFixed(0);
}

function readTakeAnswer(reply: unknown): TakeAnswer {
  if (!Array.isArray(reply) || reply.length !== 12) {
    throw new TypeError(`asking redis for a call: the script answered ${JSON.stringify(reply)}`);
  }
  const list: readonly unknown[] = reply;
  const status = String(list[0]);
  if (status !== "granted" && status !== "wait" && status !== "lost" && status !== "told") {
    throw new TypeError(`asking redis for a call: the script answered ${status}`);
  }
  const lowered = toTexts(list[10]);
  return {
    status,
    nowMicros: Number(list[1]),
    micros: Number(list[2]),
    callsLeft: Number(list[3]),
    workersAlive: Number(list[4]),
    workersSince: Number(list[5]),
    generation: String(list[6]),
    epoch: String(list[7]),
    isWhole: list[8] === "1",
    pausedUntilMicros: Number(list[9]),
    lowered: lowered.flatMap((window, index) =>
      index % 2 === 0 ? [{ windowMicros: Number(window), calls: Number(lowered[index + 1]) }] : [],
    ),
    news: toTexts(list[11]),
  };
}

function toTexts(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map(String) : [];
}
