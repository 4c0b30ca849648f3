import type { Config } from "../../config.ts";
import type { RunName, RunTimes } from "../../domain/run-time.ts";
import type { RequestKind, RequestPlan } from "../app-api.ts";

const KINDS: Readonly<Record<RunName, RequestKind>> = {
  calendar: "calendar",
  list: "stock-list",
  factors: "factors",
  bars: "bars",
};

/** What a run asks for: what `gdw request --all` of its kind does, everything that is missing up to the last final day. */
export function planOfRun(name: RunName, wait: boolean): RequestPlan {
  const kind = KINDS[name];
  return {
    kind,
    codes: kind === "bars" || kind === "factors" ? "all" : [],
    frequency: "1d",
    range: { full: false, start: undefined, end: undefined, days: undefined },
    force: false,
    provider: undefined,
    wait,
  };
}

export function runTimesOf({ schedule: { calendar, list, factors, bars } }: Config): RunTimes {
  return { calendar, list, factors, bars };
}
