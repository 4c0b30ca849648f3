import { Temporal } from "temporal-polyfill";

import type { LastRun, ScheduledRun, ScheduleReport } from "../app/schedule/schedule-api.ts";
import { OUTCOMES } from "../domain/outcome.ts";
import { countOf } from "./count-of.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";

/** The zone of whoever looks. */
export function localZone(): string {
  return Temporal.Now.timeZoneId();
}

export function describeSchedule(report: ScheduleReport, local: string): string {
  const { isEnabled, leader, zone, runs, unknown } = report;
  const who = leader === undefined ? "nobody does the runs now" : `${printable(leader)} does the runs`;
  const head = isEnabled ? who : `the schedule is off by the settings of this command (schedule.enabled), ${who}`;
  const isElsewhere = local !== zone;
  const titles = ["RUN", "WHEN", "NEXT", ...(isElsewhere ? ["LOCAL"] : []), "LAST", "WHAT BECAME OF IT"];
  const rows = runs.map((run) => [
    run.name,
    run.when,
    timeIn(run.next?.at, zone),
    ...(isElsewhere ? [timeIn(run.next?.at, local)] : []),
    lastOf(run, zone),
    run.last === undefined ? "" : outcomeOf(run.last),
  ]);
  const zones = isElsewhere ? `times of ${zone}; LOCAL is the next one in ${local}` : `times of ${zone}`;
  return [
    `${head}; ${zones}`,
    renderTable(titles, rows).trimEnd(),
    ...unknown.map((why) => `unknown: ${printable(why)}`),
    "",
  ].join("\n");
}

function lastOf({ last }: ScheduledRun, zone: string): string {
  if (last === undefined) {
    return "never";
  }
  const at = timeIn(last.sentAt ?? last.beganAt, zone);
  return at.startsWith(last.day) ? at : `${at} for ${last.day}`;
}

/** Such as `300 of 300 settled: stored 298, pending 2`. */
function outcomeOf({ state, messages, node, outcome }: LastRun): string {
  if (state === "begun") {
    return `begun by ${printable(node)} and not sent yet`;
  }
  if (outcome === undefined) {
    return `${countOf(messages, "message")} sent`;
  }
  const words = OUTCOMES.flatMap((word) => {
    const count = outcome.words[word] ?? 0;
    return count === 0 ? [] : [`${word} ${count}`];
  });
  const days = [
    ...(outcome.pendingDays > 0 ? [`${countOf(outcome.pendingDays, "day")} not published yet`] : []),
    ...(outcome.unexplainedDays > 0 ? [`${countOf(outcome.unexplainedDays, "day")} unexplained`] : []),
  ];
  return [`${outcome.settled} of ${messages} settled`, words.join(", "), ...days].filter(Boolean).join("; ");
}

function timeIn(at: string | undefined, zone: string): string {
  if (at === undefined) {
    return "";
  }
  const local = Temporal.Instant.from(at).toZonedDateTimeISO(zone);
  return local.toPlainDateTime().toString({ smallestUnit: "minute" }).replace("T", " ");
}
