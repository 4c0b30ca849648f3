import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed } from "../../base/retry.ts";
import type { Model, RowOutcome, Store } from "../../ports/store.ts";
import { Gate } from "./gate.ts";
import { Lane, type SentBatch } from "./lane.ts";
import type { BatchLimits } from "./limits.ts";

/**
 * Rows of many callers go out together, one writer a table. `addBatch` resolves with the outcomes of its own rows once they
 * are durable; it waits while `rowsInHandMax` rows are under way. A TransientError of the store is waited out as long as
 * any caller of the batch is still there, and nothing is dropped; a PermanentError reaches every caller of the batch.
 * Disposing sends what is left and closes the store.
 */
export function withBatching(
  store: Store,
  limits: BatchLimits,
  clock: Clock,
  log: Log,
  onSent: (batch: SentBatch) => void = () => undefined,
): Store {
  const gate = new Gate(limits.rowsInHandMax);
  const lanes = new Map<Model["model"], Lane>();
  const laneOf = (model: Model["model"]): Lane => {
    const lane = lanes.get(model) ?? new Lane({ model, store, limits, clock, log, onSent });
    lanes.set(model, lane);
    return lane;
  };

  return {
    async addBatch(models, signal) {
      await gate.enter(models.length, signal);
      try {
        return await addToLanes(models, laneOf, signal);
      } finally {
        gate.leave(models.length);
      }
    },
    quarantine: (rows, provenance, signal) =>
      untilPassed(
        () => store.quarantine(rows, provenance, signal),
        { clock, log, doing: `quarantining ${rows.length} rows` },
        signal,
      ),
    storedDays: (key, from, to, signal) =>
      untilPassed(
        () => store.storedDays(key, from, to, signal),
        { clock, log, doing: `reading the stored days of ${key.code}` },
        signal,
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
      await store[Symbol.asyncDispose]();
    },
  };
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
