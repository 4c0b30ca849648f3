import type { Day } from "../domain/day.ts";
import type { InstrumentKind } from "../domain/instrument-kind.ts";
import type { MarketName } from "../domain/market.ts";
import type { ProviderName } from "../domain/provider.ts";

/**
 * What is known of a provider beside what it can answer: who may ask and at what price, how it counts calls, and how it
 * writes volume and money. For people who choose between providers, and for whatever plans calls.
 */
export interface ProviderFacts {
  readonly provider: ProviderName;
  /** As it calls itself. */
  readonly title: string;
  /** How it is spoken to, such as `JSON over HTTPS`. */
  readonly protocol: string;
  /** What has to be had before the first call. */
  readonly needs: "token" | "nothing";
  /** What access costs, in half a sentence. */
  readonly price: string;
  /** What the provider itself grants, as far as it is known; our own limits are settings and stay below. */
  readonly quotas: readonly Quota[];
  /** Connections from one address at a time that are known to be safe; undefined where none is known to harm. */
  readonly connectionsMax: number | undefined;
  /** Every bar and tick that the provider has is in one of these. */
  readonly units: readonly UnitFact[];
  /** What adjustment factors have lost; empty where there are none, or none is known to have lost anything. */
  readonly factorRounding: readonly RoundingStep[];
}

/** How far a fact can be relied on: seen in recorded answers, said by the provider, or told by its users. */
export const CERTAINTIES = ["seen", "documented", "reported"] as const;
export type Certainty = (typeof CERTAINTIES)[number];

export interface Quota {
  readonly calls: number;
  readonly windowMs: number;
  /** Of whom, and what happens beyond it. */
  readonly says: string;
  readonly certainty: Certainty;
}

/** How volume and money of some rows are written on the wire. */
export interface UnitFact {
  /** Of this market only; of every market that the provider has where it is absent. */
  readonly market?: MarketName;
  readonly rows: "daily bars" | "minute bars" | "ticks";
  readonly kinds: readonly InstrumentKind[];
  readonly volume: VolumeUnit;
  readonly amount: AmountUnit;
  /** `decimal` text or numbers are exact; a float of 32 bits keeps about seven digits. */
  readonly numbers: "decimal" | "float32" | "integer";
  /** What some columns have lost before they got here; absent where nothing is known of it. */
  readonly rounding?: readonly ColumnRounding[];
  readonly certainty: Certainty;
}

/** `price` is open, high, low and close. */
export type RoundedColumn = "price" | "pre_close" | "volume" | "amount";

/** What every value of a column went through, of all days or of those before one. */
export interface ColumnRounding {
  readonly column: RoundedColumn;
  /** In the order in which they happened; `to` is in shares and yuan, as rows are stored. */
  readonly steps: readonly RoundingStep[];
  readonly before?: Day;
  readonly certainty: Certainty;
}

/**
 * `cut` and `nearest`: to whole multiples of a unit; a value that is no multiple did not go through it, as where only one
 * of several upstreams rounds. `float32`: the value, counted in 10^`places`, became a float of 32 bits. `adjusted-float32`:
 * it did while it was divided by later splits, of which the row says nothing.
 */
export type RoundingStep =
  | { readonly how: "cut" | "nearest"; readonly to: string }
  | { readonly how: "float32"; readonly places?: number }
  | { readonly how: "adjusted-float32" };

/** How many shares one unit of volume is; undefined where the answer does not say and the turnover has to tell. */
export const VOLUME_UNITS = {
  shares: 1,
  lots: 100,
  "hundred-lots": 10_000,
  "told-by-turnover": undefined,
} as const;
export type VolumeUnit = keyof typeof VOLUME_UNITS;

/** How many yuan one unit of turnover is; undefined where there is none. */
export const AMOUNT_UNITS = { yuan: 1, "thousand-yuan": 1_000, none: undefined } as const;
export type AmountUnit = keyof typeof AMOUNT_UNITS;
