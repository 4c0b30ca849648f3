import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

import type { WorkerAddresses } from "./app/demo-api.ts";
import { startWorker } from "./app/start-worker.ts";
import { systemClock } from "./base/clock.ts";
import { withDeadline } from "./base/deadline.ts";
import { type Log, silentLog } from "./base/log.ts";
import { readTextFile } from "./base/read-text-file.ts";
import { createRedactor } from "./base/redact.ts";
import { withoutSecrets } from "./base/redacting-log.ts";
import { type Config, loadConfig, type LoadedConfig, type WorkerSettings } from "./config.ts";
import { type HealthChecks, type HealthReport, reportHealth } from "./health/health-report.ts";
import { Lifecycle, type StateChange, type WorkerState } from "./health/lifecycle.ts";

export { DataError, PermanentError, TransientError } from "./base/errors.ts";
export { SettingsError } from "./config/settings-error.ts";
export type { HealthReport, Log, StateChange, WorkerSettings, WorkerState };

export interface WorkerOptions {
  /** Gets what the worker has to say, without secrets. Says nothing by default. */
  readonly log?: Log;
  /**
   * Variables that count before `settings`, by the names that `gdw start` knows, such as `process.env`. None by default:
   * a library does not read what its program was not told to read.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface StopOptions {
  /**
   * The whole of stopping may take so long. What is in hand may be finished for five sixths of it, and no longer than
   * `worker.drain_ms`; then it is dropped, and comes again.
   */
  readonly timeoutMs?: number;
}

export interface StopReport {
  /** Messages in hand that were dropped; the next worker gets them. */
  readonly dropped: number;
  /** True when the queue knows of everything that was settled. */
  readonly isCommitted: boolean;
}

/**
 * One worker in this process. It goes through the states of `Lifecycle`; heartbeat and health say the same state. It
 * takes no signal of the process, never ends it, and shares nothing with another worker beside it.
 */
export interface Worker extends AsyncDisposable {
  readonly nodeId: string;
  readonly state: WorkerState;
  /** Why it is in error; else empty. */
  readonly why: string;
  /** Of its own port (`/livez`, `/readyz`, `/health`, `/status`); undefined while it has none. */
  readonly url: string | undefined;
  /** What is odd about the settings and does no harm, one sentence each. */
  readonly warnings: readonly string[];
  /**
   * Resolves when it takes messages. Rejects with what failed, or when it was told to stop before that; RangeError when
   * it was started and has not ended.
   */
  start(): Promise<void>;
  /**
   * Takes nothing new, finishes what is in hand, commits, closes everything; default time-out 30 s. A second call with a
   * shorter time counts, and one that does not run has stopped already. RangeError when the time is not above 0;
   * TransientError when it has not ended by then, and it goes on ending; or whatever failed on the way.
   */
  stop(options?: StopOptions): Promise<StopReport>;
  /** Settles when the run that was started last has ended: with its report, or with what ended it. */
  readonly ended: Promise<StopReport>;
  /** What `GET /health` would answer; undefined while it does not run. */
  health(): HealthReport | undefined;
  /** Told of each change of state, after it. Must not throw. */
  onChange(listener: (change: StateChange) => void): Disposable;
}

const STOP_MS = 30_000;
const NOTHING: StopReport = { dropped: 0, isCommitted: true };

/**
 * A worker that is not started yet. `settings` are the groups and names of the settings file, read by the same
 * declarations; SettingsError names everything that is wrong at once. Two defaults differ from `gdw start`: `node.id` gets a
 * random end, and `health.port` is a free one, so that several workers can live in one process.
 */
export function createWorker(settings: WorkerSettings, { log = silentLog, env = {} }: WorkerOptions = {}): Worker {
  const loaded = loadConfig({ flags: new Map(), settings, env, readFile: readTextFile });
  return new LibraryWorker(loaded, withoutSecrets(log, createRedactor(loaded.secrets)));
}

interface Run {
  readonly intake: AbortController;
  readonly work: AbortController;
  readonly ended: Promise<StopReport>;
}

class LibraryWorker implements Worker {
  readonly warnings: readonly string[];
  readonly #config: Config;
  readonly #log: Log;
  readonly #lifecycle = new Lifecycle();
  #run: Run | undefined;
  #ended: Promise<StopReport> = Promise.resolve(NOTHING);
  #addresses: WorkerAddresses | undefined;
  #checks: HealthChecks | undefined;

