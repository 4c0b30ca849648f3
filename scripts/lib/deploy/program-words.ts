import type { Command } from "commander";
import fastify from "fastify";

import type { Cli } from "../../../src/cli/cli.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { healthRoutes } from "../../../src/health/health-report.ts";

/** What the deployment files may say of the program, taken from the program itself. */
export interface ProgramWords {
  /** Such as `start` and `topics ensure`. */
  readonly commands: ReadonlySet<string>;
  /** Such as `/livez`. */
  readonly healthPaths: ReadonlySet<string>;
}

const PATHS = ["/livez", "/readyz", "/health"];

export function programWords(): ProgramWords {
  const server = fastify();
  healthRoutes({ state: () => "STOPPED", liveness: () => [], readiness: () => [], notes: () => [] })(server);
  return {
    commands: new Set(commandsOf(createProgram(SILENT, { secrets: [], exitCode: 0, wantsStack: false }))),
    healthPaths: new Set(PATHS.filter((url) => server.hasRoute({ method: "GET", url }))),
  };
}

/** What is wrong with the words after `gdw`; undefined when the program has such a command. */
export function whyNoCommand(words: readonly string[], { commands }: ProgramWords): string | undefined {
  const named = words.filter((word) => !word.startsWith("-"));
  const name = [named.slice(0, 2).join(" "), named[0] ?? ""].find((candidate) => commands.has(candidate));
  return name === undefined ? `the program has no command ${named.join(" ")}` : undefined;
}

function commandsOf(command: Command, path: readonly string[] = []): readonly string[] {
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()];
    return [here.join(" "), ...commandsOf(child, here)];
  });
}

const nothing = (): never => {
  throw new Error("no command is run here");
};

const SILENT: Cli = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: {},
  signals: process,
  readFile: () => undefined,
  isOpenToAll: () => false,
  createFile: nothing,
  readStdin: nothing,
  quit: nothing,
  loadApp: nothing,
  loadSimulators: nothing,
};
