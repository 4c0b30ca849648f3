import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { excerptOf } from "../http/json-text.ts";

/** What an answer says went wrong, in its own envelope. */
export interface AnswerFault {
  readonly code: string;
  readonly description: string;
}

/** True of a range in which there is nothing of a code that there is: before its listing, or in the future. */
export function isNothingThere({ description }: AnswerFault): boolean {
  return description.startsWith("Data doesn't exist for startDate");
}

/**
 * The error that a refusal means (protocol section 4). A code that the provider does not know (404) is wrong for good, like
 * an interval it does not know and a depth that it does not have: DataError. That no request goes beyond the depth is the
 * planner's part.
 */
export function toFaultError(status: number, fault: AnswerFault, doing: string): Error {
  const said = `${doing}: the provider says ${JSON.stringify(fault.description.slice(0, 300))} (${fault.code}, HTTP ${status})`;
  if (status === 401 || status === 403 || fault.code === "Unauthorized") {
    return new TransientError(`${said}; it refuses this address or wants a session`);
  }
  if (status >= 500 || /^Internal/i.test(fault.code)) {
    return new TransientError(said, { isAnswered: true });
  }
  return new DataError(said);
}

/** The error of an answer that is none of the provider's own: a page, a redirect, nothing at all. */
export function toStatusError(status: number, location: string | undefined, body: string, doing: string): Error {
  if (isConsent(location ?? body.slice(0, PAGE_CHARACTERS))) {
    return new TransientError(
      `${doing}: the provider sends this address to its page of consent (HTTP ${status}), which only a person can answer`,
    );
  }
  const sentence = `${doing}: expected an answer in JSON, got HTTP ${status} ${excerptOf(body)}`;
  if (status === 407) {
    return new PermanentError(sentence, "provider");
  }
  return status === 413 || status === 414 ? new DataError(sentence) : new TransientError(sentence);
}

/** The beginning of a page, in which its form stands. */
export const PAGE_CHARACTERS = 4_000;

/** Where people of some countries are sent before anything else. */
export function isConsent(text: string): boolean {
  return /guce\.yahoo\.com|consent\.yahoo\.com|collectConsent/i.test(text);
}

export function isTooMany(status: number, body: string): boolean {
  return status === 429 || status === 999 || /^\s*(?:Edge: )?Too Many Requests/i.test(body);
}
