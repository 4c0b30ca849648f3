import { findGiven, findLonePort, isNothing, ORIGINS, type Origin, type Sources } from "./config/collect.ts";
import {
  parseSettingsFile,
  type ReadFile,
  type SettingsFile,
  toSettingsFile,
  type WorkerSettings,
} from "./config/file.ts";
import { FILE_VARIABLE, knownVariables, nameAt, NAMED_SETTINGS, type NamedSetting } from "./config/names.ts";
import { type SecretFile, warnAboutExposed } from "./config/exposed-secrets.ts";
import { didYouMean } from "./config/nearest.ts";
import { contradictionsIn } from "./config/contradictions.ts";
import { isSetting, type Said, type Setting, type SettingsTree, type ValuesOf } from "./config/setting.ts";
import { SettingsError, whyUnreadable } from "./config/settings-error.ts";
import { SETTINGS } from "./config/settings.ts";

/** All settings, typed by their declarations: `config.kafka.brokers`, `config.worker.drainMs`. */
export type Config = ValuesOf<typeof SETTINGS>;

export interface LoadedConfig {
  readonly config: Config;
  /** What is odd but does no harm, one sentence each. */
  readonly warnings: readonly string[];
  /** Every secret there is, so that log and errors can leave them out. */
  readonly secrets: readonly string[];
  readonly rows: readonly SettingRow[];
}

/** A setting as `config show` prints it. */
export interface SettingRow {
  readonly setting: string;
  /** Masked when it is a secret; empty when there is none. */
  readonly value: string;
  readonly from: string;
  readonly help: string;
}

export type { WorkerSettings };

export interface ConfigSources {
  /** Texts by flag, such as `--kafka-brokers`. */
  readonly flags: ReadonlyMap<string, string>;
  /** What `--config` names. */
  readonly file?: string | undefined;
  /** Take the place of a settings file: then none is read. */
  readonly settings?: WorkerSettings | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
  /** Whether every user of this machine may read a file; false for one that cannot be looked at. */
  readonly isOpenToAll?: (path: string) => boolean;
}

export const FILE_BY_DEFAULT = "data_worker.yml";
const MASK = "******";
/** Names a file that is a secret as a whole. */
const KEY_FILE = "kafka.tls_key";
const POLL_TIMEOUT_MS_MAX = 500;
/** Variables of tests and benchmarks, which are no settings. */
const NO_SETTING = /^GINKGO_(?:TEST|BENCH)_/;

/** Flags before environment before file before default. SettingsError names everything that is wrong at once. */
export function loadConfig({ flags, file: path, settings, env, readFile, isOpenToAll }: ConfigSources): LoadedConfig {
  const file = settings === undefined ? openSettingsFile(path, env, readFile) : toSettingsFile(settings);
  const problems: string[] = [...(file?.problems ?? [])];
  const values = readAll({ flags, env, file, readFile }, problems);
  if (problems.length > 0) {
    throw new SettingsError(problems);
  }
  const exposed = warnAboutExposed(secretFilesIn(values), isOpenToAll ?? (() => false));
  const warnings = [...warningsAbout(env), ...capPollTimeout(values), ...exposed];
  const config = toConfig(values);
  const contradictions = contradictionsIn(config);
  if (contradictions.length > 0) {
    throw new SettingsError(contradictions);
  }
  return { config, warnings, secrets: secretsOf(config), rows: NAMED_SETTINGS.map((named) => rowOf(named, values)) };
}

/** Every setting with its value, where it came from and what it is for; secrets are masked. */
export function describeConfig({ rows }: LoadedConfig): readonly SettingRow[] {
  return rows;
}

/** Secret settings, and the passwords that stand in addresses. */
export function secretsOf(config: Config): readonly string[] {
  const found = leavesOf(SETTINGS, config).flatMap(({ setting, value }) => {
    if (typeof value !== "string") {
      return [];
    }
    return setting.isSecret ? [value] : passwordsIn(value);
  });
  return [...new Set(found.filter((secret) => secret !== ""))];
}

function leavesOf(
  tree: SettingsTree,
  values: object,
): readonly { readonly setting: Setting<unknown>; readonly value: unknown }[] {
  return Object.entries(values).flatMap(([property, value]: [string, unknown]) => {
    const node = tree[property];
    if (node === undefined || isSetting(node)) {
      return node === undefined ? [] : [{ setting: node, value }];
    }
    return typeof value === "object" && value !== null ? leavesOf(node, value) : [];
  });
}

interface Held {
  readonly value: unknown;
  readonly shown: string;
  readonly origin: Origin;
  readonly from: string;
  readonly file?: string | undefined;
}

type Values = Map<string, Held>;

function openSettingsFile(
  path: string | undefined,
  env: ConfigSources["env"],
  readFile: ReadFile,
): SettingsFile | undefined {
  const fromVariable = isNothing(env[FILE_VARIABLE]) ? undefined : env[FILE_VARIABLE];
  const wanted = path ?? fromVariable;
  const place = wanted ?? FILE_BY_DEFAULT;
  const text = readSettingsText(place, readFile);
  if (text === undefined && wanted !== undefined) {
    const from = path === undefined ? `environment ${FILE_VARIABLE}` : "flag --config";
    throw new SettingsError([`there is no settings file ${place}, which ${from} names`]);
  }
  return text === undefined ? undefined : parseSettingsFile(place, text);
}

