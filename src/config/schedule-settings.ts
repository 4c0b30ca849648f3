import * as z from "zod";

import { DataError } from "../base/errors.ts";
import { parseRunTime, showRunTime, type RunTime } from "../domain/run-time.ts";
import * as read from "./reader.ts";
import type { Reader } from "./reader.ts";
import { setting, type SettingsTree } from "./setting.ts";

/**
 * The worker's own timer. Off by default in both modes: Ginkgo has a timer that sends the same messages, and a worker
 * on a laptop should not spend a token's calls on the whole market before anybody asked for it.
 */
export const SCHEDULE_SETTINGS = {
  enabled: setting(
    read.boolean(),
    false,
    "ask for updates at the times below without anybody sending messages; one worker of the fleet does it",
  ),
  list: setting(
    runTime("daily"),
    at("daily", "20:30"),
    "when the stock list is brought up to date, in Asia/Shanghai as all of these; off for never",
  ),
  factors: setting(
    runTime("trading-days"),
    at("trading-days", "09:25"),
    "when the adjustment factors of all listed codes are brought up to date",
  ),
  bars: setting(
    runTime("trading-days"),
    at("trading-days", "17:30"),
    "when the daily bars of all listed codes are brought up to date; they are final from 17:00 on",
  ),
  calendar: setting(runTime([7]), at([7], "20:00"), "when the trading calendar is brought up to date"),
  catchUpDays: setting(
    read.integer({ min: 0, max: 60 }),
    7,
    "how many days back a missed run is made up, the latest of its name only; 0: one of the same day",
  ),
} as const satisfies SettingsTree;

function at(days: RunTime["days"], time: string): RunTime | undefined {
  return { days, time };
}

function runTime(daysByDefault: RunTime["days"]): Reader<RunTime | undefined> {
  const schema = z.string().transform((text, context): RunTime | undefined => {
    try {
      return parseRunTime(text, daysByDefault);
    } catch {
      context.addIssue("no time of a run");
      return z.NEVER;
    }
  });
  return {
    expected: "a time such as 17:30, with days before it such as daily, trading-days, mon-fri or mon,thu, or off",
    schema,
    show: showRunTime,
    advise: (raw) => {
      try {
        parseRunTime(raw, daysByDefault);
        return undefined;
      } catch (error) {
        return error instanceof DataError ? error.message : undefined;
      }
    },
  };
}
