import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { PROVIDERS, type ProviderName } from "../domain/provider.ts";
import { chainForMarket, chainSubjectOf } from "../domain/chain-rule.ts";
import { isOfMarket, type MarketName, MARKETS } from "../domain/market.ts";
import type { Abilities } from "../planning/covers.ts";
import type { Publication } from "../planning/final-day.ts";
import type { CallLimit } from "../ports/budget.ts";
import type { ProviderFacts } from "../ports/provider-facts.ts";
import type { Capability, Source } from "../ports/source.ts";
import { AKSHARE_FACTS } from "../sources/akshare/facts.ts";
import { AKSHARE_HOSTS } from "../sources/akshare/hosts.ts";
import { akshareCapabilities, openAkshareSource } from "../sources/akshare/source.ts";
import { BAOSTOCK_FACTS } from "../sources/baostock/facts.ts";
import { baostockCapabilities, openBaostockSource } from "../sources/baostock/source.ts";
import { TDX_FACTS } from "../sources/tdx/facts.ts";
import { openTdxSource, tdxCapabilities } from "../sources/tdx/source.ts";
import { TDX_SERVERS } from "../sources/tdx/servers.ts";
import type { TdxServer } from "../sources/tdx/connection.ts";
import { TUSHARE_FACTS } from "../sources/tushare/facts.ts";
import { openTushareSource, tushareCapabilities } from "../sources/tushare/source.ts";
import { YAHOO_FACTS } from "../sources/yahoo/facts.ts";
import { openYahooSource, yahooCapabilities } from "../sources/yahoo/source.ts";

