import type { ProviderFacts } from "../../ports/provider-facts.ts";

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
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["index"],
      volume: "hundred-lots",
      amount: "yuan",
      numbers: "float32",
      certainty: "seen",
    },
    {
      rows: "daily bars",
      kinds: ["bond"],
      volume: "told-by-turnover",
      amount: "yuan",
      numbers: "float32",
      certainty: "reported",
    },
    {
      rows: "minute bars",
      kinds: ["stock", "etf", "fund"],
      volume: "shares",
      amount: "yuan",
      numbers: "float32",
      certainty: "reported",
    },
    {
      rows: "minute bars",
      kinds: ["index", "bond"],
      volume: "told-by-turnover",
      amount: "yuan",
      numbers: "float32",
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
};
