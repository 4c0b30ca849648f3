import type { Day } from "../domain/day.ts";
import type { Instrument, RejectedRow } from "../domain/rows.ts";
import { isSecurityCode } from "../domain/security-code.ts";
import type { Capability } from "../ports/source.ts";
import { covers } from "./covers.ts";

/** What an answer for a whole list holds. */
export interface ListRows {
  readonly rows: number;
  readonly rejected: readonly RejectedRow[];
}

/** More codes than these do not leave a stock list at once: a tenth of those stored, and in a small list so many. */
export const CODES_LOST_SHARE_MAX = 0.1;
export const CODES_LOST_MAX = 20;

/**
 * Why an answer cannot be the list it was asked for, for the end of a sentence; undefined when it can. An empty success
 * would pass for a market without a security or an exchange without a day.
 */
export function findEmptyFault({ rows, rejected }: ListRows): string | undefined {
  if (rows > 0) {
    return undefined;
  }
  const [first] = rejected;
  return first === undefined
    ? "the answer has 0 rows"
    : `none of ${rejected.length} rows can be read, the first because of ${first.detail}`;
}

/**
 * The same of listed codes that are far fewer than those that are stored as listed, as far as the provider has them,
 * whoever listed them.
 */
export function findShortFault(
  listed: readonly Instrument[],
  stored: readonly Instrument[],
  of: Pick<Capability, "exchanges" | "kinds">,
): string | undefined {
  const before = stored.filter(({ code, status }) => status === "listed" && covers(of, code)).length;
  const now = listed.filter(({ code }) => covers(of, code)).length;
  return isTooMany(before - now, before)
    ? `the answer has ${now} listed codes where ${before} are stored; a stockinfo message with force takes it all the same`
    : undefined;
}

/** The whole stock list of a provider: listed, delisted and paused. */
export interface WholeList {
  readonly instruments: readonly Instrument[];
  readonly rejected: readonly RejectedRow[];
}

/** Numbers of A-shares. A table that others write to as well may hold funds and indices, which no stock list has. */
const SHARE_NUMBER = /^(?:6[08]\d{4}\.SH|[03]0\d{4}\.SZ|(?:[48]\d|92)\d{4}\.BJ)$/;

/**
 * Stored shares of the answer's source that are listed or paused and that no list has any more, as gone since
 * `lastSeenOn`. None when the lists are not whole: delisted ones are missing where some are stored, a row has no
 * readable code, or more are missing than leave at once.
 */
export function findGone(
  { instruments, rejected }: WholeList,
  stored: readonly Instrument[],
  lastSeenOn: Day,
): readonly Instrument[] {
  const [source] = instruments.map((instrument) => instrument.source);
  const ours = stored.filter((instrument) => instrument.source === source && SHARE_NUMBER.test(instrument.code));
  if (ours.some(isDelisted) && !instruments.some(isDelisted)) {
    return [];
  }
  if (rejected.some(({ code }) => !isSecurityCode(code))) {
    return [];
  }
  const named = new Set<string>([...instruments, ...rejected].map(({ code }) => code));
  const listed = ours.filter(({ status }) => status === "listed" || status === "paused");
  const missing = listed.filter(({ code }) => !named.has(code));
  return isTooMany(missing.length, listed.length)
    ? []
    : missing.map((instrument): Instrument => ({ ...instrument, status: "gone", delistedOn: lastSeenOn }));
}

function isDelisted({ status }: Instrument): boolean {
  return status === "delisted";
}

/** Whether an answer for the whole market has far fewer rows than codes are listed; of an unknown list never. */
export function isShortMarket(rows: number, listed: number): boolean {
  return rows > 0 && isTooMany(listed - rows, listed);
}

/** Whether so many codes of `before` leave the list at once that the answer is rather wrong. */
export function isTooMany(lost: number, before: number): boolean {
  return lost > Math.max(CODES_LOST_MAX, before * CODES_LOST_SHARE_MAX);
}
