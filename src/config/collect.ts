import type { ReadFile, SettingsFile } from "./file.ts";
import { SECRET_FILE_SUFFIX } from "./file.ts";
import type { NamedSetting } from "./names.ts";
import { whyUnreadable } from "./settings-error.ts";

/** Where a value was said, the strongest first. */
export const ORIGINS = ["flag", "environment", "file", "default"] as const;
export type Origin = (typeof ORIGINS)[number];

/** What was said of one setting, not looked at yet. */
export interface Given {
  readonly raw: unknown;
  readonly origin: Origin;
  /** In words, such as `environment GINKGO_KAFKA_BROKERS`. */
  readonly from: string;
  /** The file in which the value itself stands, where it stands in one. */
  readonly file?: string;
}

export interface Sources {
  /** Texts by flag, such as `--kafka-brokers`. */
  readonly flags: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: SettingsFile | undefined;
  readonly readFile: ReadFile;
}

/**
 * The strongest that was said of a setting; undefined when nobody said anything. Compose writes the two characters `""`
 * for an empty default, so that counts as nothing, like an empty text and null do. What is wrong goes to `problems`.
 */
export function findGiven(named: NamedSetting, sources: Sources, problems: string[]): Given | undefined {
  const candidates = [...fromFlag(named, sources), ...fromEnvironment(named, sources), ...fromFile(named, sources)];
  const said = candidates.filter(({ raw }) => !isNothing(raw));
  const strongest = said[0];
  if (strongest === undefined) {
    return undefined;
  }
  const rival = said.find((other) => other.pointsToFile !== strongest.pointsToFile && isSamePlace(other, strongest));
  if (rival !== undefined) {
    problems.push(`setting ${named.name} is said twice, by ${strongest.from} and by ${rival.from}: one is enough`);
    return undefined;
  }
  return strongest.pointsToFile ? readSecret(named, strongest, sources.readFile, problems) : strongest;
}

/** The variables of a host and a port that Ginkgo sets, where the port stands alone. */
export function findLonePort({ setting }: NamedSetting, env: Sources["env"]): string | undefined {
  const pair = setting.hostAndPort;
  const isLone = pair !== undefined && isNothing(env[pair.host]) && !isNothing(env[pair.port]);
  return isLone ? `${pair.port} is set without ${pair.host} and does nothing` : undefined;
}

export function isNothing(raw: unknown): boolean {
  const bare = typeof raw === "string" ? raw.trim() : raw;
  return bare === undefined || bare === null || bare === "" || bare === '""' || bare === "''";
}

interface Candidate extends Given {
  readonly pointsToFile: boolean;
}

function fromFlag({ flag, setting }: NamedSetting, { flags }: Sources): readonly Candidate[] {
  return [{ raw: flags.get(flag), origin: "flag", from: `flag ${flag}`, pointsToFile: setting.isSecret }];
}

function fromEnvironment({ variables, setting }: NamedSetting, { env }: Sources): readonly Candidate[] {
  const named = variables.flatMap((variable): readonly Candidate[] => {
    const plain = candidateOf(env[variable], variable, false);
    return setting.isSecret ? [plain, candidateOf(env[`${variable}_FILE`], `${variable}_FILE`, true)] : [plain];
  });
  const pair = setting.hostAndPort;
  if (pair === undefined || isNothing(env[pair.host])) {
    return named;
  }
  const port = isNothing(env[pair.port]) ? "" : (env[pair.port] ?? "").trim();
  const hosts = (env[pair.host] ?? "").split(",").map((host) => host.trim());
  const joined = hosts.map((host) => (port === "" || hasPort(host) ? host : `${host}:${port}`)).join(",");
  return [...named, candidateOf(joined, port === "" ? pair.host : `${pair.host} and ${pair.port}`, false)];
}

function fromFile({ name, setting }: NamedSetting, { file }: Sources): readonly Candidate[] {
  if (file === undefined) {
    return [];
  }
  const at = (key: string, pointsToFile: boolean): Candidate => ({
    raw: file.values.get(key),
    origin: "file",
    from: file.from,
    ...(file.path === undefined ? {} : { file: file.path }),
    pointsToFile,
  });
  return setting.isSecret ? [at(name, false), at(`${name}${SECRET_FILE_SUFFIX}`, true)] : [at(name, false)];
}

function candidateOf(raw: string | undefined, variable: string, pointsToFile: boolean): Candidate {
  return { raw, origin: "environment", from: `environment ${variable}`, pointsToFile };
}

function readSecret(
  { name }: NamedSetting,
  { raw, origin, from }: Candidate,
  readFile: ReadFile,
  problems: string[],
): Given | undefined {
  const path = String(raw);
  try {
    const text = readFile(path);
    if (text !== undefined && text.trim() !== "") {
      return { raw: text.replace(/\r?\n$/, ""), origin, from: `${from} (${path})`, file: path };
    }
    problems.push(
      `setting ${name} from ${from}: ${text === undefined ? "there is no file" : "nothing stands in"} ${path}`,
    );
  } catch (error) {
    problems.push(`setting ${name} from ${from}: reading ${path}: ${whyUnreadable(error)}`);
  }
  return undefined;
}

/** The variables of one setting are one place: a plain one and a `…_FILE` beside it contradict each other. */
function isSamePlace(left: Candidate, right: Candidate): boolean {
  return left.origin === right.origin;
}

function hasPort(host: string): boolean {
  return /:\d+$/.test(host) && (host.startsWith("[") || host.indexOf(":") === host.lastIndexOf(":"));
}
