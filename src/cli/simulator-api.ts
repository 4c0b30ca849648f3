import type { Log } from "../base/log.ts";

/** What `simulate` asks of src/simulators, which is left out of the image. */
export interface SimulatorApi {
  /** Serves until the signal aborts. */
  runTushare(options: TushareSimulatorOptions, log: Log, signal: AbortSignal): Promise<void>;
}

export interface TushareSimulatorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** A folder of recorded answers; without it the market is generated. */
  readonly data: string | undefined;
  /** Of the generated market: the same seed gives the same rows. */
  readonly seed: number;
  readonly securities: number;
  readonly tradingDays: number;
  /** Calls granted per API in any 60 s, refused beyond; 0 grants all. */
  readonly callsPerMinute: number;
  /** An answer takes between these. */
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
}
