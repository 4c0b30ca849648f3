import { isIPv6 } from "node:net";

import * as z from "zod";

import { adviseOnRules } from "./chain-rule-advice.ts";
import { CHAIN_RULE_EXPECTED, chainRuleText, parseChainRule, type ChainRule } from "../domain/chain-rule.ts";
import { parseDay, type Day } from "../domain/day.ts";

/** Turns what stands in a file, a variable or a flag into the value of a setting. */
export interface Reader<Value> {
  readonly schema: z.ZodType<Value>;
  /** Follows "expected", such as `a whole number from 1 to 10`. */
  readonly expected: string;
  /** The value as a person would write it. */
  show(value: Value): string;
  /** What to do about a text that is not what is expected; undefined where nothing better is known. */
  readonly advise?: (raw: string) => string | undefined;
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export function text(expected = "a text"): Reader<string> {
  return { expected, schema: z.union([z.string(), z.number()]).transform((value) => String(value).trim()), show: same };
}

/** Commas between, or a list in the file; blanks and empty entries do not count, repeats neither. */
export function list<Item>(item: Reader<Item>, expected: string): Reader<readonly Item[]> {
  const parts = z
    .union([z.array(z.unknown()), z.string()])
    .transform((value) =>
      (typeof value === "string" ? value.split(",").map((part) => part.trim()) : value).filter((part) => part !== ""),
    );
  const schema = parts.pipe(z.array(item.schema).min(1)).transform((items) => [...new Set(items)]);
  const { advise } = item;
  return {
    expected,
    schema,
    show: (items) => items.map((one) => item.show(one)).join(","),
    ...(advise === undefined ? {} : { advise }),
  };
}

export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): Reader<number> {
  const digits = z
    .string()
    .trim()
    .regex(/^[+-]?\d{1,16}$/);
  const schema = z
    .union([z.number(), digits.transform((value) => Number.parseInt(value, 10))])
    .pipe(z.int().min(min).max(max));
  const expected = `a whole number ${boundsText(min, max)}`;
  return { expected, schema, show: String };
}

export function decimal({ min = 0, max = Number.MAX_VALUE }: Bounds = {}): Reader<number> {
  const digits = z
    .string()
    .trim()
    .regex(/^[+-]?(?:\d+\.?\d*|\.\d+)$/);
  const schema = z
    .union([z.number(), digits.transform((value) => Number.parseFloat(value))])
    .pipe(z.number().min(min).max(max));
  return { expected: `a number ${boundsText(min, max)}`, schema, show: String };
}

/** Written in seconds, held in milliseconds. */
export function seconds(bounds: Bounds = {}): Reader<number> {
  return scaled(decimal(bounds), 1000, " of seconds");
}

/** Written in minutes, held in milliseconds. */
export function minutes(bounds: Bounds = {}): Reader<number> {
  return scaled(decimal(bounds), 60_000, " of minutes");
}

export function boolean(): Reader<boolean> {
  const words = {
    true: true,
    yes: true,
    on: true,
    "1": true,
    false: false,
    no: false,
    off: false,
    "0": false,
  } as const;
  const schema = z.union([
    z.boolean(),
    z.union([z.string(), z.number()]).transform((value, context) => {
      const word = String(value).trim().toLowerCase();
      if (!isKeyOf(words, word)) {
        context.addIssue("no boolean");
        return z.NEVER;
      }
      return words[word];
    }),
  ]);
  return { expected: "true or false", schema, show: String };
}

/** One of a few words, in any case; `others` are further spellings of them. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  others: Readonly<Record<string, Word>> = {},
): Reader<Word> {
  const schema = z.string().transform((value, context): Word => {
    const wanted = value.trim().toLowerCase();
    const found = words.find((word) => word.toLowerCase() === wanted);
    const other = Object.hasOwn(others, wanted) ? others[wanted] : undefined;
    if (found === undefined && other === undefined) {
      context.addIssue("no such word");
      return z.NEVER;
    }
    return found ?? other ?? z.NEVER;
  });
  return { expected: `one of ${words.join(", ")}`, schema, show: same };
}

export function day(): Reader<Day> {
  const schema = z.union([z.string(), z.number()]).transform((value, context): Day => {
    try {
      return parseDay(String(value).trim());
    } catch {
      context.addIssue("no day");
      return z.NEVER;
    }
  });
  return { expected: "a day such as 2015-01-01", schema, show: same };
}

/** An address with http or https. A password in it is never shown. */
export function url(): Reader<string> {
  const schema = z
    .string()
    .trim()
    .refine((value) => {
      const parsed = URL.parse(value);
      return parsed !== null && /^https?:$/.test(parsed.protocol);
    });
  return { expected: "an address such as https://host:8443", schema, show: maskUrl };
}

