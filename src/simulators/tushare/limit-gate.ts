import { Temporal } from "temporal-polyfill";

import { SHANGHAI } from "../../domain/day.ts";
import type { ApiName } from "./apis.ts";
import type { LimitUnit, LimitWording } from "./refused-call.ts";

/** At most `calls` in a window of `windowMs`, kept apart for every token and API. */
export interface LimitRule {
  readonly calls: number;
  readonly windowMs: number;
  /**
   * `sliding`: in any window of that length, wherever it begins. `clock`: from one full minute (hour, day) to the next, so
   * that twice as many fit around its edge. Which of them the real server has is not known; a client must hold both.
   */
  readonly kind: "sliding" | "clock";
  /** What the refusal names, also where tests make the window shorter than that. */
  readonly unit: LimitUnit;
  readonly wording: LimitWording;
  /** Holds for one API only; for each of them when absent. */
  readonly api?: ApiName;
}

export const LIMIT_DEFAULT: LimitRule = {
  calls: 200,
  windowMs: 60_000,
  kind: "sliding",
  unit: "minute",
  wording: "per-unit",
};

/** Counts calls as the server does; a refused call counts only if the gate was told so. */
export class LimitGate {
  readonly #rules: readonly LimitRule[];
  readonly #countsRefused: boolean;
  /** Times of counted calls by rule, token and API, in order. */
  readonly #counted = new Map<string, number[]>();

  constructor(rules: readonly LimitRule[], countsRefused: boolean) {
    for (const { calls, windowMs } of rules) {
      if (!Number.isInteger(calls) || calls < 1 || !(windowMs > 0)) {
        throw new RangeError(
          `limiting calls: expected at least 1 call in a window above 0 ms, got ${calls} in ${windowMs}`,
        );
      }
    }
    this.#rules = rules;
    this.#countsRefused = countsRefused;
  }

  /** Counts the call and returns undefined, or returns the rule that refuses it. */
  admit(token: string, api: ApiName, nowMs: number): LimitRule | undefined {
    const rules = this.#rules.filter((rule) => rule.api === undefined || rule.api === api);
    const refusing = rules.find((rule) => this.#inWindow(rule, token, api, nowMs).length >= rule.calls);
    if (refusing === undefined || this.#countsRefused) {
      for (const rule of rules) {
        this.#inWindow(rule, token, api, nowMs).push(nowMs);
      }
    }
    return refusing;
  }

  #inWindow(rule: LimitRule, token: string, api: ApiName, nowMs: number): number[] {
    const key = `${this.#rules.indexOf(rule)} ${api} ${token}`;
    const kept = (this.#counted.get(key) ?? []).filter((atMs) =>
      rule.kind === "sliding" ? atMs > nowMs - rule.windowMs : clockWindow(rule, atMs) === clockWindow(rule, nowMs),
    );
    this.#counted.set(key, kept);
    return kept;
  }
}

const DAY_MS = 86_400_000;

/** The window that an instant lies in: for days the day in Beijing, else whole windows since the epoch. */
function clockWindow({ windowMs }: LimitRule, atMs: number): string | number {
  return windowMs === DAY_MS
    ? Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(SHANGHAI).toPlainDate().toString()
    : Math.floor(atMs / windowMs);
}
