import type { ProviderFacts } from "../../ports/provider-facts.ts";

const MINUTE_MS = 60_000;

/** Protocol sections 4.1 and 6. */
export const TUSHARE_FACTS: ProviderFacts = {
  provider: "tushare",
  title: "Tushare Pro",
  protocol: "JSON over HTTPS",
  needs: "token",
  price: "by points of the account: 120 come with registering, 2,000 are wanted for factors and the stock list",
  quotas: [
    {
      calls: 50,
      windowMs: MINUTE_MS,
      says: "of each api, for an account with 120 points; some apis once an hour only",
      certainty: "documented",
    },
    { calls: 200, windowMs: MINUTE_MS, says: "of each api, from 2,000 points on", certainty: "documented" },
    { calls: 500, windowMs: MINUTE_MS, says: "of each api, from 5,000 points on", certainty: "documented" },
  ],
  connectionsMax: undefined,
  units: [
    {
      rows: "daily bars",
      kinds: ["stock"],
      volume: "lots",
      amount: "thousand-yuan",
      numbers: "decimal",
      certainty: "seen",
    },
  ],
};
