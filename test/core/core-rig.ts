import { Temporal } from "temporal-polyfill";

import { assembleWorker } from "../../src/app/assemble-worker.ts";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { gateLimitsOf, type OpenProvider } from "../../src/app/open-providers.ts";
import { retryWaitsOf } from "../../src/app/retry-waits.ts";
import { loadConfig } from "../../src/config.ts";
import { PROVIDER_SOURCES } from "../../src/domain/provider.ts";
import { ledgerKeyText, type Span } from "../../src/domain/ledger.ts";
import { parseMessage } from "../../src/domain/parse-message.ts";
import type { Bar, CalendarDay, Instrument, RejectedRow } from "../../src/domain/rows.ts";
import { createMemoryLock } from "../../src/limits/memory-lock.ts";
import type { Budget } from "../../src/ports/budget.ts";
import type { Source } from "../../src/ports/source.ts";
import type { Ledger, Model, ReferenceStore, Store } from "../../src/ports/store.ts";
import { recordingFromRows, type RecordedRows } from "../../src/simulators/tushare/recording.ts";
import type { SimulatedData } from "../../src/simulators/tushare/simulated-data.ts";
import {
  startTushareSimulator,
  type TushareSimulator,
  type TushareSimulatorOptions,
} from "../../src/simulators/tushare/simulator.ts";
import { openTushareSource, type TushareSourceOptions } from "../../src/sources/tushare/source.ts";
import type { Done, Perform } from "../../src/worker/message-handler.ts";
import { type BreakerSeen, ProviderGate } from "../../src/worker/provider-gate.ts";
import { ProviderLine } from "../../src/worker/provider-line.ts";

/**
 * The core as the app puts it together, asking the simulated provider, with a store and a ledger in memory and a clock
 * that stands still until it is set. What a message does can be said without a queue and without an engine.
 */
export interface CoreRig extends AsyncDisposable {
  readonly simulator: TushareSimulator;
  /** Moves the clock; what sleeps until then goes on. */
  setClock(at: string): void;
  /** What the provider has from now on. */
  publish(rows: RecordedRows): void;
  send(message: unknown, signal?: AbortSignal): Promise<Done>;
  /** Spans of a key such as `bars/1d/600001.SH`, as `2026-03-02..2026-03-03 no-trade`. */
  states(key: string): readonly string[];
  /** Who brought a key's spans. */
  evidence(key: string): readonly string[];
  /** The notes of a key's spans. */
  notes(key: string): readonly string[];
  readonly bars: ReadonlyMap<string, unknown>;
  readonly instruments: ReadonlyMap<string, Instrument>;
  readonly quarantined: readonly RejectedRow[];
  readonly logged: readonly string[];
  readonly breakers: () => readonly BreakerSeen[];
  readonly perform: Perform;
  readonly letGoInOutages: () => void;
  /** Calls of an API that the budget granted so far. */
  readonly grants: (api: string) => number;
  readonly clock: Clock;
  /** Calls of an API so far, oldest first: `{"trade_date":"20260302"} -> 100`. */
  calls(api: string): readonly string[];
}

