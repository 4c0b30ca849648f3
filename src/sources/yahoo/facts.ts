import type { ColumnRounding, ProviderFacts } from "../../ports/provider-facts.ts";

const MINUTE_MS = 60_000;

/** The shortest decimal that the float may stand for, which is the exchange's own but for prices of many digits. */
const PRICES: readonly ColumnRounding[] = [
  { column: "price", steps: [{ how: "adjusted-float32" }, { how: "nearest", to: "0.0001" }], certainty: "seen" },
];

/** Protocol sections 2, 3 and 4. */
export const YAHOO_FACTS: ProviderFacts = {
  provider: "yahoo",
  title: "Yahoo Finance",
  protocol: "JSON over HTTPS, undocumented",
  needs: "nothing",
  price: "free and without an account; the provider promises nothing, and addresses of data centres are often refused",
  quotas: [
    {
      calls: 60,
      windowMs: MINUTE_MS,
      says: "of one address, as its users advise; beyond an unstated limit it is refused for minutes to hours",
      certainty: "reported",
    },
  ],
  connectionsMax: 2,
  units: [
    {
      rows: "daily bars",
      kinds: ["stock", "etf", "fund"],
      volume: "shares",
      amount: "none",
      numbers: "float32",
      rounding: PRICES,
      certainty: "seen",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "etf", "fund"],
      volume: "shares",
      amount: "none",
      numbers: "float32",
      rounding: PRICES,
      certainty: "seen",
    },
  ],
  factorRounding: [{ how: "nearest", to: "0.00000001" }],
};
