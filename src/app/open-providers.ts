import { randomUUID } from "node:crypto";

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { providersInUse } from "../domain/chain-rule.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { DataSet } from "../domain/rows.ts";
import type { Budget } from "../ports/budget.ts";
import type { Lock } from "../ports/lock.ts";
import type { Capability, Source } from "../ports/source.ts";
import { ProviderGate, type GateLimits } from "../worker/provider-gate.ts";
import { type LineParts, ProviderLine } from "../worker/provider-line.ts";
import { checkChains } from "./chain-checks.ts";
import { withFleetTurn } from "./fleet-turn.ts";
import { abilitiesOf, servedProvider } from "./provider-table.ts";
import { retryWaitsOf } from "./retry-waits.ts";

/** A provider and one line for each of its capabilities. */
export interface OpenProvider extends AsyncDisposable {
  readonly provider: ProviderName;
  readonly capabilities: readonly Capability[];
  /** In the order of the capabilities. */
  readonly lines: readonly ProviderLine[];
  /** The first line to a data set. Throws RangeError for a data set or frequency that it does not serve; the frequency is 1d by default. */
  readonly line: (dataSet: DataSet, frequency?: Frequency) => ProviderLine;
  readonly callsAtOnceMax: number;
  /** One for each of its apis. */
  readonly gates: readonly ProviderGate[];
}

/** Throws PermanentError (settings) for a provider that lacks its token and for a chain that cannot do, before anything is opened. */
export function checkProviders(config: Config): void {
  for (const provider of providersInUse(config.providers)) {
    servedProvider(provider).check(config);
  }
  checkChains(config.providers, abilitiesOf(config));
}

export interface ProvidersOptions extends LineHooks {
  /** Where several workers may ask: a provider that bans such addresses is asked by one of them at a time. */
  readonly fleetLock?: Lock | undefined;
}

/** Every provider in use, those of the general chain first, in its order. Throws PermanentError (settings) for one that is not served or lacks its token. */
export function openProviders(
  config: Config,
  budget: Budget,
  log: Log,
  { fleetLock, ...hooks }: ProvidersOptions = {},
): readonly OpenProvider[] {
  checkProviders(config);
  return providersInUse(config.providers).map((provider) => {
    const served = servedProvider(provider);
    const own = served.open(config, log);
    const source =
      served.isForOneWorker === true && fleetLock !== undefined
        ? withFleetTurn({ source: own, lock: fleetLock, clock: systemClock, log })
        : own;
    return toOpenProvider(source, served.callsAtOnce(config), { config, budget, log, hooks });
  });
}

/** When a provider's api counts as out, from the settings. */
export function gateLimitsOf({ breaker, worker }: Pick<Config, "breaker" | "worker">): GateLimits {
  return {
    failuresToOpen: breaker.failures,
    pauses: { waitMs: breaker.pauseMs, factor: 2, waitMsMax: breaker.pauseMsMax },
    outageDeadlineMs: worker.outageDeadlineMs,
  };
}

/** Who is told of calls and waits. */
export type LineHooks = Pick<LineParts, "onCall" | "onWait">;

interface LineSettings {
  readonly config: Config;
  readonly budget: Budget;
  readonly log: Log;
  readonly hooks: LineHooks;
}

function toOpenProvider(
  source: Source,
  callsAtOnceMax: number,
  { config, budget, log, hooks }: LineSettings,
): OpenProvider {
  const { provider, capabilities } = source;
  const clock = systemClock;
  const gates = new Map<string, ProviderGate>();
  const lines: ProviderLine[] = [];
  for (const capability of capabilities) {
    const { api } = capability;
    const gate =
      gates.get(api) ?? new ProviderGate({ key: { provider, api }, limits: gateLimitsOf(config), clock, log });
    gates.set(api, gate);
    const retryWaits = retryWaitsOf(config);
    const newCallId = randomUUID;
    const shared = { source, capability, budget, gate, retryWaits, clock, log, newCallId };
    const line = new ProviderLine({ ...shared, ...hooks });
    lines.push(line);
  }
  return {
    provider,
    capabilities,
    lines,
    line: (dataSet, frequency = "1d") => {
      const line = lines.find(({ capability: one }) => one.dataSet === dataSet && one.frequency === frequency);
      if (line === undefined) {
        throw new RangeError(`${provider} does not serve ${dataSet} at ${frequency}`);
      }
      return line;
    },
    callsAtOnceMax,
    gates: [...gates.values()],
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