export interface CoreRigOptions extends Omit<TushareSimulatorOptions, "data" | "clock"> {
  readonly now: string;
  readonly rows: RecordedRows;
  readonly source?: Partial<TushareSourceOptions>;
  /** Who else is in use; who is asked when is for `env` to say. */
  readonly others?: readonly Source[];
  /** Settings by variable. Pauses of the breaker are as long as they may be. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function openCoreRig({
  now,
  rows,
  source: sourceOptions,
  others = [],
  env = {},
  ...simulated
}: CoreRigOptions): Promise<CoreRig> {
  const opened = new AsyncDisposableStack();
  const clock = new StandingClock(now);
  let data = recordingFromRows(rows);
  const simulator = opened.use(
    await startTushareSimulator({ limits: [], ...simulated, data: forwarding(() => data), clock }),
  );
  const source = opened.use(
    openTushareSource({ token: simulator.token, baseUrl: simulator.url, clock, useProxy: false, ...sourceOptions }),
  );
  const logged: string[] = [];
  const log = loggingTo(logged);
  const budget = openFreeBudget(clock);
  const { config } = loadConfig({ flags: new Map(), env: { ...SHORT_PAUSES, ...env }, readFile: () => "" });
  const retryWaits = retryWaitsOf(config);
  let calls = 0;
  const newCallId = (): string => `call-${(calls += 1)}`;
  const providers = [source, ...others].map((one): OpenProvider => {
    const gates: ProviderGate[] = [];
    const lines = one.capabilities.map((capability) => {
      const key = { provider: one.provider, api: capability.api };
      const gate = new ProviderGate({ key, limits: gateLimitsOf(config), clock, log, random: () => 1 });
      gates.push(gate);
      return new ProviderLine({ source: one, capability, budget, gate, retryWaits, clock, log, newCallId });
    });
    return {
      provider: one.provider,
      capabilities: one.capabilities,
      lines,
      line: (dataSet) => {
        const line = lines.find(({ capability }) => capability.dataSet === dataSet);
        if (line === undefined) {
          throw new RangeError(`no ${dataSet}`);
        }
        return line;
      },
      callsAtOnceMax: 4,
      gates,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  });
  const memory = openMemoryStore(config.providers.chain.map((name) => PROVIDER_SOURCES[name]));
  const work = new AbortController();
  const worker = assembleWorker(
    {
      config: { ...config, worker: { ...config.worker, gatherMs: 5 } },
      store: memory,
      providers,
      lock: createMemoryLock(),
      log,
      clock,
    },
    work.signal,
  );
  opened.use(worker);
  opened.defer(() => work.abort(new Error("the rig is closed")));

  return {
    simulator,
    setClock: (at) => clock.set(at),
    publish: (published) => {
      data = recordingFromRows(published);
    },
    send: async (message, signal = new AbortController().signal) => {
      const { command, places } = parseMessage(Buffer.from(JSON.stringify(message)), { now: clock.now() });
      return await worker.perform(command, { requestId: "r", askedAtMs: clock.nowMs(), places }, signal);
    },
    states: (key) => (memory.spans.get(key) ?? []).map(({ from, to, state }) => `${from}..${to} ${state}`),
    evidence: (key) => (memory.spans.get(key) ?? []).map(({ evidence }) => evidence.provider),
    notes: (key) => (memory.spans.get(key) ?? []).map(({ evidence }) => evidence.note),
    bars: memory.bars,
    get instruments() {
      return new Map([...memory.instruments.values()].map((one) => [one.code, one]));
    },
    quarantined: memory.quarantined,
    logged,
    breakers: worker.breakers,
    perform: worker.perform,
    letGoInOutages: worker.letGoInOutages,
    grants: budget.grants,
    clock,
    calls: (api) =>
      simulator.requests
        .filter((request) => request.api === api)
        .map(
          ({ params, rows: answered, code }) =>
            `${JSON.stringify(params)} -> ${code === 0 ? answered : `code ${code}`}`,
        ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A row of `daily` in which nothing is odd. */
export function dailyRow(
  code: string,
  day: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const prices = { open: "10", high: "11", low: "9", close: "10", pre_close: "10", change: "0", pct_chg: "0" };
  return { ts_code: code, trade_date: day, ...prices, vol: "100", amount: "100", ...more };
}

export function stockRow(code: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const listed = { list_status: "L", list_date: "20000104", curr_type: "CNY" };
  return { ts_code: code, symbol: code.slice(0, 6), name: code, area: "", industry: "", ...listed, ...more };
}

/** `count` codes of Shanghai. */
export function codesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${601_000 + index}.SH`);
}

/** A pause that is slept, unless a test wants one that ends with the clock. */
const SHORT_PAUSES = { GINKGO_BREAKER_PAUSE_MS_MAX: "10000" };

/** Waits between tries are slept, a hundred times faster; longer sleeps end when the clock is set. */
const RETRY_WAIT_MS_MAX = 30_000;
const FASTER = 100;

class StandingClock implements Clock {
  #nowMs: number;
  /** What setting the clock has skipped. */
  #skippedMs = 0;
  readonly #sleepers = new Set<() => void>();

  constructor(at: string) {
    this.#nowMs = Temporal.Instant.from(at).epochMilliseconds;
  }

  set(at: string): void {
    const before = this.#nowMs;
    this.#nowMs = Temporal.Instant.from(at).epochMilliseconds;
    this.#skippedMs += Math.max(0, this.#nowMs - before);
    for (const wake of this.#sleepers) {
      wake();
    }
  }

  now(): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(this.#nowMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return performance.now() * FASTER + this.#skippedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= RETRY_WAIT_MS_MAX) {
      await systemClock.sleep(ms / FASTER, signal);
      return;
    }
    const untilMs = this.#nowMs + ms;
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        if (this.#nowMs >= untilMs) {
          end();
          resolve();
        }
      };
      const abort = (): void => {
        end();
        reject(signal?.reason as Error);
      };
      const end = (): void => {
        this.#sleepers.delete(wake);
        signal?.removeEventListener("abort", abort);
      };
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

/** Grants at once; a pause holds the next call back by the clock. */
function openFreeBudget(clock: Clock): Budget & Pick<CoreRig, "grants"> {
  const granted = new Map<string, number>();
  const pausedUntilMs = new Map<string, number>();
  let newest = 0n;
  return {
    acquire: async ({ api }, signal) => {
      const waitMs = (pausedUntilMs.get(api) ?? 0) - clock.nowMs();
      if (waitMs > 0) {
        await clock.sleep(waitMs, signal);
      }
      const now = BigInt(clock.nowMs()) * 1_000n;
      granted.set(api, (granted.get(api) ?? 0) + 1);
      newest = now > newest ? now : newest + 1n;
      return { grantedAtMicros: newest, callsLeft: 1, waitedMs: 0 };
    },
    grants: (api) => granted.get(api) ?? 0,
    lower: () => Promise.resolve(),
    pause: async ({ api }, ms) => {
      pausedUntilMs.set(api, clock.nowMs() + ms);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface MemoryStore {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly reference: ReferenceStore;
  readonly spans: Map<string, readonly Span[]>;
  readonly bars: Map<string, unknown>;
  readonly instruments: Map<string, Instrument>;
  readonly quarantined: RejectedRow[];
}

function bestOf<Row extends { readonly source: number }>(
  rows: Iterable<Row>,
  keyOf: (row: Row) => string,
  ranks: readonly number[],
): readonly Row[] {
  const rank = ({ source }: Row): number => (ranks.includes(source) ? ranks.indexOf(source) : ranks.length);
  const best = new Map<string, Row>();
  for (const row of rows) {
    const before = best.get(keyOf(row));
    if (before === undefined || rank(row) < rank(before)) {
      best.set(keyOf(row), row);
    }
  }
  return [...best.values()];
}

/** Lists keep a row of each source, and are read as the best of them in the order of `ranks`. */
function openMemoryStore(ranks: readonly number[]): MemoryStore {
  const spans = new Map<string, readonly Span[]>();
  const bars = new Map<string, unknown>();
  const factors = new Map<string, unknown>();
  const ticks = new Map<string, unknown>();
  const instruments = new Map<string, Instrument>();
  const days = new Map<string, CalendarDay>();
  const quarantined: RejectedRow[] = [];
  const put = <Row>(table: Map<string, Row>, key: string, row: Row): "new" | "same" | "revised" => {
    const old = table.get(key);
    table.set(key, row);
    return old === undefined ? "new" : JSON.stringify(old) === JSON.stringify(row) ? "same" : "revised";
  };
  const add = (model: Model): "new" | "same" | "revised" => {
    switch (model.model) {
      case "bar":
        return put<unknown>(bars, barKey(model.row), model.row);
      case "adjustment-factor":
        return put<unknown>(factors, `${model.row.code} ${model.row.tradingDay}`, model.row);
      case "tick":
        return put<unknown>(ticks, `${model.row.code} ${model.row.time} ${model.row.sequence}`, model.row);
      case "instrument":
        return put(instruments, `${model.row.code} ${model.row.source}`, model.row);
      case "calendar-day":
        return put(days, `${model.row.day} ${model.row.source}`, model.row);
    }
  };
  return {
    spans,
    bars,
    instruments,
    quarantined,
    store: {
      addBatch: async (models) => models.map(add),
      quarantine: async (rows) => {
        quarantined.push(...rows);
      },
      storedDays: async () => [],
      storedTicks: async () => [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    ledger: {
      read: async (keys) =>
        new Map(
          keys.flatMap((key) => {
            const known = spans.get(ledgerKeyText(key));
            return known === undefined ? [] : [[ledgerKeyText(key), known] as const];
          }),
        ),
      write: async (changes) => {
        for (const { key, change } of changes) {
          spans.set(ledgerKeyText(key), change(spans.get(ledgerKeyText(key)) ?? []));
        }
      },
    },
    reference: {
      instruments: async () => bestOf(instruments.values(), ({ code }) => code, ranks),
      calendar: async () =>
        bestOf(days.values(), ({ day }) => day, ranks).toSorted((left, right) => (left.day < right.day ? -1 : 1)),
    },
  };
}

function loggingTo(lines: string[]): Log {
  const put =
    (level: string): Log["info"] =>
    (event, fields = {}) => {
      lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
    };
  const log: Log = {
    debug: () => undefined,
    info: put("info"),
    warn: put("warn"),
    error: put("error"),
    child: () => log,
  };
  return log;
}

/** `600001.SH 2026-03-02`, of a bar within the day its time. */
function barKey({ code, frequency, tradingDay, time }: Bar): string {
  return `${code} ${frequency === "1d" ? tradingDay : time}`;
}

function forwarding(current: () => SimulatedData): SimulatedData {
  return {
    get codes() {
      return current().codes;
    },
    get days() {
      return current().days;
    },
    rowsOf: (api, code) => current().rowsOf(api, code),
    rowsOn: (api, day, codes) => (codes === undefined ? current().rowsOn(api, day) : current().rowsOn(api, day, codes)),
    minutesOf: (code, minutes, day) => current().minutesOf(code, minutes, day),
    instruments: (today) => current().instruments(today),
    dividends: (code) => current().dividends(code),
  };
}
