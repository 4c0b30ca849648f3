import type { Instrument, RowOf } from "../domain/rows.ts";
import type { Model, Provenance } from "../ports/store.ts";
import type { WholeAnswer } from "./provider-line.ts";

/** The lists that every plan rests on. */
export type ListDataSet = "stock-list" | "trading-calendar";

/** What is written of an answer for a list. */
export interface ListAnswer {
  readonly models: readonly Model[];
  readonly rejected: WholeAnswer<ListDataSet>["rejected"];
  readonly callIds: readonly string[];
  readonly version: bigint;
}

/** Instruments of several statuses, and with them those that no answer has any more. */
export function toInstrumentList(
  answers: readonly WholeAnswer<"stock-list">[],
  gone: readonly Instrument[] = [],
): ListAnswer {
  return toListAnswer(
    answers,
    ({ code }) => code,
    (row, provenance) => ({ model: "instrument", row, provenance }),
    gone,
  );
}

export function toCalendarList(answer: WholeAnswer<"trading-calendar">): ListAnswer {
  return toListAnswer(
    [answer],
    ({ day }) => day,
    (row, provenance) => ({ model: "calendar-day", row, provenance }),
  );
}

/** One answer of several, each key once: pages may overlap, and a code may move from one status to another between calls. */
function toListAnswer<D extends ListDataSet>(
  answers: readonly WholeAnswer<D>[],
  keyOf: (row: RowOf[D]) => string,
  toModel: (row: RowOf[D], provenance: Provenance) => Model,
  more: readonly RowOf[D][] = [],
): ListAnswer {
  const version = answers.reduce((newest, answer) => (answer.version > newest ? answer.version : newest), 0n);
  const callIds = answers.flatMap((answer) => answer.callIds);
  const rows = new Map(answers.flatMap((answer) => answer.rows).map((row) => [keyOf(row), row]));
  const provenance = { version, callId: callIds.at(-1) ?? "", requestId: "" };
  return {
    models: [...rows.values(), ...more].map((row) => toModel(row, provenance)),
    rejected: answers.flatMap((answer) => answer.rejected),
    callIds,
    version,
  };
}
