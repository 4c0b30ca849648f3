import { randomUUID } from "node:crypto";

import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { DataSet } from "../domain/rows.ts";
import type { Budget } from "../ports/budget.ts";
import type { Source } from "../ports/source.ts";
import { openTushareSource } from "../sources/tushare/source.ts";
import { ProviderGate, type GateLimits } from "../worker/provider-gate.ts";
import { type OnCall, ProviderLine } from "../worker/provider-line.ts";
import { retryWaitsOf } from "./retry-waits.ts";

/** A provider and one line to each of its data sets. */
export interface OpenProvider extends AsyncDisposable {
  readonly provider: ProviderName;
  /** Throws RangeError for a data set that it does not serve. */
  readonly line: (dataSet: DataSet) => ProviderLine;
  readonly callsAtOnceMax: number;
  /** One for each of its apis. */
  readonly gates: readonly ProviderGate[];
}

/** Throws PermanentError (settings) for a provider that is not served or lacks its token, before anything is opened. */
export function checkProviders({ providers, tushare }: Config): void {
  for (const provider of providers.chain) {
    if (provider !== "tushare") {
      throw new PermanentError(
        `providers.chain names ${provider}, which this version does not serve: only tushare`,
        "settings",
      );
    }
    tokenOf(tushare);
  }
}

/** Every provider of the chain, in its order. Throws PermanentError (settings) for one that is not served or lacks its token. */
export function openProviders(config: Config, budget: Budget, log: Log, onCall?: OnCall): readonly OpenProvider[] {
  checkProviders(config);
  return config.providers.chain.map(() => toOpenProvider(openTushare(config), { config, budget, log, onCall }));
}

/** When a provider's api counts as out, from the settings. */
export function gateLimitsOf({ breaker, worker }: Pick<Config, "breaker" | "worker">): GateLimits {
  return {
    failuresToOpen: breaker.failures,
    pauses: { waitMs: breaker.pauseMs, factor: 2, waitMsMax: breaker.pauseMsMax },
    outageDeadlineMs: worker.outageDeadlineMs,
  };
}

function tokenOf({ token }: Config["tushare"]): string {
  if (token === undefined) {
    throw new PermanentError(
      "no Tushare token is set: give it as TUSHARE_TOKEN, TUSHARE_TOKEN_FILE or tushare.token",
      "settings",
    );
  }
  return token;
}

function openTushare({ tushare }: Config): Source {
  return openTushareSource({
    token: tokenOf(tushare),
    clock: systemClock,
    baseUrl: tushare.url,
    callMsMax: tushare.timeoutMs,
    connectionsMax: tushare.callsAtOnce,
    codesMax: tushare.codesMax,
    rowCaps: { daily: tushare.rowsMax, adj_factor: tushare.rowsMax },
  });
}

interface LineSettings {
  readonly config: Config;
  readonly budget: Budget;
  readonly log: Log;
  readonly onCall: OnCall | undefined;
}

function toOpenProvider(source: Source, { config, budget, log, onCall }: LineSettings): OpenProvider {
  const { provider } = source;
  const clock = systemClock;
  const gates = new Map<string, ProviderGate>();
  const lines = new Map<DataSet, ProviderLine>();
  for (const capability of source.capabilities) {
    const { api } = capability;
    const gate =
      gates.get(api) ?? new ProviderGate({ key: { provider, api }, limits: gateLimitsOf(config), clock, log });
    gates.set(api, gate);
    const retryWaits = retryWaitsOf(config);
    const newCallId = randomUUID;
    const shared = { source, capability, budget, gate, retryWaits, clock, log, newCallId };
    const line = new ProviderLine({ ...shared, onCall });
    lines.set(capability.dataSet, line);
  }
  return {
    provider,
    line: (dataSet) => {
      const line = lines.get(dataSet);
      if (line === undefined) {
        throw new RangeError(`${provider} does not serve ${dataSet}`);
      }
      return line;
    },
    callsAtOnceMax: config.tushare.callsAtOnce,
    gates: [...gates.values()],
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
