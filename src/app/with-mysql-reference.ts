import type { CalendarDay, Instrument } from "../domain/rows.ts";
import type { Model, RowOutcome, Store } from "../ports/store.ts";
import type { MySqlReference } from "../store/mysql/reference.ts";

/** A store whose instruments and calendar days go to MySQL, where Ginkgo reads them; everything else goes on to `store`. */
export function withMySqlReference(
  store: Store,
  mysql: Pick<MySqlReference, "writeInstruments" | "writeCalendar">,
): Store {
  return {
    ...store,
    addBatch: async (models, signal) => {
      const instruments: Placed<Instrument>[] = [];
      const days: Placed<CalendarDay>[] = [];
      const others: Placed<Model>[] = [];
      for (const [at, model] of models.entries()) {
        if (model.model === "instrument") {
          instruments.push({ at, item: model.row });
        } else if (model.model === "calendar-day") {
          days.push({ at, item: model.row });
        } else {
          others.push({ at, item: model });
        }
      }
      const outcomes: RowOutcome[] = Array.from({ length: models.length }, () => "same");
      await place(instruments, outcomes, (rows) => mysql.writeInstruments(rows, signal));
      await place(days, outcomes, (rows) => mysql.writeCalendar(rows, signal));
      await place(others, outcomes, (rest) => store.addBatch(rest, signal));
      return outcomes;
    },
  };
}

interface Placed<Item> {
  /** Where it stands in the batch. */
  readonly at: number;
  readonly item: Item;
}

async function place<Item>(
  placed: readonly Placed<Item>[],
  outcomes: RowOutcome[],
  write: (items: readonly Item[]) => Promise<readonly RowOutcome[]>,
): Promise<void> {
  if (placed.length === 0) {
    return;
  }
  const written = await write(placed.map(({ item }) => item));
  for (const [index, { at }] of placed.entries()) {
    outcomes[at] = written[index] ?? "rejected";
  }
}
