import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Board } from "./board.ts";
import type { ActionTerms, PriceLimits } from "./price-rules.ts";

/** A listed thing of the generated market. */
export interface MarketSecurity {
  readonly code: SecurityCode;
  readonly name: string;
  readonly area: string;
  readonly industry: string;
  readonly board: Board;
  readonly isSpecialTreatment: boolean;
  /** The first day on which it can trade; may lie before the market's first day. */
  readonly listedOn: Day;
  /** The day it leaves the exchange; the last day on which it could trade is the trading day before. */
  readonly delistedOn: Day | undefined;
  /** From this day on its listing is paused; every later day of the market is a suspended one. */
  readonly pausedOn: Day | undefined;
}

/** A day's bar in whole cents and whole shares. */
export interface MarketBar {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly openCents: number;
  readonly highCents: number;
  readonly lowCents: number;
  readonly closeCents: number;
  /** The close before, or the reference price on an ex-day, or the issue price on the first day. */
  readonly preCloseCents: number;
  readonly volume: number;
  readonly turnoverCents: number;
  /** Undefined on days without price limit. */
  readonly limits: PriceLimits | undefined;
}

/** The cumulative factor in ten-thousandths. There is one for every trading day on which the security is listed. */
export interface MarketFactor {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly factorE4: number;
}

/** Trading stopped for a whole day (`timing` undefined, no bar) or for a part of it (there is a bar). */
export interface MarketSuspension {
  readonly code: SecurityCode;
  readonly day: Day;
  /** Such as `09:30-10:00`, Beijing time. */
  readonly timing: string | undefined;
}

/** A dividend, bonus or rights issue, on its ex-day. */
export interface CorporateAction {
  readonly code: SecurityCode;
  readonly announcedOn: Day;
  /** The last trading day with the right. */
  readonly recordedOn: Day;
  readonly exDay: Day;
  readonly terms: ActionTerms;
}

/** Everything that happened to a security within the market's days; every list is sorted by day. */
export interface SecurityHistory {
  readonly security: MarketSecurity;
  readonly bars: readonly MarketBar[];
  readonly factors: readonly MarketFactor[];
  readonly suspensions: readonly MarketSuspension[];
  /** First trading days after whole-day suspensions. */
  readonly resumptions: readonly Day[];
  readonly actions: readonly CorporateAction[];
}