/** As `url`, for a setting whose default may turn out to be nothing. */
export function optionalUrl(): Reader<string | undefined> {
  const { expected, schema } = url();
  return { expected, schema, show: (value) => (value === undefined ? "" : maskUrl(value)) };
}

/** A chain of providers for one thing, as `parseChainRule` reads it. */
export function chainRule(): Reader<ChainRule> {
  const schema = z.string().transform((value, context): ChainRule => {
    const rule = parseChainRule(value);
    if (rule === undefined) {
      context.addIssue("no rule");
      return z.NEVER;
    }
    return rule;
  });
  return { expected: CHAIN_RULE_EXPECTED, schema, show: chainRuleText, advise: adviseOnRules };
}

/** A name that can stand in SQL without quotes. */
export function identifier(): Reader<string> {
  const schema = z
    .string()
    .trim()
    .regex(/^[A-Za-z_]\w{0,63}$/);
  return { expected: "a name of letters, digits and _", schema, show: same };
}

/** A name or address without scheme and port. `otherwise` says where an address with both belongs. */
export function host(otherwise: string): Reader<string> {
  const schema = z
    .string()
    .trim()
    .transform((value) => (/^\[.*\]$/.test(value) ? value.slice(1, -1) : value))
    .refine((value) => !NOT_IN_HOST.test(value) && (!value.includes(":") || isIPv6(value)));
  return {
    expected: "a host name or address without scheme and port",
    schema,
    show: same,
    advise: (raw) => (/[:/]/.test(raw) ? otherwise : undefined),
  };
}

/** `host:port`; without a port it gets `portDefault`. IPv6 addresses stand in brackets. */
export function hostAndPort(portDefault: number): Reader<string> {
  const schema = z
    .string()
    .trim()
    .transform((value) => (/^(?:\[[^\]]+\]|[^:[\]]+)$/.test(value) ? `${value}:${portDefault}` : value))
    .refine((value) => {
      const parts = /^(?:\[[0-9a-fA-F:.%]+\]|([^:[\]]+)):([1-9]\d{0,4})$/.exec(value);
      return parts !== null && !NOT_IN_HOST.test(parts[1] ?? "") && Number.parseInt(parts[2] ?? "", 10) <= PORT_MAX;
    });
  return {
    expected: `a host and port such as kafka:${portDefault}`,
    schema,
    show: same,
    advise: (raw) => (raw.includes("://") ? "leave out what stands before the host, such as http://" : undefined),
  };
}

const PORT_MAX = 65_535;
const NOT_IN_HOST = /[\s/'"`@,?#[\]\\]/;

export function maskUrl(value: string): string {
  const parsed = URL.parse(value);
  if (parsed === null || (parsed.password === "" && parsed.username === "")) {
    return value;
  }
  // A name without a password may be a token.
  if (parsed.password === "") {
    parsed.username = "******";
  } else {
    parsed.password = "******";
  }
  return parsed.href;
}

function scaled(reader: Reader<number>, factor: number, unit: string): Reader<number> {
  return {
    expected: reader.expected.replace(/^a number/, `a number${unit}`),
    schema: reader.schema.transform((value) => Math.round(value * factor)),
    show: (value) => String(value / factor),
  };
}

function boundsText(min: number, max: number): string {
  return max >= Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
}

function same(value: string): string {
  return value;
}

function isKeyOf<Table extends object>(table: Table, key: PropertyKey): key is keyof Table {
  return Object.hasOwn(table, key);
}
