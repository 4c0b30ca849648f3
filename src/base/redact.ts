/** Makes a copy of anything that is to be logged, without secrets. */
export interface Redactor {
  text(text: string): string;
  /** Fields by name (`token`, `password`, …), and every known secret wherever it stands in a text. */
  value(value: unknown): unknown;
}

export const REDACTED = "[secret]";

/** Shorter secrets would turn every line into nonsense; fields with a secret's name hide them all the same. */
export const SECRET_CHARACTERS_MIN = 4;

const SECRET_NAME = /(?:token|passw(?:or)?d|passphrase|secret|authorization|api_?key|credentials)$/i;
const DEPTH_MAX = 8;
const ITEMS_MAX = 200;

export function createRedactor(secrets: readonly string[]): Redactor {
  const wanted = secrets.filter((secret) => secret.length >= SECRET_CHARACTERS_MIN);
  // A secret may also stand in an address or inside JSON, where it is written otherwise. The longest go first.
  const spellings = [...new Set(wanted.flatMap((secret) => [secret, encode(secret), quote(secret)]))].toSorted(
    (left, right) => right.length - left.length,
  );
  const text = (input: string): string =>
    spellings.reduce((result, spelling) => result.replaceAll(spelling, REDACTED), input);
  return { text, value: (value) => redact(value, text, new Set()) };
}

function redact(value: unknown, text: (input: string) => string, above: ReadonlySet<object>): unknown {
  if (typeof value === "string") {
    return text(value);
  }
  if (typeof value === "bigint") {
    return text(value.toString());
  }
  if (typeof value === "symbol" || typeof value === "function") {
    return undefined;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (above.has(value) || above.size >= DEPTH_MAX) {
    return "[…]";
  }
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => redact(item, text, inside));
  }
  if (value instanceof Map || value instanceof Set) {
    return redact(value instanceof Map ? Object.fromEntries(value) : [...value], text, above);
  }
  if (value instanceof Error) {
    return redact(fieldsOf(value), text, inside);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return redact(value.toJSON(), text, inside);
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS_MAX)
      .map(([name, field]) => [text(name), isHidden(name, field) ? REDACTED : redact(field, text, inside)]),
  );
}

/** Counts and claims such as `tokens: 3` or `hasPassword: true` are no secrets. */
function isHidden(name: string, field: unknown): boolean {
  return SECRET_NAME.test(name) && field !== undefined && field !== null && typeof field !== "boolean";
}

function fieldsOf(error: Error): Readonly<Record<string, unknown>> {
  const { name, message, stack, cause } = error;
  return {
    ...Object.fromEntries(Object.entries(error)),
    name,
    message,
    stack,
    ...(cause === undefined ? {} : { cause }),
  };
}

function encode(secret: string): string {
  return encodeURIComponent(secret.toWellFormed());
}

function quote(secret: string): string {
  return JSON.stringify(secret).slice(1, -1);
}
