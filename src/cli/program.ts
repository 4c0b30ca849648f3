import { Command, CommanderError } from "commander";

import { nearest } from "../config/nearest.ts";
import { createRedactor } from "../base/redact.ts";
import type { Cli } from "./cli.ts";
import { addAsk } from "./commands/ask.ts";
import { addBars } from "./commands/bars.ts";
import { addConfig } from "./commands/config.ts";
import { addCoverage } from "./commands/coverage.ts";
import { addGaps } from "./commands/gaps.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDlq } from "./commands/dlq.ts";
import { addHealth } from "./commands/health.ts";
import { addImport } from "./commands/import.ts";
import { addReconcile } from "./commands/reconcile.ts";
import { addRequest } from "./commands/request.ts";
import { addSchedule } from "./commands/schedule.ts";
import { addSchema } from "./commands/schema.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addSql } from "./commands/sql.ts";
import { addStart } from "./commands/start.ts";
import { addStatus } from "./commands/status.ts";
import { addTicks } from "./commands/ticks.ts";
import { addTopics } from "./commands/topics.ts";
import { addVerify } from "./commands/verify.ts";
import { EXIT_CODES, stackOf, toExit } from "./exit.ts";
import type { RunState } from "./run-command.ts";
import { UsageError } from "./usage-error.ts";
import { readVersion } from "../base/version.ts";

const EXAMPLES = `
Examples:
  gdw demo                                   see it work on this machine, without any server
  gdw start                                  run the worker
  gdw request --codes 000001.SZ --wait       bring one security up to date
  gdw coverage                               which days are there, and why others are not
  gdw bars 000001.SZ --adjust forward        print its bars
  gdw sql "SELECT * FROM ginkgo.bar LIMIT 5" look at anything
  gdw health                                 how is the worker that runs here?
  gdw config show                            what it would run with
  gdw help request                           everything about one command`;

/** Runs one command line, `argv` without the program's own name. Resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], cli: Cli): Promise<number> {
  const state: RunState = { secrets: [], exitCode: EXIT_CODES.ok.code, wantsStack: argv.includes("--stack") };
  const program = createProgram(cli, state);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return state.exitCode;
  } catch (error) {
    return reportError(error, commandIn(program, argv), cli, state);
  }
}

/** Every command with its flags; nothing of the worker is loaded yet. */
export function createProgram(cli: Cli, state: RunState): Command {
  const program = new Command("gdw")
    .description("Keeps a market-data store complete: fetches what is missing, checks it, writes it exactly once")
    .version(`gdw ${readVersion()}`, "-V, --version", "print the version")
    .option("--stack", "show where an error came from")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", EXAMPLES)
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      // Errors are reported in one place, below.
      outputError: () => undefined,
    })
    .exitOverride();
  addDemo(program, cli, state);
  addStart(program, cli, state);
  addRequest(program, cli, state);
  addSchedule(program, cli, state);
  addBars(program, cli, state);
  addTicks(program, cli, state);
  addCoverage(program, cli, state);
  addGaps(program, cli, state);
  addReconcile(program, cli, state);
  addSql(program, cli, state);
  addAsk(program, cli, state);
  addImport(program, cli, state);
  addVerify(program, cli, state);
  addStatus(program, cli, state);
  addDoctor(program, cli, state);
  addHealth(program, cli, state);
  addDlq(program, cli, state);
  addConfig(program, cli, state);
  addTopics(program, cli, state);
  addSchema(program, cli, state);
  addSimulate(program, cli, state);
  for (const command of allCommands(program)) {
    if (command !== program) {
      command.option("--stack", "show where an error came from").allowExcessArguments(false);
    }
  }
  return program;
}

function reportError(error: unknown, command: Command, cli: Cli, state: RunState): number {
  if (error instanceof CommanderError && error.exitCode === 0) {
    return EXIT_CODES.ok.code;
  }
  // A command that needs another word after it has just printed its help.
  if (error instanceof CommanderError && error.code === "commander.help") {
    return EXIT_CODES.usage.code;
  }
  const redactor = createRedactor(state.secrets);
  const known = error instanceof CommanderError ? toUsageError(error, command) : error;
  const { code, lines } = toExit(known);
  for (const line of lines) {
    cli.stderr.write(`gdw: ${redactor.text(line)}\n`);
  }
  if (lines.length > 0 && state.wantsStack) {
    cli.stderr.write(`${redactor.text(stackOf(known))}\n`);
  }
  return code;
}

/** Commander's words in our form, with the flag or command that was probably meant. A value of a flag is not shown. */
function toUsageError(error: CommanderError, command: Command): UsageError {
  const path = pathOf(command);
  const help = `see ${path.map((one) => one.name()).join(" ")} --help`;
  const message = error.message
    .replace(/^error: /, "")
    .replace(/\.$/, "")
    .replaceAll("'", "")
    .replace(/(unknown option [^=]*)=.*$/s, "$1");
  const wanted = /(?:option|command) (\S+)$/.exec(message)?.[1];
  if (wanted === undefined || !error.code.startsWith("commander.unknown")) {
    return new UsageError(`${message}; ${help}`);
  }
  const meant = meantBy(wanted, allCommands(path[0] ?? command));
  if (meant === wanted) {
    return new UsageError(`${message}, which other commands take; ${help}`);
  }
  return new UsageError(meant === undefined ? `${message}; ${help}` : `${message}, did you mean ${meant}?`);
}

/** The command that the words name, as far as they name one. */
function commandIn(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) {
    command = command.commands.find((child) => child.name() === word) ?? command;
  }
  return command;
}

/** From the program down to the command. */
function pathOf(command: Command): readonly Command[] {
  return command.parent === null ? [command] : [...pathOf(command.parent), command];
}

function meantBy(wanted: string, commands: readonly Command[]): string | undefined {
  if (!wanted.startsWith("-")) {
    return nearest(
      wanted,
      commands.map((command) => command.name()),
    );
  }
  const flags = new Set(commands.flatMap(({ options }) => options.map(({ long }) => long ?? "")));
  // A secret is not typed where everybody on the machine can read it.
  return flags.has(`${wanted}-file`) ? `${wanted}-file` : nearest(wanted, flags);
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap((child) => allCommands(child))];
}
