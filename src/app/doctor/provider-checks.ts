import type { Log } from "../../base/log.ts";
import { systemClock } from "../../base/clock.ts";
import type { Config } from "../../config.ts";
import { addDays, dayAt, SHANGHAI } from "../../domain/day.ts";
import { providersInUse } from "../../domain/chain-rule.ts";
import { marketOfExchange } from "../../domain/market.ts";
import type { ProviderName } from "../../domain/provider.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import type { Capability } from "../../ports/source.ts";
import { openBudgetSide } from "../open-budget.ts";
import { openProviders } from "../open-providers.ts";
import { servedProvider } from "../provider-table.ts";
import type { DoctorOptions } from "./doctor-api.ts";
import { type CheckPlan, ok, skipped } from "./run-checks.ts";

const HOW = "--call-provider makes one call, which counts against the limit";

export function providerChecks(config: Config, { callProvider }: DoctorOptions, log: Log): readonly CheckPlan[] {
  return [
    {
      name: "provider settings",
      todo: "check providers.chain, and what its providers know us by",
      look: async (signal) => {
        // Opening makes no call, and throws for what is not served or lacks a token.
        await using budget = await openBudgetSide(
          { ...config, redis: { ...config.redis, host: undefined } },
          log,
          signal,
        );
        await using opened = new AsyncDisposableStack();
        for (const provider of openProviders(config, budget.budget, log)) {
          opened.use(provider);
        }
        const limits = providersInUse(config.providers).map(
          (provider) => `${provider} ${describeLimits(config, provider)}`,
        );
        return ok(limits.join("; "));
      },
    },
    ...providersInUse(config.providers).map((provider): CheckPlan => ({
      name: `${provider} call`,
      after: "provider settings",
      todo: "see that the provider can be reached, and that it knows us",
      msMax: CALL_MS_MAX,
      look: async (signal) => {
        if (!callProvider) {
          return skipped(`${provider} was not called`, HOW);
        }
        await using budgetSide = await openBudgetSide(config, log, signal);
        await using opened = new AsyncDisposableStack();
        const source = opened.use(servedProvider(provider).open(config, log));
        const { call, api } = callFor(source.capabilities);
        await budgetSide.budget.acquire({ provider, api }, signal);
        // Once: what a worker would try again is what somebody who asks the doctor wants to read.
        const { rows } = await source.fetch(call, signal);
        return ok(`${provider} answered with ${rows.length} rows of ${call.dataSet}`);
      },
    })),
  ];
}

/** A provider may be far away, and may have many servers of which most are gone. */
const CALL_MS_MAX = 30_000;

/** A week of the calendar, or where it has none of an index that it is sure to have. */
function callFor(capabilities: readonly Capability[]): {
  readonly call: Call<"trading-calendar" | "bars">;
  readonly api: string;
} {
  const to = dayAt(systemClock.now(), SHANGHAI);
  const from = addDays(to, -7);
  const find = (wanted: Call["dataSet"]): Capability | undefined =>
    capabilities.find(({ dataSet }) => dataSet === wanted);
  const calendar = find("trading-calendar");
  if (calendar === undefined) {
    return {
      call: { dataSet: "bars", frequency: "1d", selection: { by: "codes", codes: [INDEX], from, to } },
      api: find("bars")?.api ?? "bars",
    };
  }
  const market = marketOfExchange(calendar.exchanges[0] ?? "SH");
  const selection = { by: "range", from, to, market } as const;
  return { call: { dataSet: "trading-calendar", frequency: "1d", selection }, api: calendar.api };
}

/** The composite index of Shanghai. */
const INDEX = parseSecurityCode("000001.SH");

function describeLimits(config: Config, provider: ProviderName): string {
  const limits = servedProvider(provider).limits(config);
  return limits.map(({ calls, windowMs }) => `at most ${calls} calls in any ${windowMs / 1_000} s`).join(" and ");
}
