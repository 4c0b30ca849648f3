import type { Clock } from "../../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { SHANGHAI } from "../../domain/day.ts";
import { RateLimitError, type CallLimit } from "../../ports/budget.ts";
import { parseRetryAfterMs } from "../http/errors.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The page says that too many addresses of one token clear after 30 to 60 minutes. */
const IP_LIMIT_WAIT_MS = 30 * MINUTE_MS;

/** Tushare's words for the windows of its limits (protocol section 7). */
const WINDOWS = {
  分钟: { name: "minute", windowMs: MINUTE_MS },
  小时: { name: "hour", windowMs: HOUR_MS },
  天: { name: "day", windowMs: DAY_MS },
} as const;
type WindowWord = keyof typeof WINDOWS;

const OLD_LIMIT = /每(分钟|小时|天)最多访问该?接口?\s*(\d{1,9})\s*次/;
/** With brackets of either width; escaped, since they look alike. */
const NEW_LIMIT = /频率超限\s*[(\uff08]\s*(\d{1,9})\s*次\s*\/\s*(分钟|小时|天)\s*[)\uff09]/;
/** A limit whose number could not be read is still a limit. */
const ANY_LIMIT = /每(分钟|小时|天)最多访问|频率超限/;

/**
 * The error that an answer with `code` other than 0 means. Classified by text in the order of protocol section 7, since
 * one code stands for limits and for rights and the texts about limits also speak of rights.
 * `doing` is what was being done; the provider's own words follow it, without the token.
 */
export function toAnswerError(code: number, text: string, doing: string, token: string, clock: Clock): Error {
  const said = `the provider says ${JSON.stringify(redact(text, token).slice(0, 300))} (code ${code})`;
  const limited = toRateLimitError(text, doing, said, clock);
  if (limited !== undefined) {
    return limited;
  }
  if (/IP数量超限/.test(text)) {
    const sentence = `this token is used from too many addresses; it clears by itself after 30 to 60 minutes when fewer use it`;
    return new TransientError(`${doing}: ${sentence}; ${said}`, { retryAfterMs: IP_LIMIT_WAIT_MS });
  }
  if (/token/i.test(text) && /不对|无效|错误|过期/.test(text)) {
    return new PermanentError(`${doing}: the token was refused; ${said}`, "provider", { isCredentials: true });
  }
  if (/不包含字段/.test(text)) {
    return new PermanentError(`${doing}: this server does not know a field we ask for; ${said}`, "api");
  }
  if (/没有.*(权限|接口)|积分不足|权限|permission denied/i.test(text) || code === 2002) {
    const isUnknown = /没有.*接口/.test(text) && !text.includes("权限");
    const sentence = isUnknown ? "this server has no such api" : "the account has no right to this api";
    return new PermanentError(`${doing}: ${sentence}; ${said}`, "api");
  }
  // Code -1000 means that our body was not readable; its text alone would pass for a fault that goes away.
  if (/必填|required|参数|unknown data source/i.test(text) || code === -1000) {
    return new DataError(`${doing}: the request was refused; ${said}`);
  }
  if (/系统|服务器|稍后/.test(text) || code >= 50_000) {
    // The same words answer a list of codes that is too long.
    return new TransientError(`${doing}: the server failed; ${said}`, { isAnswered: true });
  }
  // An answer nobody has recorded: tried a few times as this message's own, then set aside with the text.
  return new DataError(`${doing}: the call was refused for an unknown reason; ${said}`);
}

/** The error that an HTTP status of 400 or more means when the body is no envelope. */
export function toStatusError(status: number, retryAfter: string | undefined, excerpt: string, doing: string): Error {
  const sentence = `${doing}: the server answered HTTP ${status} ${excerpt}`;
  if (status === 429) {
    return new RateLimitError(sentence, undefined, { retryAfterMs: parseRetryAfterMs(retryAfter) ?? MINUTE_MS });
  }
  if (status === 413 || status === 414) {
    return new DataError(sentence);
  }
  // The address or the proxy in between is wrong: no waiting mends it.
  return status === 404 || status === 405 || status === 407
    ? new PermanentError(sentence, "provider")
    : new TransientError(sentence);
}

/** Takes the token out of a text that may end in a log. */
export function redact(text: string, token: string): string {
  return token === "" ? text : text.replaceAll(token, "[token]").replaceAll(encodeURIComponent(token), "[token]");
}

function toRateLimitError(text: string, doing: string, said: string, clock: Clock): RateLimitError | undefined {
  const limit = readLimit(text);
  if (limit !== undefined) {
    const { calls, word } = limit;
    const { name, windowMs } = WINDOWS[word];
    const named: CallLimit | undefined = calls === undefined || calls === 0 ? undefined : { calls, windowMs };
    return new RateLimitError(
      `${doing}: the limit of ${calls ?? "an unknown number of"} calls a ${name} is used up; ${said}`,
      named,
      { retryAfterMs: word === "天" ? untilMidnightMs(clock) : windowMs },
    );
  }
  return /请求过于频繁|访问过快/.test(text)
    ? new RateLimitError(`${doing}: too many calls; ${said}`, undefined, { retryAfterMs: MINUTE_MS })
    : undefined;
}

function readLimit(text: string): { readonly calls: number | undefined; readonly word: WindowWord } | undefined {
  const old = OLD_LIMIT.exec(text);
  if (old !== null) {
    return { calls: Number.parseInt(old[2] ?? "", 10), word: toWindowWord(old[1]) };
  }
  const newer = NEW_LIMIT.exec(text);
  if (newer !== null) {
    return { calls: Number.parseInt(newer[1] ?? "", 10), word: toWindowWord(newer[2]) };
  }
  const any = ANY_LIMIT.exec(text);
  return any === null ? undefined : { calls: undefined, word: toWindowWord(any[1]) };
}

function toWindowWord(word: string | undefined): WindowWord {
  return word === "小时" || word === "天" ? word : "分钟";
}

/** A day's limit is counted by Beijing's days. */
function untilMidnightMs(clock: Clock): number {
  const now = clock.now().toZonedDateTimeISO(SHANGHAI);
  const midnight = now.add({ days: 1 }).startOfDay();
  return midnight.epochMilliseconds - now.epochMilliseconds;
}
