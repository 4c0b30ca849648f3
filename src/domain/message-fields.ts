import { canonicalCode } from "./code-alias.ts";
import { DataError } from "../base/errors.ts";
import { parseDay, type Day } from "./day.ts";
import { FREQUENCY_NUMBERS, isFrequency, type Frequency } from "./frequency.ts";
import { excerpt, MessageError } from "./message-error.ts";
import { isProviderName, PROVIDER_SOURCES, type ProviderName } from "./provider.ts";
import { isSecurityCode, type SecurityCode } from "./security-code.ts";

/**
 * Readers of single fields of a foreign JSON object. Each looks at own properties only, takes null for absent (Python
 * writes None so), and throws MessageError with the path of the field.
 */
export interface Fields {
  readonly object: Readonly<Record<string, unknown>>;
  /** JSON path of the object, such as `$.params`. */
  readonly path: string;
}

const TRADING_DAYS_MAX = 50_000;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field's value; undefined when it is absent or null. */
export function fieldOf({ object }: Fields, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

/** `code` and `codes` together, as the codes they have today, without repeats, in the order asked for; undefined when neither is there. */
export function readCodes(fields: Fields, codesMax: number): readonly SecurityCode[] | undefined {
  const one = fieldOf(fields, "code");
  const many = fieldOf(fields, "codes");
  if (one === undefined && many === undefined) {
    return undefined;
  }
  const codes = new Set<SecurityCode>();
  if (one !== undefined) {
    codes.add(readCode(one, `${fields.path}.code`));
  }
  if (many !== undefined) {
    const path = `${fields.path}.codes`;
    if (!Array.isArray(many) || many.length === 0) {
      throw bad(path, "expected a list of at least one code", many);
    }
    const list: readonly unknown[] = many;
    if (list.length > codesMax) {
      throw new MessageError("bad-parameter", path, `expected at most ${codesMax} codes, got ${list.length}`);
    }
    list.forEach((code, index) => codes.add(readCode(code, `${path}[${index}]`)));
    if (codes.size > codesMax) {
      throw new MessageError(
        "bad-parameter",
        path,
        `expected at most ${codesMax} codes, got ${codes.size} with the code`,
      );
    }
  }
  return [...codes];
}

export function readFieldDay(fields: Fields, name: string): Day | undefined {
  const value = fieldOf(fields, name);
  if (value === undefined) {
    return undefined;
  }
  const path = `${fields.path}.${name}`;
  if (typeof value !== "string") {
    throw bad(path, "expected a day such as 20240102 or 2024-01-02", value);
  }
  try {
    return parseDay(value, path);
  } catch (error) {
    if (error instanceof DataError) {
      throw bad(path, "expected a day such as 20240102 or 2024-01-02", value);
    }
    throw error;
  }
}

/** `days`: how many trading days, a whole number from 1 on. Text of digits counts too. */
export function readDayCount(fields: Fields): number | undefined {
  const value = fieldOf(fields, "days");
  if (value === undefined) {
    return undefined;
  }
  const count = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number.parseInt(value, 10) : value;
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1 || count > TRADING_DAYS_MAX) {
    throw bad(`${fields.path}.days`, `expected a whole number of trading days from 1 to ${TRADING_DAYS_MAX}`, value);
  }
  return count;
}

/** True, false, or either word in any case: Ginkgo's producers write Python's `"False"`. */
export function readBoolean(fields: Fields, name: string): boolean {
  const value = fieldOf(fields, name);
  if (value === undefined) {
    return false;
  }
  const word = typeof value === "string" && value.length <= 5 ? value.toLowerCase() : value;
  if (word === true || word === "true") {
    return true;
  }
  if (word === false || word === "false") {
    return false;
  }
  throw bad(`${fields.path}.${name}`, "expected true or false", value);
}

/** 1d when nothing is said. A frequency that we have no name for is not supported rather than wrong. */
export function readFrequency(fields: Fields): Frequency {
  const value = fieldOf(fields, "frequency");
  if (value === undefined) {
    return "1d";
  }
  if (isFrequency(value)) {
    return value;
  }
  const reason = typeof value === "string" ? "not-supported" : "bad-parameter";
  const known = Object.keys(FREQUENCY_NUMBERS).join(", ");
  throw new MessageError(reason, `${fields.path}.frequency`, `expected one of ${known}, got ${excerpt(value)}`);
}

/** Stored bars are always raw; asking for adjusted ones asks for the factors as well. */
export function readWantsFactors(fields: Fields): boolean {
  const value = fieldOf(fields, "adjust_type");
  if (value === "qfq" || value === "hfq") {
    return true;
  }
  if (value === undefined || value === "none") {
    return false;
  }
  throw bad(`${fields.path}.adjust_type`, "expected qfq, hfq or none", value);
}

export function readProvider(fields: Fields): ProviderName | undefined {
  const value = fieldOf(fields, "provider");
  if (value === undefined || isProviderName(value)) {
    return value;
  }
  throw bad(`${fields.path}.provider`, `expected one of ${Object.keys(PROVIDER_SOURCES).join(", ")}`, value);
}

function readCode(value: unknown, path: string): SecurityCode {
  if (!isSecurityCode(value)) {
    throw bad(path, "expected a code such as 600000.SH", value);
  }
  return canonicalCode(value);
}

function bad(path: string, expected: string, value: unknown): MessageError {
  return new MessageError("bad-parameter", path, `${expected}, got ${excerpt(value)}`);
}
