import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import type { HttpAnswer } from "../http/client.ts";
import { parseRetryAfterMs } from "../http/errors.ts";
import { excerptOf } from "../http/json-text.ts";

/** Who is asked; budgets and breakers are kept for each, since a ban of one says nothing of the others. */
export const UPSTREAMS = ["eastmoney", "tencent", "sina", "sse", "szse", "bse", "aktools"] as const;
export type Upstream = (typeof UPSTREAMS)[number];

/** An upstream keeps us out for having asked too much. None of them says for how long: the client's ladder of waits does. */
export class BlockedError extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** What a status of each upstream means beside what it means everywhere. */
const BLOCKING_STATUSES: { readonly [U in Upstream]: readonly number[] } = {
  eastmoney: [403, 405],
  tencent: [403, 405, 501],
  sina: [403, 405, 456],
  sse: [405],
  szse: [403, 405],
  bse: [403, 405],
  aktools: [],
};

const HINTS: { readonly [U in Upstream]?: { readonly [status: number]: string } } = {
  sina: { 502: "; it answers addresses outside of China so: use another provider, or a proxy there" },
  sse: { 403: "; its pages are named as where we come from, so this address may be kept out: try from another one" },
};

const WALL = /访问被拦截|CloudWAF|访问异常|拒绝访问/;
const HTML = /^[\s\uFEFF]*<(?:!doctype|html|head|body|script|title|\?xml)/i;

/** Whether the text is a page for people where data was asked for. */
export function isPage(text: string): boolean {
  return HTML.test(text);
}

/**
 * Throws what the status or a page in the answer's place means: BlockedError where the upstream keeps us out,
 * PermanentError with scope "api" where the address is wrong, DataError where the request is, else TransientError.
 */
export function refuseBadAnswer(
  upstream: Upstream,
  { status, header }: Pick<HttpAnswer, "status" | "header">,
  text: string,
  doing: string,
): void {
  const said = `HTTP ${status} ${excerptOf(text)}`;
  const isWall = WALL.test(text.slice(0, 10_000)) && isPage(text);
  if (status === 429 || isWall || BLOCKING_STATUSES[upstream].includes(status)) {
    const retryAfterMs = parseRetryAfterMs(header("retry-after")[0]);
    throw new BlockedError(`${doing}: ${upstream} keeps this address out for now, ${said}`, { retryAfterMs });
  }
  if (status >= 200 && status < 300) {
    if (isPage(text)) {
      throw new BlockedError(`${doing}: ${upstream} answered with a page for people, ${said}`);
    }
    return;
  }
  const sentence = `${doing}: ${upstream} answered ${said}${HINTS[upstream]?.[status] ?? ""}`;
  if (status === 400 || status === 413 || status === 414) {
    throw new DataError(sentence);
  }
  if (status === 404 || status === 410) {
    throw new PermanentError(sentence, "api");
  }
  if (status === 407) {
    throw new PermanentError(sentence, "provider");
  }
  throw new TransientError(sentence);
}

/** What a decoder puts in the place of bytes that are no text in their character set. */
export const SPOILT = "\uFFFD";

/** An answer in another form than the one that is known: perhaps cut, perhaps another's. It says nothing of what exists. */
export function garbled(doing: string, what: string, text?: string): TransientError {
  return new TransientError(`${doing}: ${what}${text === undefined ? "" : `, got ${excerptOf(text)}`}`, {
    isAnswered: true,
  });
}