  constructor(loaded: LoadedConfig, log: Log) {
    this.#config = forOneOfMany(loaded);
    this.#log = log;
    this.warnings = loaded.warnings;
  }

  get nodeId(): string {
    return this.#config.node.id;
  }

  get state(): WorkerState {
    return this.#lifecycle.state;
  }

  get why(): string {
    return this.#lifecycle.why;
  }

  get url(): string | undefined {
    return this.#addresses?.url;
  }

  get ended(): Promise<StopReport> {
    return this.#ended;
  }

  async start(): Promise<void> {
    if (this.#run !== undefined) {
      throw new RangeError(`starting worker ${this.nodeId}: it is ${this.state}, and has to end first`);
    }
    const ready = Promise.withResolvers<void>();
    const run = this.#begin((addresses) => {
      this.#addresses = addresses;
      ready.resolve();
    });
    // A worker that ends before it was ready has not been started, even when that was asked for.
    const early = run.ended.then(() => run.intake.signal.throwIfAborted());
    early.catch(() => undefined);
    await Promise.race([ready.promise, early]);
  }

  async stop({ timeoutMs = STOP_MS }: StopOptions = {}): Promise<StopReport> {
    if (!(timeoutMs > 0)) {
      throw new RangeError(`stopping worker ${this.nodeId}: expected a time-out above 0 ms, got ${timeoutMs}`);
    }
    const run = this.#run;
    if (run === undefined) {
      return NOTHING;
    }
    run.intake.abort(new DOMException("the worker was told to stop", "AbortError"));
    const drainMs = Math.min(this.#config.worker.drainMs, (timeoutMs * 5) / 6);
    const drain = setTimeout(() => {
      run.work.abort(new DOMException(`the worker was told to stop, and not done within ${drainMs} ms`, "AbortError"));
    }, drainMs);
    try {
      return await withDeadline(run.ended, timeoutMs, `stopping worker ${this.nodeId}`, systemClock);
    } finally {
      clearTimeout(drain);
    }
  }

  health(): HealthReport | undefined {
    return this.#checks === undefined ? undefined : reportHealth(this.#checks);
  }

  onChange(listener: (change: StateChange) => void): Disposable {
    return this.#lifecycle.onChange(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What ended it was told by `ended` and by its state.
    await this.stop().catch(() => undefined);
  }

  #begin(onReady: (addresses: WorkerAddresses) => void): Run {
    const intake = new AbortController();
    const work = new AbortController();
    const shutdown = {
      intake: intake.signal,
      work: work.signal,
      signal: undefined,
      [Symbol.dispose]: () => undefined,
    };
    const hooks = {
      lifecycle: this.#lifecycle,
      onReady,
      onHealth: (checks: HealthChecks) => {
        this.#checks = checks;
      },
    };
    const run: Run = {
      intake,
      work,
      ended: this.#untilEnded(() => startWorker(this.#config, this.#log, shutdown, hooks), intake.signal),
    };
    // Whoever awaits `ended`, `start` or `stop` sees the failure; nobody has to.
    run.ended.catch(() => undefined);
    this.#run = run;
    this.#ended = run.ended;
    return run;
  }

  async #untilEnded(work: () => Promise<StopReport>, intake: AbortSignal): Promise<StopReport> {
    try {
      const { dropped, isCommitted } = await work();
      return { dropped, isCommitted };
    } catch (error) {
      if (intake.aborted && error === intake.reason) {
        return NOTHING;
      }
      throw error;
    } finally {
      this.#run = undefined;
      this.#addresses = undefined;
      this.#checks = undefined;
    }
  }
}

function forOneOfMany({ config, rows }: LoadedConfig): Config {
  const isSaid = (name: string): boolean => rows.some(({ setting, from }) => setting === name && from !== "default");
  const id = `${hostname()}:${process.pid}:${randomBytes(3).toString("hex")}`;
  return {
    ...config,
    node: isSaid("node.id") ? config.node : { ...config.node, id },
    health: isSaid("health.port") ? config.health : { ...config.health, port: 0 },
  };
}
