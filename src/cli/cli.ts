import type { SignalSource } from "../base/shutdown.ts";
import type { AppApi } from "./app-api.ts";
import type { SimulatorApi } from "./simulator-api.ts";

/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What the commands use of the world; the process in `main.ts`, something smaller in tests. */
export interface Cli {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  /** Undefined when there is no such file. */
  readFile(path: string): string | undefined;
  readStdin(): Promise<string>;
  /** Ends the process at once, for a second signal. */
  quit(code: number): void;
  /** Both are loaded by the commands that use them only. */
  loadApp(): Promise<AppApi>;
  loadSimulator(): Promise<SimulatorApi>;
}
