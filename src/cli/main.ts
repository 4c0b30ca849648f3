import { existsSync, realpathSync, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";

import { readTextFile } from "../base/read-text-file.ts";
import type { Cli, FileOutput } from "./cli.ts";
import { quickHealth } from "./quick-health.ts";

/** What does not end by itself after the command has is cut off: an error must never leave a process hanging. */
const LINGER_MS_MAX = 2000;

/** Of a file's mode, and of a folder's. */
const READ_BY_OTHERS = 0o004;
const ENTER_BY_OTHERS = 0o001;

/** The embedded engine's queries and inserts each keep a thread of Node's pool, whose four are soon gone; it is made at its first use. */
process.env["UV_THREADPOOL_SIZE"] ??= "16";

const cli: Cli = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signals: process,
  readFile: readTextFile,
  isOpenToAll,
  createFile,
  readStdin: () => text(process.stdin),
  quit: (code) => process.exit(code),
  loadApp: async () => (await import("../app.ts")).app,
  loadSimulators: async () => {
    const { runBaostockSimulator } = await import("../simulators/baostock/run-baostock-simulator.ts");
    const { runTdxSimulator } = await import("../simulators/tdx/run-tdx-simulator.ts");
    const { runAkshareSimulator } = await import("../simulators/akshare/run-akshare-simulator.ts");
    const { runYahooSimulator } = await import("../simulators/yahoo/run-yahoo-simulator.ts");
    const { runTushareSimulator } = await import("../simulators/tushare/run-tushare-simulator.ts");
    const { SIMULATOR_TOKEN } = await import("../simulators/tushare/simulator.ts");
    const { openDemoProvider } = await import("../simulators/tushare/demo-provider.ts");
    return {
      runTushare: runTushareSimulator,
      runBaostock: runBaostockSimulator,
      runTdx: runTdxSimulator,
      runAkshare: runAkshareSimulator,
      runYahoo: runYahooSimulator,
      openDemoProvider,
      tushareToken: SIMULATOR_TOKEN,
    };
  },
};

// `gdw config show | head` is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const argv = process.argv.slice(2);
const quick = await quickHealth(argv, { ...cli, isFileThere: existsSync });
process.exitCode = quick ?? (await (await import("./program.ts")).runCli(argv, cli));
setTimeout(() => process.exit(), LINGER_MS_MAX).unref();

/** A file is as closed as the most closed folder above it. */
function isOpenToAll(path: string): boolean {
  try {
    const file = realpathSync(path);
    const folders: string[] = [];
    for (let folder = dirname(file); folder !== folders.at(-1); folder = dirname(folder)) {
      folders.push(folder);
    }
    return (
      (statSync(file).mode & READ_BY_OTHERS) !== 0 &&
      folders.every((one) => (statSync(one).mode & ENTER_BY_OTHERS) !== 0)
    );
  } catch {
    return false;
  }
}

/** Written beside its place and moved there at the end, so that a broken run leaves an older file as it was. */
async function createFile(path: string): Promise<FileOutput> {
  const partial = `${path}.partial-${process.pid}`;
  const file = await open(partial, "w");
  return {
    write: async (piece) => {
      await file.writeFile(piece);
    },
    keep: async () => {
      await file.close();
      await rename(partial, path);
    },
    drop: async () => {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}
