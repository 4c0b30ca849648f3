import type { TestContext } from "node:test";

import { generateForeignMarkets, type ForeignMarkets, type ForeignOptions } from "../../src/market/foreign.ts";
import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { akshareData } from "../../src/simulators/akshare/market-data.ts";
import {
  startAkshareSimulator,
  type AkshareSimulator,
  type AkshareSimulatorOptions,
} from "../../src/simulators/akshare/simulator.ts";
import { marketData as baostockData } from "../../src/simulators/baostock/market-data.ts";
import {
  startBaostockSimulator,
  type BaostockSimulator,
  type BaostockSimulatorOptions,
} from "../../src/simulators/baostock/simulator.ts";
import { marketData as tdxData } from "../../src/simulators/tdx/market-data.ts";
import { startTdxSimulator, type TdxSimulator, type TdxSimulatorOptions } from "../../src/simulators/tdx/simulator.ts";
import { marketData as tushareData } from "../../src/simulators/tushare/market-data.ts";
import type { TushareSimulatorOptions } from "../../src/simulators/tushare/simulator.ts";
import { yahooData } from "../../src/simulators/yahoo/market-data.ts";
import {
  startYahooSimulator,
  type YahooSimulator,
  type YahooSimulatorOptions,
} from "../../src/simulators/yahoo/simulator.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

/** One truth, and every provider's own way to say it. The simulated Tushare is the worker rig's. */
export interface ProvidersRig extends AsyncDisposable {
  readonly rig: WorkerRig;
  readonly market: Market;
  readonly foreign: ForeignMarkets;
  readonly baostock: BaostockSimulator;
  /** Two servers of the same data. */
  readonly tdx: readonly TdxSimulator[];
  readonly akshare: AkshareSimulator;
  readonly yahoo: YahooSimulator;
}

export interface ProvidersRigOptions {
  readonly market: Parameters<typeof generateMarket>[0];
  /** Of Hong Kong and the United States; as long as the market by default. */
  readonly foreign?: ForeignOptions;
  readonly tushare?: Partial<TushareSimulatorOptions>;
  readonly baostock?: Partial<BaostockSimulatorOptions>;
  readonly tdx?: Partial<TdxSimulatorOptions>;
  readonly akshare?: Partial<AkshareSimulatorOptions>;
  readonly yahoo?: Partial<YahooSimulatorOptions>;
  readonly env?: Readonly<Record<string, string>>;
  /** Default `baostock,tdx`, which need no token. */
  readonly chain?: string;
}

function lastDayOf({ days }: Market): Pick<ForeignOptions, "to"> {
  const to = days.at(-1);
  return to === undefined ? {} : { to };
}

/** A worker before simulated servers of all providers, which serve one market. */
export async function openProvidersRig(
  t: TestContext,
  options: ProvidersRigOptions,
): Promise<ProvidersRig | undefined> {
  const market = generateMarket(options.market);
  const like = { seed: options.market.seed, tradingDays: market.days.length, ...lastDayOf(market) };
  const foreign = generateForeignMarkets(options.foreign ?? like);
  await using opened = new AsyncDisposableStack();
  const baostock = opened.use(await startBaostockSimulator({ data: baostockData(market), ...options.baostock }));
  const tdx: TdxSimulator[] = [];
  for (const server of [1, 2]) {
    tdx.push(opened.use(await startTdxSimulator({ data: tdxData(market), seed: server, ...options.tdx })));
  }
  const akshare = opened.use(await startAkshareSimulator({ data: akshareData(market), ...options.akshare }));
  const yahoo = opened.use(await startYahooSimulator({ data: yahooData(market, foreign), ...options.yahoo }));
  const rig = await openWorkerRig(t, {
    data: tushareData(market, { auctionRow: "within" }),
    ...options.tushare,
    env: {
      GINKGO_PROVIDERS_CHAIN: options.chain ?? "baostock,tdx",
      GINKGO_BAOSTOCK_HOST: baostock.host,
      GINKGO_BAOSTOCK_PORT: String(baostock.port),
      GINKGO_BAOSTOCK_CALLS_PER_MINUTE: "10000",
      GINKGO_TDX_HOSTS: tdx.map(({ host, port }) => `${host}:${port}`).join(","),
      GINKGO_TDX_CALLS_PER_MINUTE: "100000",
      GINKGO_TDX_PAUSE_MS: "0",
      GINKGO_AKSHARE_URL: akshare.url,
      GINKGO_AKSHARE_CALLS_PER_MINUTE: "10000",
      GINKGO_AKSHARE_PAUSE_MS: "0",
      GINKGO_YAHOO_URL: yahoo.url,
      GINKGO_YAHOO_COOKIE_URL: yahoo.url,
      GINKGO_YAHOO_CALLS_PER_MINUTE: "10000",
      GINKGO_YAHOO_PAUSE_MS: "0",
      ...options.env,
    },
  });
  if (rig === undefined) {
    return undefined;
  }
  opened.use(rig);
  const open = opened.move();
  return { rig, market, foreign, baostock, tdx, akshare, yahoo, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
