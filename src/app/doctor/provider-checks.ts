import type { Log } from "../../base/log.ts";
import { systemClock } from "../../base/clock.ts";
import type { Config } from "../../config.ts";
import { addDays, dayAt, SHANGHAI } from "../../domain/day.ts";
import type { Call } from "../../domain/unit.ts";
import { openBudgetSide } from "../open-budget.ts";
import { openProviders } from "../open-providers.ts";
import type { DoctorOptions } from "./doctor-api.ts";
import { type CheckPlan, ok, skipped } from "./run-checks.ts";

const HOW = "--call-provider makes one call, which counts against the limit";

export function providerChecks(config: Config, { callProvider }: DoctorOptions, log: Log): readonly CheckPlan[] {
  const [first] = config.providers.chain;
  return [
    {
      name: "provider settings",
      todo: "check providers.chain and the provider's token",
      look: async (signal) => {
        // Opening makes no call, and throws for what is not served or has no token.
        await using budget = await openBudgetSide(
          { ...config, redis: { ...config.redis, host: undefined } },
          log,
          signal,
        );
        await using opened = new AsyncDisposableStack();
        for (const provider of openProviders(config, budget.budget, log)) {
          opened.use(provider);
        }
        return ok(`${config.providers.chain.join(", ")}; at most ${config.tushare.callsPerMinute} calls in any 60 s`);
      },
    },
    {
      name: "provider call",
      after: "provider settings",
      todo: "see that the provider can be reached, and check its token",
      look: async (signal) => {
        if (!callProvider) {
          return skipped("the token was not tried", HOW);
        }
        await using budgetSide = await openBudgetSide(config, log, signal);
        await using opened = new AsyncDisposableStack();
        const providers = openProviders(config, budgetSide.budget, log).map((provider) => opened.use(provider));
        const to = dayAt(systemClock.now(), SHANGHAI);
        const call: Call<"trading-calendar"> = {
          dataSet: "trading-calendar",
          frequency: "1d",
          selection: { by: "range", from: addDays(to, -7), to },
        };
        const answer = await providers[0]?.line("trading-calendar").fetchAll(call, signal);
        return ok(
          `${first ?? "nobody"} took the token and answered with ${answer?.rows.length ?? 0} days of the calendar`,
        );
      },
    },
  ];
}
