import assert from "node:assert/strict";
import { EventEmitter } from "node:events";

import type { AppApi } from "../../src/app/app-api.ts";
import type { Cli } from "../../src/cli/cli.ts";
import { runCli } from "../../src/cli/program.ts";
import { keepSaid } from "./planted-secrets.ts";

const never = (): never => assert.fail("this part of the program was not to be used");

/** Whatever a test does not bring is not to be used. */
function onlyThese(app: Partial<AppApi>): AppApi {
  const get = (target: object, name: string | symbol): unknown =>
    name === "then" || name in target ? Reflect.get(target, name) : never;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return new Proxy(app, { get }) as AppApi;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly loads: number;
}

export interface World {
  readonly app?: Partial<AppApi>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly signals?: EventEmitter;
  readonly simulators?: Cli["loadSimulators"];
  readonly isTerminal?: boolean;
  readonly createFile?: Cli["createFile"];
}

/** One command line in a world of its own: what it printed, how it ended. */
export async function run(args: readonly string[], world: World = {}): Promise<Ran> {
  let out = "";
  let err = "";
  let loads = 0;
  const cli: Cli = {
    stdout: {
      isTTY: world.isTerminal,
      write: (piece) => (out += typeof piece === "string" ? piece : Buffer.from(piece).toString("latin1")),
    },
    stderr: { write: (piece) => (err += String(piece)) },
    env: { LOG_LEVEL: "silent", ...world.env },
    signals: world.signals ?? new EventEmitter(),
    readFile: (path) => world.files?.[path],
    isOpenToAll: () => false,
    createFile: world.createFile ?? never,
    readStdin: () => Promise.resolve(world.stdin ?? ""),
    quit: never,
    loadApp: () => {
      loads += 1;
      return Promise.resolve(onlyThese({ ...world.app }));
    },
    loadSimulators: world.simulators ?? never,
  };
  const code = await runCli(args, cli);
  keepSaid("cli", out + err);
  return { code, out, err, loads };
}
