import type { Command } from "commander";

import type { Cli } from "../cli.ts";
import { runService, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { readVersion } from "../../base/version.ts";

const EXAMPLES = `
Examples:
  gdw start                                     embedded, or on the servers that the settings name
  gdw start --kafka-brokers kafka:9092 --clickhouse-host clickhouse --redis-host redis
  TUSHARE_TOKEN_FILE=/run/secrets/tushare gdw start --config /etc/gdw/data_worker.yml

The first SIGTERM or SIGINT lets it finish what is in hand, a second one drops it; nothing is lost either way.`;

export function addStart(parent: Command, cli: Cli, state: RunState): void {
  addSettingFlags(parent.command("start"))
    .description("run the worker until it is stopped")
    .addHelpText("after", EXAMPLES)
    .action(async (_options: unknown, command: Command) => {
      await runService(command, cli, state, async ({ config, app, log, shutdown }) => {
        log.info("worker starting", { version: readVersion(), mode: config.mode, pid: process.pid });
        await app.start(config, log, shutdown);
        log.info("worker stopped", { signal: shutdown.signal });
      });
    });
}
