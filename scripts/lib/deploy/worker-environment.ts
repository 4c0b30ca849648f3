import { loadConfig, type Config } from "../../../src/config.ts";
import { knownVariables, NAMED_SETTINGS } from "../../../src/config/names.ts";
import { SettingsError } from "../../../src/config/settings-error.ts";
import { type Check, check } from "./check.ts";
import { interpolate } from "./interpolate.ts";

export interface WorkerEnvironment {
  /** The file that says it, for the report. */
  readonly file: string;
  /** What the file gives the worker, as it stands there. */
  readonly given: Readonly<Record<string, string>>;
  /** What the image sets, which `given` overrules. */
  readonly image: Readonly<Record<string, string>>;
  /** Paths in the container at which a secret is mounted. */
  readonly secretFiles: ReadonlySet<string>;
  /** Where the file itself takes values from, such as an .env beside it. */
  readonly outer?: Readonly<Record<string, string>>;
}

export interface WorkerSettings {
  readonly checks: readonly Check[];
  /** What the worker would run with; undefined when it would refuse. */
  readonly config: Config | undefined;
}

/** Set for Node and the shell, not for the program. */
const NO_SETTINGS = new Set(["NODE_ENV", "NODE_OPTIONS", "PATH"]);

/** Every variable against the program's own declaration of its settings, every value through the program's own readers. */
export function checkWorkerEnvironment(environment: WorkerEnvironment): WorkerSettings {
  const { file, given, image, outer } = environment;
  const known = knownVariables();
  const all = { ...image, ...given };
  const unknown = Object.keys(all).filter((name) => !known.has(name) && !NO_SETTINGS.has(name));
  const { config, problems } = readSettings(environment, outer);
  return {
    checks: [
      check(
        `${file}: the program declares each of the ${Object.keys(all).length} variables the worker gets`,
        unknown.map((name) => `${name} is no setting of the program`),
      ),
      check(`${file}: each value passes the program's own reader, and all of them go together`, problems),
      check(`${file}: the worker runs on servers, not on parts inside the process`, [
        config === undefined || config.mode === "servers" ? undefined : `mode is ${config.mode}`,
        config === undefined || config.redis.host !== undefined
          ? undefined
          : "redis.host is not set: each copy would take the whole limit of provider calls",
        config === undefined || config.clickhouse.url !== undefined ? undefined : "clickhouse.host is not set",
      ]),
      check(`${file}: no secret stands in the file`, secretsIn(given)),
    ],
    config,
  };
}

function readSettings(
  { given, image, secretFiles }: WorkerEnvironment,
  outer: Readonly<Record<string, string>> = {},
): { readonly config: Config | undefined; readonly problems: readonly string[] } {
  try {
    const values = Object.entries(given).map(([name, raw]) => [name, interpolate(raw, outer)] as const);
    const { config, warnings } = loadConfig({
      flags: new Map(),
      env: { ...image, ...Object.fromEntries(values) },
      readFile: (path) => (secretFiles.has(path) ? "what-a-secret-file-says" : undefined),
    });
    return { config, problems: warnings };
  } catch (error) {
    if (error instanceof SettingsError) {
      return { config: undefined, problems: error.problems };
    }
    throw error;
  }
}

/** A secret comes as a file, or from the environment of whoever starts it; the file itself says none, no default either. */
function secretsIn(given: Readonly<Record<string, string>>): readonly string[] {
  return NAMED_SETTINGS.filter(({ setting }) => setting.isSecret)
    .flatMap(({ variables }) => variables)
    .filter((variable) => {
      const raw = given[variable];
      return raw !== undefined && !/^\$\{\w+(?::-|:\?[^}]*)?\}$/.test(raw);
    })
    .map((variable) => `${variable} has a value in the file: name a file of a secret as ${variable}_FILE`);
}
