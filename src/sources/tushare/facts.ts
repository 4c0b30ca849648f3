import { parseDay } from "../../domain/day.ts";
import type { ColumnRounding, ProviderFacts } from "../../ports/provider-facts.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Thousands of yuan have three digits since 2017 and had up to four before. */
const AMOUNT: readonly ColumnRounding[] = [
  { column: "amount", steps: [{ how: "nearest", to: "1" }], certainty: "seen" },
  { column: "amount", steps: [{ how: "nearest", to: "0.1" }], certainty: "seen" },
];
const LOTS_WHOLE_BEFORE = parseDay("2001-01-01");
/** Lots were whole up to late in 2000, cut or rounded. A stock's prices have two digits, also what an ex-day is reckoned from. */
const STOCK_ROUNDING: readonly ColumnRounding[] = [
  { column: "pre_close", steps: [{ how: "nearest", to: "0.01" }], certainty: "seen" },
  { column: "volume", steps: [{ how: "cut", to: "100" }], before: LOTS_WHOLE_BEFORE, certainty: "seen" },
  { column: "volume", steps: [{ how: "nearest", to: "100" }], before: LOTS_WHOLE_BEFORE, certainty: "seen" },
  ...AMOUNT,
];
/** Nobody recorded these; they come from the same interface. */
const OTHER_ROUNDING = AMOUNT.map((rounding): ColumnRounding => ({ ...rounding, certainty: "reported" }));

/** Protocol sections 4.1, 4.5, 4.7 and 6. */
export const TUSHARE_FACTS: ProviderFacts = {
  provider: "tushare",
  title: "Tushare Pro",
  protocol: "JSON over HTTPS",
  needs: "token",
  price:
    "by points of the account: 120 come with registering, 2,000 are wanted for factors and the stock list; minute bars are sold apart",
  quotas: [
    {
      calls: 50,
      windowMs: MINUTE_MS,
      says: "of each api, for an account with 120 points; some apis once an hour only",
      certainty: "documented",
    },
    { calls: 200, windowMs: MINUTE_MS, says: "of each api, from 2,000 points on", certainty: "documented" },
    { calls: 500, windowMs: MINUTE_MS, says: "of each api, from 5,000 points on", certainty: "documented" },
    {
      calls: 500,
      windowMs: MINUTE_MS,
      says: "of minute bars, which are sold apart; without them none, or two calls to try",
      certainty: "documented",
    },
    { calls: 300_000, windowMs: DAY_MS, says: "of minute bars", certainty: "reported" },
  ],
  connectionsMax: undefined,
  units: [
    {
      rows: "daily bars",
      kinds: ["stock"],
      volume: "lots",
      amount: "thousand-yuan",
      numbers: "decimal",
      rounding: STOCK_ROUNDING,
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["index", "etf", "fund"],
      volume: "lots",
      amount: "thousand-yuan",
      numbers: "decimal",
      rounding: OTHER_ROUNDING,
      certainty: "documented",
    },
    {
      rows: "minute bars",
      kinds: ["stock"],
      volume: "shares",
      amount: "yuan",
      numbers: "decimal",
      certainty: "seen",
    },
  ],
  // Three digits in some years and four in others (111.0487, 111.049).
  factorRounding: [
    { how: "nearest", to: "0.0001" },
    { how: "nearest", to: "0.001" },
  ],
};
