import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";

import { serviceNames, serviceTable, type ServiceName } from "../../test/support/services.ts";
import { askClickHouse } from "../../test/support/services/clickhouse-http.ts";
import { askKafka } from "../../test/support/services/kafka.ts";
import { askMariaDb } from "../../test/support/services/mariadb.ts";
import { askRedis } from "../../test/support/services/redis.ts";
import { kafkaVersion } from "./kafka-parts.ts";
import { projectFolder } from "./project.ts";
import { runCommand } from "./run-command.ts";

/** The services of one test run: their addresses, what they say they are, and which could not be had and why. */
export interface Suite extends AsyncDisposable {
  readonly variables: Readonly<Record<string, string>>;
  readonly facts: readonly string[];
  readonly missing: readonly MissingService[];
}

export interface MissingService {
  readonly title: string;
  readonly reason: string;
  /** The functions by which tests ask for it. */
  readonly words: readonly string[];
}

type Opened =
  | { readonly kind: "open"; readonly address: string; readonly fact: string; readonly service?: AsyncDisposable }
  | { readonly kind: "missing"; readonly reason: string };

/** Takes what is named by a variable and starts the rest, all at once. Throws when a named service does not answer. */
export async function openSuite(): Promise<Suite> {
  const results = await Promise.allSettled(serviceNames.map(async (name) => ({ name, opened: await open(name) })));
  const stack = new AsyncDisposableStack();
  const variables: Record<string, string> = {};
  const facts: string[] = [];
  const missing: MissingService[] = [];
  let failure: unknown;
  for (const result of results) {
    if (result.status === "rejected") {
      failure ??= result.reason;
      continue;
    }
    const { name, opened } = result.value;
    const { title, variable, missingVariable, words } = serviceTable[name];
    if (opened.kind === "missing") {
      missing.push({ title, reason: opened.reason, words });
      variables[missingVariable] = opened.reason;
    } else {
      variables[variable] = opened.address;
      facts.push(`${title} ${opened.fact}`);
      if (opened.service !== undefined) {
        stack.use(opened.service);
      }
    }
  }
  if (failure !== undefined) {
    await stack.disposeAsync();
    throw failure;
  }
  return { variables, facts, missing, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function open(name: ServiceName): Promise<Opened> {
  const { variable, whyNot, start } = serviceTable[name];
  const given = process.env[variable];
  if (given !== undefined && given !== "") {
    try {
      return { kind: "open", address: given, fact: `${await describe(name, given, true)} (named by ${variable})` };
    } catch (error) {
      throw new Error(`${variable} names ${withoutPassword(given)}, which does not answer: ${textOf(error)}`, {
        cause: error,
      });
    }
  }
  const reason = whyNot();
  if (reason !== undefined) {
    return { kind: "missing", reason: `${reason}; run npm run services` };
  }
  try {
    const service = await start();
    const fact = `${await describe(name, service.address, false)} (started for this run)`;
    return { kind: "open", address: service.address, fact, service };
  } catch (error) {
    return { kind: "missing", reason: `it is installed and could not be started: ${textOf(error)}` };
  }
}

function describe(name: ServiceName, address: string, isGiven: boolean): Promise<string> {
  return DESCRIPTIONS[name](address, isGiven);
}

const DESCRIPTIONS: Readonly<Record<ServiceName, (address: string, isGiven: boolean) => Promise<string>>> = {
  kafka: async (address, isGiven) => {
    const { clusterId, brokers } = await askKafka(address);
    const version = isGiven ? "of a version its protocol does not tell" : kafkaVersion;
    return `${version}, cluster id ${clusterId}, brokers ${brokers}, at ${address}`;
  },
  redis: async (address) => `${await askRedis(address)} at ${withoutPassword(address)}`,
  mysql: async (address) => `${await askMariaDb(address)} at ${withoutPassword(address)}`,
  clickhouse: async (address, isGiven) => {
    const kind = isGiven ? "a server" : "our test server over chDB";
    return `${await askClickHouse(address)}, ${kind} at ${withoutPassword(address)}`;
  },
};

/** The engine that the tests of embedded mode run on, asked in a process of its own. */
export async function describeEmbeddedEngine(): Promise<string> {
  const script = `process.stdout.write(require("chdb").query("SELECT version()", "TabSeparated"))`;
  const { code, output } = await runCommand(process.execPath, ["-e", script], { cwd: projectFolder });
  return code === 0 ? `ClickHouse embedded (chDB) ${output.trim()}` : "ClickHouse embedded (chDB): not available";
}

/** The files among those of `patterns` that ask for what one of `words` stands for, themselves or through a helper of the tests. */
export function filesNeeding(words: readonly string[], patterns: readonly string[]): readonly string[] {
  return globSync([...patterns], { cwd: projectFolder })
    .filter((file) => asksFor(path.resolve(projectFolder, file), words, new Set()))
    .toSorted();
}

function asksFor(file: string, words: readonly string[], seen: Set<string>): boolean {
  // The rig has all the words in it and needs nothing by itself.
  if (seen.has(file) || file.includes("/test/support/services") || !existsSync(file)) {
    return false;
  }
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (words.some((word) => text.includes(`${word}(`))) {
    return true;
  }
  return [...text.matchAll(/from "(\.[^"]+)"/g)]
    .map(([, specifier = ""]) => path.resolve(path.dirname(file), specifier))
    .some((imported) => imported.startsWith(`${projectFolder}/test/`) && asksFor(imported, words, seen));
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, "//");
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
