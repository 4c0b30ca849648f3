import type { Pace } from "./pace.ts";
import type { Planned, Ticket } from "./ticket-book.ts";
import type { CodeDataSet } from "../domain/unit.ts";

/** A unit waits for its turn until one of its calls is taken, and again when that call was answered or put back. */
export function paceTicket<D extends CodeDataSet>(
  pace: Pace | undefined,
  describe: (planned: Planned<D>) => string,
): { readonly hooks: Pick<Ticket<D>, "onTaken" | "onLeft">; readonly end: () => void } {
  if (pace === undefined) {
    return { hooks: {}, end: () => undefined };
  }
  let callsUnderWay = 0;
  let isOver = false;
  let rest: Disposable | undefined = pace.rest();
  const endRest = (): void => {
    rest?.[Symbol.dispose]();
    rest = undefined;
  };
  const onTaken = (planned: Planned<D>): void => {
    callsUnderWay += 1;
    endRest();
    pace.doing(() => describe(planned));
  };
  const onLeft = (): void => {
    callsUnderWay -= 1;
    if (callsUnderWay === 0 && !isOver) {
      rest = pace.rest();
    }
  };
  const end = (): void => {
    isOver = true;
    endRest();
  };
  return { hooks: { onTaken, onLeft }, end };
}
