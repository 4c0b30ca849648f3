import { systemClock } from "../../base/clock.ts";
import type { Finding } from "./doctor-api.ts";
import { fail, ok, warn } from "./run-checks.ts";

const SKEW_MS_WARN = 2_000;
const SKEW_MS_FAIL = 30_000;

/** Compares our clock, half way between question and answer, with that of a server. */
export async function lookAtClock(whose: string, ask: () => Promise<number>): Promise<Finding> {
  const askedMs = systemClock.nowMs();
  const theirsMs = await ask();
  const oursMs = (askedMs + systemClock.nowMs()) / 2;
  const skewMs = Math.round(theirsMs - oursMs);
  const seen = `${whose} is ${Math.abs(skewMs)} ms ${skewMs < 0 ? "behind" : "ahead of"} this machine`;
  const todo = "let both machines keep time by NTP: versions of rows and ages of beats are read off these clocks";
  if (Math.abs(skewMs) > SKEW_MS_FAIL) {
    return fail(seen, todo);
  }
  return Math.abs(skewMs) > SKEW_MS_WARN ? warn(seen, todo) : ok(seen);
}
