import type { ProviderFacts } from "../../ports/provider-facts.ts";

const MINUTE_MS = 60_000;

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
      kinds: ["stock", "index", "etf", "fund"],
      volume: "shares",
      amount: "none",
      numbers: "float32",
      certainty: "seen",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "index", "etf", "fund"],
      volume: "shares",
      amount: "none",
      numbers: "float32",
      certainty: "seen",
    },
  ],
};
