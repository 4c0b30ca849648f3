import { Option, type Command } from "commander";

import { FILE_BY_DEFAULT, loadConfig, type LoadedConfig } from "../config.ts";
import { NAMED_SETTINGS } from "../config/names.ts";
import type { Cli } from "./cli.ts";

/** Flags of every setting. They are many, so the help names one and says where the others are. */
export function addSettingFlags(command: Command): Command {
  command.option("--config <file>", `settings file (default: ${FILE_BY_DEFAULT} if it is there)`);
  for (const { flag, setting } of NAMED_SETTINGS) {
    const value = setting.isBoolean ? "[value]" : setting.isSecret ? "<file>" : "<value>";
    command.addOption(new Option(`${flag} ${value}`, setting.help).hideHelp());
  }
  return command.addHelpText(
    "after",
    "\nEvery setting has a flag, such as --kafka-brokers or --worker-drain-ms: see gdw config show and docs/configuration.md",
  );
}

/** The settings for a command line that `addSettingFlags` prepared. */
export function loadSettings(command: Command, cli: Cli): LoadedConfig {
  const options = command.optsWithGlobals<Readonly<Record<string, unknown>>>();
  const flags = new Map<string, string>();
  for (const { flag } of NAMED_SETTINGS) {
    const value = options[new Option(flag).attributeName()];
    if (typeof value === "string" || typeof value === "boolean") {
      flags.set(flag, String(value));
    }
  }
  const file = options["config"];
  return loadConfig({
    flags,
    file: typeof file === "string" ? file : undefined,
    env: cli.env,
    readFile: (path) => cli.readFile(path),
    isOpenToAll: (path) => cli.isOpenToAll(path),
  });
}
