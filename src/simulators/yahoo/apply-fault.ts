import { addDays, type Day } from "../../domain/day.ts";
import { nullRow, type Chart, type ChartRow } from "./chart.ts";
import { CLOSING_SECONDS } from "./daily-rows.ts";
import type { RowFault } from "./faults.ts";
import { closeOf, stampOf } from "./stamps.ts";
import type { TradingHours } from "./yahoo-data.ts";

/** The answer as the fault leaves it. */
export function applyFault(chart: Chart, fault: RowFault, hours: TradingHours): Chart {
  const { rows } = chart;
  switch (fault.kind) {
    case "empty":
      return { ...chart, rows: [], events: undefined };
    case "stale": {
      const days = daysOf(rows);
      const left = new Set(days.slice(0, Math.max(0, days.length - fault.days)));
      return { ...chart, rows: rows.filter(({ day }) => left.has(day)) };
    }
    case "gaps": {
      const gone = middleDays(rows, fault.days);
      return { ...chart, rows: rows.filter(({ day }) => !gone.has(day)) };
    }
    case "null-rows": {
      const gone = middleDays(rows, fault.days);
      return { ...chart, rows: rows.map((row) => (gone.has(row.day) ? nullRow(row.stamp, row.day) : row)) };
    }
    case "live-row":
      return append(chart, (last) => ({ ...last, stamp: closeOf(hours, last.day) + CLOSING_SECONDS }));
    case "beyond":
      return append(chart, (last) => {
        const day = nextOpenDay(hours, last.day);
        return { ...last, day, stamp: closeOf(hours, day) + CLOSING_SECONDS };
      });
    case "after-hours":
      return append(chart, (last) => ({ ...last, stamp: stampOf(hours, last.day, hours.closesAt(last.day) + 30) }));
    case "missing-events":
      return { ...chart, events: undefined };
    case "half-arrays":
      return { ...chart, shortBy: { key: fault.key, count: fault.count } };
    case "bad-number": {
      const at = Math.floor(rows.length / 2);
      return { ...chart, rows: rows.map((row, index) => (index === at ? { ...row, [fault.key]: fault.value } : row)) };
    }
    case "no-first-volume": {
      // Where a day is one bar there is no first one of several.
      const isFirst = (index: number): boolean =>
        rows[index]?.day !== rows[index - 1]?.day && rows[index]?.day === rows[index + 1]?.day;
      return { ...chart, rows: rows.map((row, index) => (isFirst(index) ? { ...row, volume: 0 } : row)) };
    }
  }
}

function append(chart: Chart, follow: (last: ChartRow) => ChartRow): Chart {
  const last = chart.rows.at(-1);
  return last === undefined ? chart : { ...chart, rows: [...chart.rows, follow(last)] };
}

function daysOf(rows: readonly ChartRow[]): readonly Day[] {
  return [...new Set(rows.map(({ day }) => day))];
}

function middleDays(rows: readonly ChartRow[], count: number): ReadonlySet<Day> {
  const days = daysOf(rows);
  const from = Math.max(0, Math.floor((days.length - count) / 2));
  return new Set(days.slice(from, from + count));
}

/** The market's days may be over; then it is the day after. */
function nextOpenDay(hours: TradingHours, day: Day): Day {
  for (let ahead = 1; ahead <= 30; ahead += 1) {
    if (hours.isOpenOn(addDays(day, ahead))) {
      return addDays(day, ahead);
    }
  }
  return addDays(day, 1);
}
