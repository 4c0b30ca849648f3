import type { SignalSource } from "../base/shutdown.ts";
import type { runAkshareSimulator } from "../simulators/akshare/run-akshare-simulator.ts";
import type { runBaostockSimulator } from "../simulators/baostock/run-baostock-simulator.ts";
import type { openDemoProvider } from "../simulators/tushare/demo-provider.ts";
import type { runTdxSimulator } from "../simulators/tdx/run-tdx-simulator.ts";
import type { runTushareSimulator } from "../simulators/tushare/run-tushare-simulator.ts";
import type { runYahooSimulator } from "../simulators/yahoo/run-yahoo-simulator.ts";
import type { AppApi } from "../app/app-api.ts";

/** Where text goes. */
export interface Output {
  write(piece: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** A file on its way: it stands under its name only when `keep` has resolved, and then whole. */
export interface FileOutput {
  write(piece: string | Uint8Array): Promise<void>;
  keep(): Promise<void>;
  /** Leaves nothing behind. */
  drop(): Promise<void>;
}

/** The simulators are left out of the image, so nothing but `simulate` and `demo` may load them. */
export interface Simulators {
  readonly runTushare: typeof runTushareSimulator;
  readonly runBaostock: typeof runBaostockSimulator;
  readonly runTdx: typeof runTdxSimulator;
  readonly runAkshare: typeof runAkshareSimulator;
  readonly runYahoo: typeof runYahooSimulator;
  readonly openDemoProvider: typeof openDemoProvider;
  /** The token that the Tushare simulator takes when none is named. */
  readonly tushareToken: string;
}

/** What the commands use of the world; the process in `main.ts`, something smaller in tests. */
export interface Cli {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  /** Undefined when there is no such file. */
  readFile(path: string): string | undefined;
  /** Whether every user of this machine may read the file. */
  isOpenToAll(path: string): boolean;
  readStdin(): Promise<string>;
  createFile(path: string): Promise<FileOutput>;
  /** Ends the process at once, for a second signal. */
  quit(code: number): void;
  /** Both are loaded by the commands that use them only. */
  loadApp(): Promise<AppApi>;
  loadSimulators(): Promise<Simulators>;
}
