import type { Command } from "commander";

import type { TopicReport } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { printRecords } from "../table.ts";

const EXAMPLES = `
Examples:
  gdw topics ensure --kafka-brokers kafka:9092
  gdw topics ensure --kafka-replication 3 --json

Nothing is ever altered or deleted; a topic with another number of partitions is only pointed out.`;

export function addTopics(parent: Command, cli: Cli, state: RunState): void {
  const topics = parent.command("topics").description("the topics of the queue");
  addSettingFlags(topics.command("ensure"))
    .description("create the topics that are missing")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: { readonly json?: boolean }, command: Command) => {
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const reports: readonly TopicReport[] = await app.ensureTopics(config, log, shutdown.intake);
        const columns = ["topic", "action", "partitions", "note"] as const;
        printRecords(
          cli,
          reports.map((report) => ({ ...report })),
          columns,
          options.json ?? false,
        );
      });
    });
}
