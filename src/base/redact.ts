import { SECRET_PREFIX } from "./make-secret.ts";

/** Makes a copy of anything that is to be logged, without secrets. */
export interface Redactor {
  text(text: string): string;
  /** Fields by name (`token`, `password`, …), and every secret that is known or shows by its form, wherever it stands. */
  value(value: unknown): unknown;
}

export const REDACTED = "[secret]";

/** Shorter secrets would turn every line into nonsense; fields with a secret's name hide them all the same. */
export const SECRET_CHARACTERS_MIN = 4;

/** Of a longer secret, this many characters before a cut are hidden too: an excerpt may end inside it. */
export const CUT_CHARACTERS_MIN = 8;

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
    spellings.reduce(
      (result, spelling) => hideCut(result.replaceAll(spelling, REDACTED), spelling),
      hideCredentials(input),
    );
  return { text, value: (value) => redact(value, text, new Set()) };
}

/** What shows by its form that it is a secret, whoever made it: a header's credentials, and tokens of our own. */
const CREDENTIALS = /\b(Basic|Bearer) (?=\S*[\d+/=_-])[\w+/=.~-]{8,}/g;
const OWN_SECRET = new RegExp(`${SECRET_PREFIX}[\\w-]*`, "g");

function hideCredentials(input: string): string {
  return input.replaceAll(CREDENTIALS, `$1 ${REDACTED}`).replaceAll(OWN_SECRET, REDACTED);
}

/** Where a text was cut: at its end, or where it says so; a quotation mark may stand before. */
const CUT = /"?(?:…|$)/g;

function hideCut(input: string, secret: string): string {
  if (!input.includes(secret.slice(0, CUT_CHARACTERS_MIN))) {
    return input;
  }
  let hidden = "";
  let from = 0;
  for (const { index: cutAt } of input.matchAll(CUT)) {
    const before = input.slice(from, cutAt);
    const length = beginningAtEnd(before, secret);
    hidden += length === 0 ? before : `${before.slice(0, before.length - length)}${REDACTED}`;
    from = cutAt;
  }
  return hidden + input.slice(from);
}

/** How much of the secret's beginning `text` ends with; 0 when it is too little to tell. */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length >= CUT_CHARACTERS_MIN; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) {
      return length;
    }
  }
  return 0;
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
