import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";

export interface DoctorApi {
  /** Looks at everything a worker needs, changes nothing, and yields each check in a fixed order as soon as it is known. */
  doctor(config: Config, options: DoctorOptions, log: Log, signal: AbortSignal): AsyncIterable<Check>;
}

export interface DoctorOptions {
  /** Make one cheap provider call, which counts against its limit. */
  readonly callProvider: boolean;
}

export type Verdict = "ok" | "warn" | "fail" | "skipped";

export interface Check extends Finding {
  readonly name: string;
  /** True when it was skipped because another check failed or was skipped. */
  readonly isDependent: boolean;
}

export interface Finding {
  readonly verdict: Verdict;
  readonly seen: string;
  /** Empty where nothing is to be done. */
  readonly todo: string;
  /** What was thrown, of a check that failed that way; it tells the kind of the failure. */
  readonly error?: unknown;
}
