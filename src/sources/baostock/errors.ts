import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What is being done, and what must not stand in any text about it. */
export interface Doing {
  readonly doing: string;
  /** The password and the key. */
  readonly secrets: readonly string[];
  /** An answer to a login speaks of the account, whatever was asked behind it. */
  readonly isLogin?: boolean;
  /** No refusal asks for a longer wait. */
  readonly waitMsMax?: number;
}

/** The session is unknown to the server: another login mends it. */
export const NOT_LOGGED_IN = "10001001";

type Kind =
  | { readonly is: "credentials" | "version" | "rights" | "request" }
  | { readonly is: "passes"; readonly retryAfterMs?: number }
  | { readonly is: "limit"; readonly retryAfterMs: number };

/** Every code of protocol section 4, in our words. */
const CODES: Readonly<Record<string, readonly [Kind, string]>> = {
  [NOT_LOGGED_IN]: [{ is: "passes", retryAfterMs: MINUTE_MS }, "the server does not know the session"],
  "10001002": [{ is: "credentials" }, "user or password was refused"],
  "10001003": [{ is: "passes", retryAfterMs: MINUTE_MS }, "the server could not read the account"],
  "10001004": [{ is: "version" }, "the server wants a newer client"],
  "10001005": [{ is: "limit", retryAfterMs: HOUR_MS }, "the account has used up its logins"],
  "10001006": [{ is: "rights" }, "the account has no right to this"],
  "10001007": [{ is: "credentials" }, "the account is not activated"],
  "10001008": [{ is: "credentials" }, "the user is empty"],
  "10001009": [{ is: "credentials" }, "the password is empty"],
  "10001010": [{ is: "passes" }, "the logout failed"],
  "10001011": [{ is: "limit", retryAfterMs: DAY_MS }, "this user or address is on the provider's blacklist"],
  "10001012": [{ is: "credentials" }, "the API key has a wrong form"],
  "10002001": [{ is: "passes" }, "the network failed"],
  "10002002": [{ is: "passes" }, "the connection failed"],
  "10002003": [{ is: "passes" }, "the connection took too long"],
  "10002004": [{ is: "passes" }, "the connection was closed"],
  "10002005": [{ is: "passes" }, "sending failed"],
  "10002006": [{ is: "passes" }, "sending took too long"],
  "10002007": [{ is: "passes" }, "receiving failed"],
  "10002008": [{ is: "passes" }, "receiving took too long"],
  "10004001": [{ is: "passes" }, "a text could not be read"],
  "10004002": [{ is: "passes" }, "a body did not unpack"],
  "10004003": [{ is: "passes" }, "an unknown failure"],
  "10004004": [{ is: "request" }, "an index out of bounds"],
  "10004005": [{ is: "request" }, "a parameter is empty"],
  "10004006": [{ is: "request" }, "the parameters are wrong"],
  "10004007": [{ is: "request" }, "the start date is wrong"],
  "10004008": [{ is: "request" }, "the end date is wrong"],
  "10004009": [{ is: "request" }, "the start lies after the end"],
  "10004010": [{ is: "request" }, "the date is wrong"],
  "10004011": [{ is: "request" }, "the security code is wrong or unknown"],
  "10004012": [{ is: "request" }, "a column is unknown"],
  "10004013": [{ is: "request" }, "the dates lie outside what the provider has"],
  "10004014": [{ is: "request" }, "securities of several kinds"],
  "10004015": [{ is: "request" }, "not to be had of this kind of security"],
  "10004016": [{ is: "request" }, "an order was refused"],
  "10004017": [{ is: "request" }, "an order was refused"],
  "10004018": [{ is: "request" }, "a column is named twice"],
  "10004019": [{ is: "request" }, "the message is malformed"],
  "10004020": [{ is: "request" }, "the server has no such request (any more)"],
  "10005001": [{ is: "passes" }, "the server failed"],
};

/** A code that nobody wrote down has its family's kind; one of no family is this request's own trouble. */
const FAMILIES: readonly (readonly [RegExp, Kind])[] = [
  [/^10001\d{3}$/, { is: "rights" }],
  [/^10002\d{3}$/, { is: "passes" }],
  [/^10005\d{3}$/, { is: "passes" }],
];

/** Under whatever code it comes. */
const BLACKLISTED = /黑名单/;

export const BAOSTOCK_CODES: readonly string[] = Object.keys(CODES);

/** A server's refusal as it came, for `translate`. */
export class Refusal extends Error {
  readonly code: string;
  readonly text: string;

  constructor(code: string, text: string) {
    super(`refused with ${code}`);
    this.code = code;
    this.text = text;
  }
}

/**
 * Gives what the server, the socket or a timer said its kind. What has a kind keeps it, and a defect of ours passes
 * through as it is. No text has a secret.
 */
export function translate(error: unknown, at: Doing): unknown {
  if (error instanceof Refusal) {
    return toRefusalError(error, at);
  }
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const code = codeOf(error);
  if (code === undefined) {
    return error;
  }
  const text = error instanceof Error && error.message !== "" ? `, ${redact(error.message, at.secrets)}` : "";
  return new TransientError(`${at.doing}: the connection failed (${code}${text})`, { cause: error });
}

/** Takes the secrets out of a text that may end in a log. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => (secret === "" ? left : left.replaceAll(secret, "[secret]")), text);
}

function toRefusalError(
  { code, text }: Refusal,
  { doing, secrets, isLogin = false, waitMsMax = Infinity }: Doing,
): Error {
  const [kind, meaning] = classify(code, text);
  const said = `the provider says ${JSON.stringify(redact(text, secrets).slice(0, 300))} (code ${code})`;
  const sentence = `${doing}: ${meaning}; ${said}`;
  switch (kind.is) {
    case "credentials":
      return new PermanentError(sentence, "provider", { isCredentials: true });
    case "version":
      return new PermanentError(sentence, "provider");
    case "rights":
      return new PermanentError(sentence, isLogin ? "provider" : "api");
    case "limit":
      return new RateLimitError(sentence, undefined, { retryAfterMs: Math.min(kind.retryAfterMs, waitMsMax) });
    case "passes":
      return new TransientError(sentence, {
        isAnswered: true,
        ...(kind.retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(kind.retryAfterMs, waitMsMax) }),
      });
    case "request":
      return new DataError(sentence);
  }
}

function classify(code: string, text: string): readonly [Kind, string] {
  const blacklisted = CODES["10001011"];
  if (BLACKLISTED.test(text) && blacklisted !== undefined) {
    return blacklisted;
  }
  const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const family = FAMILIES.find(([pattern]) => pattern.test(code));
  return known ?? [family?.[1] ?? { is: "request" }, "refused for an unknown reason"];
}

/** The code of a failure of the network; undefined for a defect of ours. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return undefined;
  }
  return /^(?!ERR_)|^ERR_(?:SOCKET|STREAM)_/.test(error.code) ? error.code : undefined;
}
