import type { OpenMetrics } from "../../health/metrics/table.ts";
import type { Model, Store } from "../../ports/store.ts";

/** Tables by the names that everybody reads them by. */
export const TABLES = {
  bar: "bar",
  tick: "tick",
  "adjustment-factor": "adjustfactor",
  instrument: "stock_info",
  "calendar-day": "trade_day",
} as const satisfies Readonly<Record<Model["model"], string>>;

/** Counts what became of every row, and what was set aside. */
export function withRowCounts(store: Store, { rows, quarantined }: Pick<OpenMetrics, "rows" | "quarantined">): Store {
  return {
    ...store,
    addBatch: async (models, signal, options) => {
      const outcomes = await store.addBatch(models, signal, options);
      const counts = new Map<string, { readonly labels: { table: string; outcome: string }; count: number }>();
      for (const [at, { model }] of models.entries()) {
        const labels = { table: TABLES[model], outcome: outcomes[at] ?? "new" };
        const key = `${labels.table} ${labels.outcome}`;
        const known = counts.get(key);
        if (known === undefined) {
          counts.set(key, { labels, count: 1 });
        } else {
          known.count += 1;
        }
      }
      for (const { labels, count } of counts.values()) {
        rows.inc(labels, count);
      }
      return outcomes;
    },
    quarantine: async (rejected, provenance, signal) => {
      await store.quarantine(rejected, provenance, signal);
      for (const { reason } of rejected) {
        quarantined.inc({ reason });
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
