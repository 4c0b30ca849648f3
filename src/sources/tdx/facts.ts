import { parseDay } from "../../domain/day.ts";
import type { ColumnRounding, ProviderFacts } from "../../ports/provider-facts.ts";

const THOUSANDS_CUT_BEFORE = parseDay("2018-06-07");
/** A float of 32 bits, stored to the fen. */
const AMOUNT: ColumnRounding = {
  column: "amount",
  steps: [{ how: "float32" }, { how: "nearest", to: "0.01" }],
  certainty: "seen",
};
/** Up to early June of 2018 a day's float was cut to whole thousands of yuan, and is a float again. */
const DAY_AMOUNT: readonly ColumnRounding[] = [
  AMOUNT,
  {
    column: "amount",
    steps: [{ how: "float32" }, { how: "cut", to: "1000" }, { how: "float32" }, { how: "nearest", to: "0.01" }],
    before: THOUSANDS_CUT_BEFORE,
    certainty: "seen",
  },
];
/**
 * Whole lots, of which a float has every one up to 2^24. Record files have shares, up to early June of 2018 as a float of
 * what was cut to lots.
 */
const DAY_LOTS: readonly ColumnRounding[] = [
  {
    column: "volume",
    steps: [
      { how: "cut", to: "100" },
      { how: "float32", places: 2 },
    ],
    certainty: "seen",
  },
  {
    column: "volume",
    steps: [{ how: "cut", to: "100" }, { how: "float32" }],
    before: THOUSANDS_CUT_BEFORE,
    certainty: "seen",
  },
];
/** In shares; recorded ones are whole lots. */
const MINUTE_LOTS: ColumnRounding = {
  column: "volume",
  steps: [{ how: "cut", to: "100" }, { how: "float32" }],
  certainty: "seen",
};
const HUNDRED_LOTS: ColumnRounding = {
  column: "volume",
  steps: [
    { how: "cut", to: "10000" },
    { how: "float32", places: 4 },
  ],
  certainty: "seen",
};
/** Hundredths, though the wire could say thousandths. */
const INDEX_PRICES: ColumnRounding = {
  column: "price",
  steps: [{ how: "nearest", to: "0.01" }],
  certainty: "seen",
};

/** Protocol sections 4.2, 6.4, 6.6 and 8. The wire's integers and floats have no decimals of their own. */
export const TDX_FACTS: ProviderFacts = {
  provider: "tdx",
  title: "TongDaXin",
  protocol: "binary frames over TCP, port 7709, without TLS",
  needs: "nothing",
  price: "free: public servers and those of brokers, without an account and without a promise",
  quotas: [],
  connectionsMax: undefined,
  units: [
    {
      rows: "daily bars",
      kinds: ["stock", "etf", "fund"],
      volume: "lots",
      amount: "yuan",
      numbers: "float32",
      rounding: [...DAY_LOTS, ...DAY_AMOUNT],
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["index"],
      volume: "hundred-lots",
      amount: "yuan",
      numbers: "float32",
      rounding: [HUNDRED_LOTS, INDEX_PRICES, AMOUNT],
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["bond"],
      volume: "told-by-turnover",
      amount: "yuan",
      numbers: "float32",
      rounding: [{ column: "volume", steps: [{ how: "float32" }], certainty: "reported" }, AMOUNT],
      certainty: "reported",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "etf", "fund"],
      volume: "shares",
      amount: "yuan",
      numbers: "float32",
      rounding: [MINUTE_LOTS, AMOUNT],
      certainty: "reported",
    },
    {
      rows: "minute bars",
      kinds: ["index", "bond"],
      volume: "told-by-turnover",
      amount: "yuan",
      numbers: "float32",
      rounding: [AMOUNT],
      certainty: "reported",
    },
    {
      rows: "ticks",
      kinds: ["stock", "etf", "fund"],
      volume: "lots",
      amount: "none",
      numbers: "integer",
      certainty: "seen",
    },
  ],
  factorRounding: [],
};
