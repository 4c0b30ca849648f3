import { tradingDays } from "../domain/cn-trading-days.ts";
import type { Day } from "../domain/day.ts";
import type { SecurityHistory } from "./security.ts";

/** From `day` on prices times `factorE4` ten-thousandths are comparable with those of the first day. */
export interface FactorEvent {
  readonly day: Day;
  readonly factorE4: number;
}

const FACTOR_ONE_E4 = 10_000;

/** One event an ex-day, sorted; what came before the market's first day is one event before it. */
export function factorEventsOf(
  { factors, actions }: SecurityHistory,
  firstDay: Day | undefined,
): readonly FactorEvent[] {
  const first = factors[0];
  const earlier =
    first === undefined || first.factorE4 === FACTOR_ONE_E4
      ? []
      : [{ day: dayBefore(firstDay ?? first.day), factorE4: first.factorE4 }];
  const exDays = new Set<string>(actions.map(({ exDay }) => exDay));
  return [...earlier, ...factors.filter(({ day }) => exDays.has(day)).map(({ day, factorE4 }) => ({ day, factorE4 }))];
}

/** The trading day before; where the calendar begins, the day itself. */
function dayBefore(day: Day): Day {
  return tradingDays().findLast((earlier) => earlier < day) ?? day;
}