function readSettingsText(path: string, readFile: ReadFile): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    throw new SettingsError([`reading the settings file ${path}: ${whyUnreadable(error)}`], { cause: error });
  }
}

function readAll(sources: Sources, problems: string[]): Values {
  const said: Values = new Map();
  for (const named of NAMED_SETTINGS) {
    const given = findGiven(named, sources, problems);
    const reading = given && named.setting.read(given.raw);
    if (given !== undefined && reading === undefined) {
      problems.push(
        `setting ${named.name} from ${given.from}: expected ${named.setting.expected}, got ${shownBad(named, given.raw)}${adviceFor(named, given.raw)}`,
      );
    } else if (given !== undefined && reading !== undefined) {
      said.set(named.name, { ...reading, origin: given.origin, from: given.from, file: given.file });
    }
  }
  stepBack(said);
  return withDefaults(said);
}

/** A value of the file gives way to a variable that says the same thing in another way. */
function stepBack(said: Values): void {
  for (const { name, setting } of NAMED_SETTINGS) {
    const own = said.get(name);
    const isBeaten = setting.yieldsTo.some((other) => own !== undefined && rank(said.get(other)) < rank(own));
    if (isBeaten) {
      said.delete(name);
    }
  }
}

function withDefaults(said: Values): Values {
  const others: Said = { get: (name) => said.get(name)?.value };
  return new Map(
    NAMED_SETTINGS.map(({ name, setting }) => [
      name,
      said.get(name) ?? { ...setting.fallback(others), origin: "default", from: "default" },
    ]),
  );
}

function rank(held: Held | undefined): number {
  return held === undefined ? ORIGINS.length : ORIGINS.indexOf(held.origin);
}

function warningsAbout(env: ConfigSources["env"]): readonly string[] {
  const known = knownVariables();
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith("GINKGO_") && !known.has(name) && !NO_SETTING.test(name),
  );
  const lonePorts = NAMED_SETTINGS.map((named) => findLonePort(named, env)).filter((text) => text !== undefined);
  return [
    ...unknown.map((name) => `environment ${name} is no setting of ours${didYouMean(name, known)}`),
    ...lonePorts,
  ];
}

/** A longer wait would hide partitions that were gained from their new owner (see the Kafka adapter). */
function capPollTimeout(values: Values): readonly string[] {
  const held = values.get("worker.poll_timeout");
  if (held === undefined || typeof held.value !== "number" || held.value <= POLL_TIMEOUT_MS_MAX) {
    return [];
  }
  const capped = String(POLL_TIMEOUT_MS_MAX / 1000);
  values.set("worker.poll_timeout", { ...held, value: POLL_TIMEOUT_MS_MAX, shown: capped });
  return [`worker.poll_timeout of ${held.shown} s from ${held.from} is capped at ${capped} s`];
}

function toConfig(values: Values): Config {
  // The tree of values has the shape of the tree of declarations, each value read by its own declaration.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return buildTree(SETTINGS, [], values) as Config;
}

function buildTree(tree: SettingsTree, path: readonly string[], values: Values): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(tree).map(([property, node]) => {
      const here = [...path, property];
      return [property, isSetting(node) ? values.get(nameAt(here, node))?.value : buildTree(node, here, values)];
    }),
  );
}

function rowOf({ name, setting }: NamedSetting, values: Values): SettingRow {
  const held = values.get(name);
  const shown = held?.shown ?? "";
  return {
    setting: name,
    value: setting.isSecret && shown !== "" ? MASK : shown,
    from: held?.from ?? "default",
    help: setting.help,
  };
}

function secretFilesIn(values: Values): readonly SecretFile[] {
  const key = values.get(KEY_FILE)?.value;
  return [
    ...NAMED_SETTINGS.flatMap(({ name, setting }) => {
      const path = values.get(name)?.file;
      return setting.isSecret && path !== undefined ? [{ name, path }] : [];
    }),
    ...(typeof key === "string" ? [{ name: KEY_FILE, path: key }] : []),
  ];
}

/** The password of an address, as it stands there and as it was meant; a name alone may be a token. */
function passwordsIn(address: string): readonly string[] {
  const parsed = URL.parse(address);
  const password = parsed?.password || (parsed?.username ?? "");
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** Quotes that a shell would have taken away stay in Compose's files and in `docker run --env-file`. */
function adviceFor({ setting }: NamedSetting, raw: unknown): string {
  if (typeof raw !== "string") {
    return "";
  }
  const isQuoted = /^\s*(["'])[^]*\1/.test(raw);
  const advice = isQuoted ? "remove the quotes, they are part of the value" : setting.advise(raw);
  return advice === undefined ? "" : `; ${advice}`;
}

/** User and password of something that was meant to be an address: all that stands before the last `@`. */
function withoutUser(text: string): string {
  return text.replace(/^(\w*:\/\/)?.*@/s, `$1${MASK}@`);
}

function shownBad({ setting }: NamedSetting, raw: unknown): string {
  if (setting.isSecret) {
    return MASK;
  }
  const text = JSON.stringify(raw, (_key, value: unknown) => (typeof value === "string" ? withoutUser(value) : value));
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
