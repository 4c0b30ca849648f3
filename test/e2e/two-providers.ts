import type { TestContext } from "node:test";

import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { marketData as baostockData } from "../../src/simulators/baostock/market-data.ts";
import {
  startBaostockSimulator,
  type BaostockSimulator,
  type BaostockSimulatorOptions,
} from "../../src/simulators/baostock/simulator.ts";
import { marketData as tdxData } from "../../src/simulators/tdx/market-data.ts";
import { startTdxSimulator, type TdxSimulator, type TdxSimulatorOptions } from "../../src/simulators/tdx/simulator.ts";
import { marketData as tushareData } from "../../src/simulators/tushare/market-data.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

export interface TwoProviders extends AsyncDisposable {
  readonly rig: WorkerRig;
  readonly market: Market;
  readonly baostock: BaostockSimulator;
  /** Two servers of the same data. */
  readonly tdx: readonly TdxSimulator[];
}

export interface TwoProvidersOptions {
  readonly market: Parameters<typeof generateMarket>[0];
  readonly baostock?: Partial<BaostockSimulatorOptions>;
  readonly tdx?: Partial<TdxSimulatorOptions>;
  readonly env?: Readonly<Record<string, string>>;
  /** Default `baostock,tdx`. */
  readonly chain?: string;
}

/** A worker before simulated servers of BaoStock and TongDaXin that serve one market; no token is needed. */
export async function openTwoProviders(
  t: TestContext,
  options: TwoProvidersOptions,
): Promise<TwoProviders | undefined> {
  const market = generateMarket(options.market);
  await using opened = new AsyncDisposableStack();
  const baostock = opened.use(await startBaostockSimulator({ data: baostockData(market), ...options.baostock }));
  const tdx: TdxSimulator[] = [];
  for (const seed of [1, 2]) {
    tdx.push(opened.use(await startTdxSimulator({ data: tdxData(market), seed, ...options.tdx })));
  }
  const rig = await openWorkerRig(t, {
    data: tushareData(market),
    env: {
      GINKGO_PROVIDERS_CHAIN: options.chain ?? "baostock,tdx",
      GINKGO_BAOSTOCK_HOST: baostock.host,
      GINKGO_BAOSTOCK_PORT: String(baostock.port),
      GINKGO_BAOSTOCK_CALLS_PER_MINUTE: "10000",
      GINKGO_TDX_HOSTS: tdx.map(({ host, port }) => `${host}:${port}`).join(","),
      GINKGO_TDX_CALLS_PER_MINUTE: "100000",
      GINKGO_TDX_PAUSE_MS: "0",
      ...options.env,
    },
  });
  if (rig === undefined) {
    return undefined;
  }
  opened.use(rig);
  const open = opened.move();
  return { rig, market, baostock, tdx, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
