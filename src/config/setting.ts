import type { Reader } from "./reader.ts";

/** What others said, for defaults that depend on it. Derived defaults do not count, so no two can wait for each other. */
export interface Said {
  /** The value somebody gave; undefined when it is left at its default. */
  get(name: string): unknown;
}

/** A value and how a person would write it. */
export interface Reading<Value> {
  readonly value: Value;
  readonly shown: string;
}

/** Everything there is to know about one setting. Its name, variable and flag follow from where it stands in the tree. */
export interface Setting<Value> {
  /** Undefined when `raw` is not what is expected. */
  read(raw: unknown): Reading<Value> | undefined;
  fallback(said: Said): Reading<Value>;
  /** Follows "expected". */
  readonly expected: string;
  /** What to do about a text that is not what is expected. */
  advise(raw: string): string | undefined;
  /** The default in words; empty when there is none. */
  readonly defaultText: string;
  readonly help: string;
  readonly isSecret: boolean;
  readonly isBoolean: boolean;
  /** Variables that count besides `GINKGO_<GROUP>_<NAME>`, which comes first. */
  readonly variables: readonly string[];
  /** Two variables of Ginkgo's deployment that make the value together; they come last. */
  readonly hostAndPort: HostAndPort | undefined;
  /** Names of settings before which this one steps back where they are said closer to the start: a variable before the file. */
  readonly yieldsTo: readonly string[];
  /** The last word of the name where it differs from the property's. */
  readonly key: string | undefined;
}

/** A default that follows from other settings; `words` say how. */
export interface Derived<Value> {
  readonly words: string;
  derive(said: Said): Value;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: string;
}

export interface SettingsTree {
  readonly [property: string]: Setting<unknown> | SettingsTree;
}

/** The values of a tree of settings, at the same places. */
export type ValuesOf<Tree> =
  Tree extends Setting<infer Value> ? Value : { readonly [Property in keyof Tree]: ValuesOf<Tree[Property]> };

export interface Details {
  readonly secret?: boolean;
  readonly variables?: readonly string[];
  readonly hostAndPort?: HostAndPort;
  readonly yieldsTo?: readonly string[];
  readonly key?: string;
}

/** A setting that always has a value. */
export function setting<Value>(
  reader: Reader<Value>,
  byDefault: NoInfer<Value> | Derived<NoInfer<Value>>,
  help: string,
  details: Details = {},
): Setting<Value> {
  const derived = isDerived(byDefault) ? byDefault : undefined;
  const fallback = (said: Said): Reading<Value> => {
    const value = isDerived(byDefault) ? byDefault.derive(said) : byDefault;
    return { value, shown: reader.show(value) };
  };
  const defaultText = derived?.words ?? fallback({ get: () => undefined }).shown;
  return { ...declare(reader, help, details), fallback, defaultText };
}

/** A setting that is undefined when nobody says it. */
export function optional<Value>(
  reader: Reader<Value>,
  help: string,
  details: Details = {},
): Setting<Value | undefined> {
  return { ...declare(reader, help, details), fallback: () => ({ value: undefined, shown: "" }), defaultText: "" };
}

export function isSetting(node: Setting<unknown> | SettingsTree): node is Setting<unknown> {
  return typeof node["read"] === "function";
}

function isDerived<Value>(byDefault: Value | Derived<Value>): byDefault is Derived<Value> {
  return typeof byDefault === "object" && byDefault !== null && "derive" in byDefault;
}

function declare<Value>(reader: Reader<Value>, help: string, details: Details) {
  return {
    read: (raw: unknown): Reading<Value> | undefined => {
      const result = reader.schema.safeParse(raw);
      return result.success ? { value: result.data, shown: reader.show(result.data) } : undefined;
    },
    expected: reader.expected,
    advise: (raw: string) => reader.advise?.(raw),
    help,
    isSecret: details.secret ?? false,
    isBoolean: reader.expected === "true or false",
    variables: details.variables ?? [],
    hostAndPort: details.hostAndPort,
    yieldsTo: details.yieldsTo ?? [],
    key: details.key,
  };
}
