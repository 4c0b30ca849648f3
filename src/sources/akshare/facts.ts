import type { ColumnRounding, ProviderFacts } from "../../ports/provider-facts.ts";

/** Of Eastmoney to the nearest lot; Sina's rows, which look alike here, are whole shares and no multiples as a rule. */
const LOTS: readonly ColumnRounding[] = [
  { column: "volume", steps: [{ how: "nearest", to: "100" }], certainty: "seen" },
  { column: "amount", steps: [{ how: "nearest", to: "0.01" }], certainty: "seen" },
];

/**
 * Protocol sections A0, A1, A7 and A12. What is said here is of the upstream that is asked first: bars that Sina serves in
 * Eastmoney's place are in shares, and its turnover comes to four digits of a yuan.
 */
export const AKSHARE_FACTS: ProviderFacts = {
  provider: "akshare",
  title: "AKShare's upstreams: Eastmoney, Sina, Tencent and the exchanges",
  protocol: "JSON and script files over HTTPS, or an AKTools server over HTTP",
  needs: "nothing",
  price: "free: the web pages' own addresses, without an account and without a promise",
  // Reports of how many requests in a row are borne differ from 50 to 200, and nobody states a window.
  quotas: [],
  connectionsMax: 1,
  units: [
    {
      // Rounded to the nearest lot by Eastmoney. Of the board for science the turnover tells whether it is lots.
      market: "CN",
      rows: "daily bars",
      kinds: ["stock", "etf", "fund"],
      volume: "lots",
      amount: "yuan",
      numbers: "decimal",
      rounding: LOTS,
      certainty: "seen",
    },
    {
      // In dollars of Hong Kong.
      market: "HK",
      rows: "daily bars",
      kinds: ["stock"],
      volume: "shares",
      amount: "yuan",
      numbers: "decimal",
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["index"],
      volume: "lots",
      amount: "yuan",
      numbers: "decimal",
      rounding: [{ column: "price", steps: [{ how: "nearest", to: "0.01" }], certainty: "reported" }, ...LOTS],
      certainty: "seen",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "index"],
      volume: "lots",
      amount: "yuan",
      numbers: "decimal",
      rounding: LOTS,
      certainty: "seen",
    },
    {
      // A minute of one was seen in lots; of the others nobody says.
      rows: "minute bars",
      kinds: ["etf", "fund"],
      volume: "told-by-turnover",
      amount: "yuan",
      numbers: "decimal",
      certainty: "reported",
    },
    {
      // The print's turnover is there, and no column of ours for it.
      rows: "ticks",
      kinds: ["stock", "etf", "fund"],
      volume: "lots",
      amount: "none",
      numbers: "decimal",
      certainty: "seen",
    },
  ],
  // Sixteen digits, of which our column keeps eight.
  factorRounding: [{ how: "nearest", to: "0.00000001" }],
};
