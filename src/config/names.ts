import { isSetting, type Setting, type SettingsTree } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/** A setting with every name it goes by. */
export interface NamedSetting {
  readonly setting: Setting<unknown>;
  /** In the file and in messages, such as `kafka.dead_letter_topic`. */
  readonly name: string;
  /** The flag, such as `--kafka-dead-letter-topic`; of a secret it ends in `-file` and names a file. */
  readonly flag: string;
  /** Variables in the order in which they count. */
  readonly variables: readonly string[];
}

/** Every setting of the program, in the order of their declaration. */
export const NAMED_SETTINGS: readonly NamedSetting[] = nameAll(SETTINGS, []);

export const SETTING_BY_NAME: ReadonlyMap<string, NamedSetting> = new Map(
  NAMED_SETTINGS.map((named) => [named.name, named]),
);

/** The variable that names the settings file. */
export const FILE_VARIABLE = "GINKGO_DATA_WORKER_CONFIG";

/** `drainMs` to `drain_ms`; what is in that form already stays. */
export function toSnakeCase(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name as it stands in the file: `path` are the properties from the root to a setting. */
export function nameAt(path: readonly string[], setting: Setting<unknown>): string {
  const words = path.map(toSnakeCase);
  return (setting.key === undefined ? words : [...words.slice(0, -1), setting.key]).join(".");
}

/** Every variable that means something to us. */
export function knownVariables(): ReadonlySet<string> {
  const known = new Set([FILE_VARIABLE]);
  for (const { variables, setting } of NAMED_SETTINGS) {
    for (const variable of variables) {
      known.add(variable);
      if (setting.isSecret) {
        known.add(`${variable}_FILE`);
      }
    }
    if (setting.hostAndPort !== undefined) {
      known.add(setting.hostAndPort.host);
      known.add(setting.hostAndPort.port);
    }
  }
  return known;
}

function nameAll(tree: SettingsTree, path: readonly string[]): readonly NamedSetting[] {
  return Object.entries(tree).flatMap(([property, node]) => {
    const here = [...path, property];
    return isSetting(node) ? [nameOne(node, here)] : nameAll(node, here);
  });
}

function nameOne(setting: Setting<unknown>, path: readonly string[]): NamedSetting {
  const name = nameAt(path, setting);
  const flag = `--${name.replaceAll(/[._]/g, "-")}`;
  return {
    setting,
    name,
    flag: setting.isSecret ? `${flag}-file` : flag,
    variables: [`GINKGO_${name.replaceAll(".", "_").toUpperCase()}`, ...setting.variables],
  };
}