/** All that the application knows of one provider beside its source. */
export interface ServedProvider {
  /** Throws PermanentError (settings) for what is missing, before anything is opened. */
  readonly check: (config: Config) => void;
  readonly open: (config: Config, log: Log) => Source;
  /** What it costs, grants and writes; of the provider and no setting of ours. */
  readonly facts: ProviderFacts;
  /** Known without an account. */
  readonly capabilities: (config: Config) => readonly Capability[];
  /** Of each api; all hold. */
  readonly limits: (config: Config) => readonly CallLimit[];
  /** Whose calls are counted together, beside the api: those with one token or at one service. */
  readonly identity: (config: Config) => string;
  /** Where it is reached, host names or addresses. */
  readonly hosts: (config: Config) => readonly string[];
  /** Bans an address that has several connections: one worker of the fleet asks at a time. */
  readonly isForOneWorker?: true;
  /** Calls of one data set under way at the same time, per worker. */
  readonly callsAtOnce: (config: Config) => number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Of the user `anonymous`; everybody's, and so no secret. */
const BAOSTOCK_PASSWORD = "123456";

const TABLE: Readonly<Record<ProviderName, ServedProvider>> = {
  tushare: {
    check: (config) => {
      tokenOf(config);
    },
    open: (config) =>
      openTushareSource({
        token: tokenOf(config),
        clock: systemClock,
        baseUrl: config.tushare.url,
        callMsMax: config.tushare.timeoutMs,
        connectionsMax: config.tushare.callsAtOnce,
        ...tushareCaps(config),
      }),
    facts: TUSHARE_FACTS,
    capabilities: (config) => tushareCapabilities(tushareCaps(config)),
    limits: ({ tushare }) => [{ calls: tushare.callsPerMinute, windowMs: MINUTE_MS }],
    identity: ({ tushare }) => tushare.token ?? "",
    hosts: ({ tushare }) => [new URL(tushare.url).hostname],
    callsAtOnce: ({ tushare }) => tushare.callsAtOnce,
  },
  baostock: {
    check: () => undefined,
    open: ({ baostock }) =>
      openBaostockSource({
        host: baostock.host,
        port: baostock.port,
        user: baostock.user,
        password: baostock.password ?? BAOSTOCK_PASSWORD,
        ...(baostock.apiKey === undefined ? {} : { apiKey: baostock.apiKey }),
        callMsMax: baostock.timeoutMs,
        loginPauseMs: baostock.loginPauseMs,
        loginsMax: baostock.loginsPerHour,
        waitMsMax: baostock.waitMsMax,
        clock: systemClock,
      }),
    facts: BAOSTOCK_FACTS,
    capabilities: () => baostockCapabilities(),
    limits: ({ baostock }) => [
      { calls: baostock.callsPerMinute, windowMs: MINUTE_MS },
      { calls: baostock.callsPerDay, windowMs: DAY_MS },
    ],
    // It counts by our address, which a fleet shares as a rule.
    identity: ({ baostock }) => `${baostock.host}:${baostock.port}`,
    hosts: ({ baostock }) => [baostock.host],
    // One request at a time on one connection; more addresses than one have been banned for.
    callsAtOnce: () => 1,
    isForOneWorker: true,
  },
  tdx: {
    check: () => undefined,
    open: ({ tdx }) =>
      openTdxSource({
        servers: tdx.hosts.length === 0 ? TDX_SERVERS : tdx.hosts.map((text) => toServer(text)),
        connectionsMax: tdx.connections,
        callMsMax: tdx.timeoutMs,
        pauseMs: tdx.pauseMs,
        clock: systemClock,
      }),
    facts: TDX_FACTS,
    capabilities: () => tdxCapabilities(),
    limits: ({ tdx }) => [{ calls: tdx.callsPerMinute, windowMs: MINUTE_MS }],
    identity: ({ tdx }) => tdx.hosts.join(),
    hosts: ({ tdx }) =>
      (tdx.hosts.length === 0 ? TDX_SERVERS : tdx.hosts.map((text) => toServer(text))).map(({ host }) => host),
    callsAtOnce: ({ tdx }) => tdx.connections,
  },
  akshare: {
    check: () => undefined,
    open: ({ akshare }) =>
      openAkshareSource({
        clock: systemClock,
        ...(akshare.url === undefined ? {} : { baseUrl: akshare.url }),
        ...(akshare.aktoolsUrl === undefined ? {} : { aktoolsUrl: akshare.aktoolsUrl }),
        callMsMax: akshare.timeoutMs,
        aktoolsMsMax: akshare.aktoolsTimeoutMs,
        pauseMs: akshare.pauseMs,
        banWaitMs: akshare.waitMs,
        banWaitMsMax: akshare.waitMsMax,
      }),
    facts: AKSHARE_FACTS,
    capabilities: ({ akshare }) => akshareCapabilities({ aktoolsUrl: akshare.aktoolsUrl }),
    limits: ({ akshare }) => [{ calls: akshare.callsPerMinute, windowMs: MINUTE_MS }],
    // The upstreams count by our address, which a fleet shares as a rule; an AKTools server is what it is asked through.
    identity: ({ akshare }) => akshare.aktoolsUrl ?? akshare.url ?? "",
    hosts: ({ akshare }) =>
      akshare.aktoolsUrl === undefined && akshare.url === undefined
        ? AKSHARE_HOSTS
        : [new URL(akshare.aktoolsUrl ?? akshare.url ?? "").hostname],
    callsAtOnce: () => 1,
  },
  yahoo: {
    check: () => undefined,
    open: ({ yahoo }) =>
      openYahooSource({
        clock: systemClock,
        baseUrl: yahoo.url,
        cookieUrl: yahoo.cookieUrl,
        callMsMax: yahoo.timeoutMs,
        pauseMs: yahoo.pauseMs,
        limitWaitMs: yahoo.waitMs,
        limitWaitMsMax: yahoo.waitMsMax,
      }),
    facts: YAHOO_FACTS,
    capabilities: () => yahooCapabilities(),
    limits: ({ yahoo }) => [{ calls: yahoo.callsPerMinute, windowMs: MINUTE_MS }],
    // It counts by our address.
    identity: ({ yahoo }) => new URL(yahoo.url).host,
    hosts: ({ yahoo }) => [new URL(yahoo.url).hostname],
    callsAtOnce: () => 2,
  },
};

export function servedProvider(provider: ProviderName): ServedProvider {
  return TABLE[provider];
}

/** What every provider of this version can do, in the chain or not. */
export function abilitiesOf(config: Config): Abilities {
  return new Map(PROVIDERS.map((provider) => [provider, servedProvider(provider).capabilities(config)]));
}

export interface AbleProvider {
  readonly provider: ProviderName;
  readonly capability: Capability;
}

/** The first of the chain that has a data set at a frequency, and what it can do. Throws PermanentError (settings) when none has. */
export function firstAble(
  config: Config,
  dataSet: Capability["dataSet"],
  frequency: Capability["frequency"] = "1d",
): AbleProvider {
  const [able] = allAble(config, dataSet, frequency);
  if (able === undefined) {
    throw noneAble(config.providers.chain, dataSet, frequency);
  }
  return able;
}

export function noneAble(
  providers: readonly ProviderName[],
  dataSet: Capability["dataSet"],
  frequency: Capability["frequency"],
): PermanentError {
  return new PermanentError(
    `no provider of providers.chain (${providers.join(", ")}) has ${dataSet.replace("-", " ")} at ${frequency}`,
    "settings",
  );
}

/** Every capability of the chain for a data set at a frequency in a market, of whatever kinds, in the chain's order. */
export function allAble(
  config: Config,
  dataSet: Capability["dataSet"],
  frequency: Capability["frequency"],
  market: MarketName = "CN",
): readonly AbleProvider[] {
  return chainForMarket(config.providers, chainSubjectOf(dataSet, frequency), market).flatMap((provider) =>
    servedProvider(provider)
      .capabilities(config)
      .filter((one) => one.dataSet === dataSet && one.frequency === frequency)
      .filter((one) => isOfMarket(one.exchanges, market))
      .map((capability) => ({ provider, capability })),
  );
}

function tushareCaps({ tushare }: Config): Parameters<typeof tushareCapabilities>[0] {
  return { codesMax: tushare.codesMax, rowCaps: { daily: tushare.rowsMax, adj_factor: tushare.rowsMax } };
}

/** `host:port`, as the setting is read. */
function toServer(text: string): TdxServer {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number.parseInt(text.slice(at + 1), 10) };
}

function tokenOf({ tushare }: Config): string {
  if (tushare.token === undefined) {
    throw new PermanentError(
      "no Tushare token is set: give it as TUSHARE_TOKEN, TUSHARE_TOKEN_FILE or tushare.token, or set providers.chain to baostock,tdx, which need none",
      "settings",
    );
  }
  return tushare.token;
}

/** Where nobody of the chain has the data set nothing is published; a day counts as over at this hour. */
const DAY_OVER_FROM = "17:00";

/** When the chain's first provider of a data set publishes a day. */
export function publicationsOf(
  config: Config,
): (dataSet: Capability["dataSet"], frequency: Capability["frequency"], market?: MarketName) => Publication {
  return (dataSet, frequency, market = "CN") =>
    allAble(config, dataSet, frequency, market)[0]?.capability ?? {
      completeFrom: DAY_OVER_FROM,
      zone: MARKETS[market].zone,
    };
}
