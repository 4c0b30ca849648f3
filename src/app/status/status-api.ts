import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { GroupStatus } from "../../ports/queue.ts";
import type { BreakerSeen } from "../../worker/provider-gate.ts";
import type { StoreNumbers } from "../../store/clickhouse/read-numbers.ts";
import type { Held } from "./held.ts";

export interface StatusApi {
  /** The truth about now. What cannot be reached is said in its part, and the others go on. */
  status(config: Config, log: Log, signal: AbortSignal): Promise<StatusReport>;
}

/** What was found, or why it was not. */
export type Part<T> = { readonly isKnown: true; readonly value: T } | { readonly isKnown: false; readonly why: string };

export interface StatusReport {
  readonly version: string;
  /** When it was asked, ISO 8601 in UTC. */
  readonly at: string;
  readonly mode: Config["mode"];
  readonly nodeId: string;
  /** Addresses, without credentials. */
  readonly connections: Readonly<Record<"queue" | "store" | "budget" | "reference", string>>;
  readonly providers: readonly string[];
  readonly queue: Part<QueueNumbers>;
  readonly deadLetters: Part<LetterNumbers>;
  readonly store: Part<StoreNumbers>;
  readonly calls: Part<readonly ApiCalls[]>;
  readonly workers: Part<readonly WorkerSeen[]>;
}

export interface QueueNumbers {
  readonly groupId: string;
  readonly group: GroupStatus | undefined;
  readonly topics: readonly TopicNumbers[];
}

export interface TopicNumbers {
  readonly topic: string;
  readonly partitions: number;
  /** Messages that are not settled. */
  readonly lag: number;
  /** The partitions with the greatest lag, none without. */
  readonly worst: readonly { readonly partition: number; readonly lag: number }[];
}

export interface LetterNumbers {
  readonly topic: string;
  readonly open: number;
  readonly handled: number;
  /** Open ones. */
  readonly byReason: Readonly<Record<string, number>>;
}

/** Provider calls granted within the last 60 s, of all workers that share the budget. */
export interface ApiCalls {
  readonly provider: string;
  /** Empty where only the provider is known. */
  readonly api: string;
  readonly calls: number;
}

/** A worker by its heartbeat, or in embedded mode by the folder it holds. */
export interface WorkerSeen {
  readonly nodeId: string;
  readonly host: string;
  readonly pid: number | undefined;
  readonly status: string;
  /** Since its last beat. */
  readonly ageSeconds: number | undefined;
  readonly processed: number | undefined;
  readonly failed: number | undefined;
  readonly uptimeSeconds: number | undefined;
  readonly lastError: string;
  /** Providers that are out for this worker; undefined where it does not say. */
  readonly outages: readonly BreakerSeen[] | undefined;
  /** Undefined where it does not say. */
  readonly held: Held | undefined;
}
