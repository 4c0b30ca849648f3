import { parseDocument, visit } from "yaml";

import { describeError } from "../base/errors.ts";
import { NAMED_SETTINGS, SETTING_BY_NAME, toSnakeCase } from "./names.ts";
import { didYouMean } from "./nearest.ts";
import { SettingsError } from "./settings-error.ts";

/** The settings of a file by name, as they stand there, and what is wrong with their names. */
export interface SettingsFile {
  /** In words, such as `file data_worker.yml`. */
  readonly from: string;
  /** Where it lies, when it is a file. */
  readonly path?: string;
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

/** Reads the text of a file; undefined when there is none at the path. Throws when it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** Names of secrets may end in `_file` and then say where the secret is. */
export const SECRET_FILE_SUFFIX = "_file";

/** SettingsError when the file is not YAML or no mapping. An empty file says nothing. */
export function parseSettingsFile(path: string, text: string): SettingsFile {
  const root = parseYaml(path, text);
  if (root === null || root === undefined) {
    return { from: `file ${path}`, path, values: new Map(), problems: [] };
  }
  if (!isGroup(root)) {
    throw new SettingsError([`settings file ${path}: expected groups of settings, got ${kindOf(root)}`]);
  }
  return { from: `file ${path}`, path, ...collectAll(root, path) };
}

/** What a settings file may hold, as plain values of a program. */
export type SettingValue = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Settings by group and name, as they stand in a settings file; names may be written `drain_ms` or `drainMs`. */
export interface WorkerSettings {
  readonly [groupOrName: string]: SettingValue | WorkerSettings;
}

/** The same as a file, from a program. */
export function toSettingsFile(settings: WorkerSettings): SettingsFile {
  return { from: OBJECT, ...collectAll(withTexts(settings), OBJECT) };
}

const OBJECT = "the settings that were given";

function collectAll(root: Readonly<Record<string, unknown>>, place: string): Omit<SettingsFile, "from" | "path"> {
  const values = new Map<string, unknown>();
  const problems: string[] = [];
  collect(root, "", place, values, problems);
  return { values, problems };
}

/** As in a file: numbers are the texts they are written as, and what is undefined is not there. */
function withTexts(group: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(group)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, isGroup(value) ? withTexts(value) : toText(value)]),
  );
}

function toText(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(toText);
  }
  return typeof value === "number" ? String(value) : value;
}

function collect(
  group: Readonly<Record<string, unknown>>,
  prefix: string,
  path: string,
  values: Map<string, unknown>,
  problems: string[],
): void {
  for (const [key, value] of Object.entries(group)) {
    const name = `${prefix}${toSnakeCase(key)}`;
    if (isSettingName(name)) {
      if (values.has(name)) {
        problems.push(`setting ${name} stands twice in ${path}`);
      }
      values.set(name, value);
    } else if (isGroupName(name) && (isGroup(value) || value === null)) {
      collect(value ?? {}, `${name}.`, path, values, problems);
    } else if (isGroupName(name)) {
      problems.push(`group ${name} in ${path}: expected settings, got ${kindOf(value)}`);
    } else {
      problems.push(`unknown setting ${name} in ${path}${didYouMean(name, candidates(name))}`);
    }
  }
}

function isSettingName(name: string): boolean {
  return SETTING_BY_NAME.has(name) || secretNamed(name);
}

function secretNamed(name: string): boolean {
  const bare = name.endsWith(SECRET_FILE_SUFFIX) ? name.slice(0, -SECRET_FILE_SUFFIX.length) : "";
  return SETTING_BY_NAME.get(bare)?.setting.isSecret ?? false;
}

function isGroupName(name: string): boolean {
  return NAMED_SETTINGS.some((named) => named.name.startsWith(`${name}.`));
}

function candidates(name: string): readonly string[] {
  const names = [...SETTING_BY_NAME.keys()];
  return name.includes(".") ? names : [...names, ...names.map((known) => known.split(".")[0] ?? known)];
}

/** Numbers stay the text they are: a password of 0123 is not 123. */
function parseYaml(path: string, text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  const error = document.errors[0];
  if (error !== undefined) {
    // Only the first line: the rest is an excerpt of the file, which may hold a secret.
    const first = (error.message.split("\n")[0] ?? "").replace(/:$/, "");
    throw new SettingsError([`settings file ${path} is not YAML: ${first}`], { cause: error });
  }
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "number" && node.source !== undefined) {
        node.value = node.source;
      }
    },
  });
  try {
    return document.toJS();
  } catch (error) {
    throw new SettingsError([`settings file ${path} is not YAML: ${describeError(error)}`], { cause: error });
  }
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
