import type { ProviderFacts } from "../../ports/provider-facts.ts";

const DAY_MS = 24 * 60 * 60_000;

/** Protocol sections 1, 6.1 and 9. */
export const BAOSTOCK_FACTS: ProviderFacts = {
  provider: "baostock",
  title: "BaoStock",
  protocol: "frames of text over TCP, port 10030, without TLS",
  needs: "nothing",
  price: "free, as its anonymous user; keys of paying users exist, and what they give is not known",
  quotas: [
    {
      calls: 50_000,
      windowMs: DAY_MS,
      says: "of one address; beyond it the address is on a blacklist for about a day",
      certainty: "reported",
    },
  ],
  connectionsMax: 1,
  units: [
    {
      rows: "daily bars",
      kinds: ["stock", "etf"],
      volume: "shares",
      amount: "yuan",
      numbers: "decimal",
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["index"],
      volume: "shares",
      amount: "yuan",
      numbers: "decimal",
      certainty: "reported",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "etf"],
      volume: "shares",
      amount: "yuan",
      numbers: "decimal",
      certainty: "seen",
    },
  ],
  factorRounding: [{ how: "nearest", to: "0.000001" }],
};
