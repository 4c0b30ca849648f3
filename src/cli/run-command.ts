import type { Command } from "commander";

import type { Log } from "../base/log.ts";
import { openLog } from "../base/pino-log.ts";
import { listenForShutdown, type Shutdown } from "../base/shutdown.ts";
import type { Config, LoadedConfig } from "../config.ts";
import type { AppApi } from "../app/app-api.ts";
import type { Cli } from "./cli.ts";
import { EXIT_CODES, exitCodeOf } from "./exit.ts";
import { loadSettings } from "./setting-flags.ts";

/** What a command works with. */
export interface Parts {
  readonly config: Config;
  readonly app: AppApi;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

/** Remembers what main needs to report an error: which secrets to leave out, which code to end with. */
export interface RunState {
  secrets: readonly string[];
  exitCode: number;
  wantsStack: boolean;
}

/** A command that is interrupted has this long to end by itself. */
const QUIT_MS_MAX = 5000;

/** Runs the long-lived worker: its log is standard output, and both signals are its own to obey. */
export async function runService(
  command: Command,
  cli: Cli,
  state: RunState,
  work: (parts: Parts) => Promise<void>,
): Promise<void> {
  const loaded = loadFor(command, cli, state);
  using shutdown = listenForShutdown(loaded.config.worker.drainMs, cli.signals);
  await withLog(loaded, 1, async (log) => work({ config: loaded.config, app: await cli.loadApp(), log, shutdown }));
  state.exitCode = shutdown.signal === undefined ? EXIT_CODES.ok.code : exitCodeOf(shutdown.signal);
}

/** Runs a command that answers and ends: standard output is its answer, the log goes to standard error. */
export async function runOnce(
  command: Command,
  cli: Cli,
  state: RunState,
  work: (parts: Parts) => Promise<void>,
  quitMsMax: number = QUIT_MS_MAX,
): Promise<void> {
  const loaded = loadFor(command, cli, state);
  using shutdown = listenForShutdown(quitMsMax, cli.signals);
  shutdown.work.addEventListener("abort", () => cli.quit(exitCodeOf(shutdown.signal ?? "SIGINT")));
  await withLog(loaded, 2, async (log) => work({ config: loaded.config, app: await cli.loadApp(), log, shutdown }));
}

/** Loads the settings and remembers what an error report must leave out. */
export function loadFor(command: Command, cli: Cli, state: RunState): LoadedConfig {
  const loaded = loadSettings(command, cli);
  state.secrets = loaded.secrets;
  state.wantsStack ||= loaded.config.debug;
  return loaded;
}

async function withLog(
  { config, warnings, secrets }: LoadedConfig,
  descriptor: 1 | 2,
  work: (log: Log) => Promise<void>,
): Promise<void> {
  const { level, format, file, maxBytes, backupCount } = config.logging;
  using log = await openLog({
    // A command answers in a moment: only what is odd is worth a line beside the answer.
    level: descriptor === 2 && level === "info" ? "warn" : level,
    format,
    file:
      file === undefined || descriptor === 2 ? undefined : { path: file, bytesMax: maxBytes, backupsMax: backupCount },
    secrets,
    descriptor,
    fields: descriptor === 1 ? { node: config.node.id } : {},
  });
  for (const warning of warnings) {
    log.warn("odd setting", { warning });
  }
  await work(log);
}
