import type { Temporal } from "temporal-polyfill";

import type { Day } from "./day.ts";
import type { Frequency } from "./frequency.ts";
import type { ProviderName } from "./provider.ts";
import type { SecurityCode } from "./security-code.ts";

/** Which days a message asks for. Explicit days beat `days`; `full` starts at the listing day whatever `history.start` says. */
export interface RangeRequest {
  readonly full: boolean;
  readonly start: Day | undefined;
  readonly end: Day | undefined;
  /** The last N trading days up to the end; without one, up to when it was asked, and all that came since. */
  readonly days: number | undefined;
}

interface OverCodes {
  /** At least one, no repeats, in the order asked for. */
  readonly codes: readonly SecurityCode[];
  readonly range: RangeRequest;
  /** Fetch again even what is stored. */
  readonly force: boolean;
  /** Pins one data source. */
  readonly provider: ProviderName | undefined;
}

interface OverMarket {
  readonly force: boolean;
  readonly provider: ProviderName | undefined;
}

/** What a message asks for, in our words; `parse-message.ts` has the table from the wire's words. */
export type Command =
  | (OverCodes & { readonly kind: "sync-bars"; readonly frequency: Frequency; readonly withFactors: boolean })
  | (OverCodes & { readonly kind: "sync-ticks" })
  | (OverCodes & { readonly kind: "sync-adjustment-factors" })
  | (OverMarket & { readonly kind: "sync-stock-list" })
  | (OverMarket & { readonly kind: "sync-trading-calendar" })
  | { readonly kind: "beat" }
  /** Meant for another component: acknowledged and counted. */
  | { readonly kind: "ignore"; readonly wireCommand: string };

/** Who asked, when and under which ids; only for the log, the outcome record and whoever waits. */
export interface Envelope {
  readonly requestId: string | undefined;
  readonly correlationId: string | undefined;
  /** Who asked, such as `task_timer`; not a data provider. */
  readonly askedBy: string | undefined;
  readonly askedAt: Temporal.Instant | undefined;
}

/** JSON paths for what is found wrong with a request after it was parsed. */
export interface RequestPlaces {
  /** Where the parameters stand: `$` in the short form, `$.params` in the long one. */
  readonly params: string;
  /** The field that names the codes; `code` where there is none or one. */
  readonly codes: string;
}

export interface Request {
  readonly command: Command;
  readonly envelope: Envelope;
  readonly places: RequestPlaces;
}
