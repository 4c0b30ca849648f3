import { maxDay, minDay } from "../domain/day.ts";
import type { CoverageSpan } from "../planning/coverage.ts";
import type { CoverageReport, GapsReport } from "./app-api.ts";

/**
 * What of a coverage a request would bring: unexplained and failed days, pending ones whose time has come, and where the
 * range was named the days that nobody asked for. One request a code holds all its gaps; the planner asks the provider
 * only for what is missing within it. Codes that are gone from the lists have none: nobody can be asked for them.
 */
export function toGaps(report: CoverageReport, nowMs: number): GapsReport {
  const { dataSet, frequency, range, unknownCodes, goneCodes } = report;
  const spans = report.codes.flatMap((one) => one.spans);
  const gaps = spans.filter((span) => canBeAsked(span, range?.isNamed ?? false, nowMs));
  const requests = [...Map.groupBy(gaps, ({ code }) => code)].map(([code, ofCode]) => ({
    code,
    from: ofCode.map(({ from }) => from).reduce(minDay),
    to: ofCode.map(({ to }) => to).reduce(maxDay),
    days: ofCode.reduce((sum, { days }) => sum + days, 0),
  }));
  return {
    dataSet,
    frequency,
    range,
    gaps,
    requests,
    rowsMissing: spans.filter(({ state }) => state === "row-missing"),
    unknownCodes,
    goneCodes,
  };
}

function canBeAsked({ state, askAgainAtMs }: CoverageSpan, isNamed: boolean, nowMs: number): boolean {
  if (state === "pending") {
    return askAgainAtMs === undefined || askAgainAtMs <= nowMs;
  }
  return state === "unexplained-empty" || state === "failed" || (state === "not-asked" && isNamed);
}
