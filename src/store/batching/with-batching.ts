import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed } from "../../base/retry.ts";
import type { Model, RowOutcome, Store, StoreHealth } from "../../ports/store.ts";
import { Gate } from "./gate.ts";
import { Lane, type SentBatch } from "./lane.ts";
import type { BatchLimits } from "./limits.ts";
import { Outage } from "./outage.ts";

/** A store that gathers, and says how it is getting on. */
export interface BatchingStore extends Store {
  health(): StoreHealth;
  /**
   * Rejects with the reason while a store that is there refuses rows for what it has too much of: it then still answers
   * any other question. Asks nothing.
   */
  askWrites(): Promise<void>;
}

/** Tables written side by side; there are five of them. */
const WRITERS_MAX = 8;

/**
 * Rows of many callers go out together, one writer a table. `addBatch` resolves with the outcomes of its own rows once they
 * are durable; it waits while `rowsInHandMax` rows are under way. A TransientError of the store is waited out as long as
 * any caller of the batch is still there, and nothing is dropped; a PermanentError reaches every caller of the batch.
 * What a store under pressure changes about batches, `Pressure` says.
 * Disposing sends what is left and closes the store.
 */
export function withBatching(
  store: Store,
  limits: BatchLimits,
  clock: Clock,
  log: Log,
  onSent: (batch: SentBatch) => void = () => undefined,
): BatchingStore {
  const gate = new Gate(limits.rowsInHandMax);
  const writers = new Gate(WRITERS_MAX);
  const outage = new Outage(clock);
  /** When each caller that waits has come, the oldest first. */
  const calls = new Set<{ readonly atMs: number }>();
  const lanes = new Map<Model["model"], Lane>();
  const onPressure = (): void => {
    writers.setMax([...lanes.values()].some((lane) => lane.isAlone) ? 1 : WRITERS_MAX);
  };
  const laneOf = (model: Model["model"]): Lane => {
    const lane =
      lanes.get(model) ?? new Lane({ model, store, limits, clock, log, onSent, outage, writers, onPressure });
    lanes.set(model, lane);
    return lane;
  };

  async function untilDone<Answer>(doing: string, signal: AbortSignal, act: () => Promise<Answer>): Promise<Answer> {
    const trying = outage.begin();
    const onFailed = (error: Error): undefined => {
      trying.failed(error);
    };
    try {
      return await untilPassed(act, { clock, log, waits: limits.retryWaits, doing, onFailed }, signal);
    } finally {
      trying.end();
    }
  }

  const batching: BatchingStore = {
    async addBatch(models, signal) {
      const call = { atMs: clock.elapsedMs() };
      calls.add(call);
      try {
        await gate.enter(models.length, signal);
        try {
          return await addToLanes(models, laneOf, signal);
        } finally {
          gate.leave(models.length);
        }
      } finally {
        calls.delete(call);
      }
    },
    quarantine: (rows, provenance, signal) =>
      untilDone(`quarantining ${rows.length} rows`, signal, () => store.quarantine(rows, provenance, signal)),
    storedDays: (key, from, to, signal) =>
      untilDone(`reading the stored days of ${key.code}`, signal, () => store.storedDays(key, from, to, signal)),
    storedTicks: (code, day, source, signal) =>
      untilDone(`reading the stored ticks of ${code}`, signal, () => store.storedTicks(code, day, source, signal)),
    health() {
      const [oldest] = calls;
      const { isAway, awayForMs, totalMs, lastError } = outage;
      return {
        isAway,
        awayForMs,
        outageMs: totalMs,
        lastError,
        rowsInHand: gate.inside,
        oldestMs: oldest === undefined ? undefined : clock.elapsedMs() - oldest.atMs,
        tables: [...lanes.values()].map((lane) => lane.health()),
      };
    },
    askWrites() {
      const { tables, lastError } = batching.health();
      const refused = tables.flatMap(({ model, isRefused }) => (isRefused ? [model] : []));
      const why = `storing rows (${refused.join(", ")}): the store refuses them for now: ${lastError ?? "no reason"}`;
      return refused.length === 0 ? Promise.resolve() : Promise.reject(new TransientError(why));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
      await store[Symbol.asyncDispose]();
    },
  };
  return batching;
}

async function addToLanes(
  models: readonly Model[],
  laneOf: (model: Model["model"]) => Lane,
  signal: AbortSignal,
): Promise<readonly RowOutcome[]> {
  const [first] = models;
  if (first === undefined) {
    return [];
  }
  if (models.every(({ model }) => model === first.model)) {
    return laneOf(first.model).add(models, signal);
  }
  const outcomes: RowOutcome[] = Array.from({ length: models.length }, () => "new");
  const groups = Map.groupBy(models.keys(), (index) => models[index]?.model ?? first.model);
  await Promise.all(
    Array.from(groups, async ([name, indexes]) => {
      const own = indexes.flatMap((index) => models[index] ?? []);
      const found = await laneOf(name).add(own, signal);
      indexes.forEach((index, at) => {
        outcomes[index] = found[at] ?? "new";
      });
    }),
  );
  return outcomes;
}
