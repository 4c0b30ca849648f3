import type { Command } from "commander";

import type { SchemaReport } from "../../app/app-api.ts";
import type { Cli } from "../cli.ts";
import { runOnce, type RunState } from "../run-command.ts";
import { addSettingFlags } from "../setting-flags.ts";
import { printRecords } from "../table.ts";

const ENSURE_EXAMPLES = `
Examples:
  gdw schema ensure --clickhouse-host clickhouse
  gdw schema ensure --json

A table of the same name and another shape is an error that names the difference; see gdw schema adopt.`;

const ADOPT_EXAMPLES = `
Examples:
  gdw schema adopt                 old tables become bar_before_<date> and so on, ours start empty
  gdw schema adopt --copy-rows     and their rows are copied, lots to shares and thousand yuan to yuan
  gdw schema adopt --tick-tables   tables such as 000001_SZ_Tick are put aside, so that ticks can be stored

Nothing is dropped. Stop Ginkgo's own writers first: INSERT into our views fails.`;

interface AdoptFlags {
  readonly json?: boolean;
  readonly copyRows?: boolean;
  readonly tickTables?: boolean;
}

const COLUMNS = ["object", "action", "note"] as const;

export function addSchema(parent: Command, cli: Cli, state: RunState): void {
  const schema = parent.command("schema").description("the tables and views of the store");
  addSettingFlags(schema.command("ensure"))
    .description("create and migrate tables and views, and compare what is there")
    .option("--json", "print JSON")
    .addHelpText("after", ENSURE_EXAMPLES)
    .action(async (options: { readonly json?: boolean }, command: Command) => {
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        print(cli, await app.ensureSchema(config, log, shutdown.intake), options.json);
      });
    });
  addSettingFlags(schema.command("adopt"))
    .description("put Ginkgo's own tables aside and create ours in their place")
    .option("--copy-rows", "copy the rows of the old tables, with their units converted")
    .option("--tick-tables", "put the old tables of ticks aside as well, one a code")
    .option("--json", "print JSON")
    .addHelpText("after", ADOPT_EXAMPLES)
    .action(async (options: AdoptFlags, command: Command) => {
      await runOnce(command, cli, state, async ({ config, app, log, shutdown }) => {
        const { copyRows = false, tickTables = false } = options;
        print(cli, await app.adoptSchema(config, { copyRows, tickTables }, log, shutdown.intake), options.json);
      });
    });
}

function print(cli: Cli, reports: readonly SchemaReport[], isJson = false): void {
  printRecords(
    cli,
    reports.map((report) => ({ ...report })),
    COLUMNS,
    isJson,
  );
}
