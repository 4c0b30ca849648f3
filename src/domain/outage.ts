import { cutUtf8, DETAIL_BYTES_MAX, MessageError } from "./message-error.ts";

/** A provider that is out, as a dead letter names it. */
export interface Outage {
  readonly provider: string;
  readonly api: string;
  /** ISO 8601 in UTC. */
  readonly since: string;
  readonly why: string;
}

const DETAIL = /^(\S+) (\S+) has been out since (\S+):/;

/** What a message is set aside with that an outage held up for too long. */
export function toOutageError({ provider, api, since, why }: Outage): MessageError {
  const detail = `${provider} ${api} has been out since ${since}: ${why}`;
  return new MessageError("outage", "$", cutUtf8(detail, DETAIL_BYTES_MAX));
}

/** The provider and API that a dead letter's detail names; undefined for any other detail. */
export function readOutage(detail: string): Pick<Outage, "provider" | "api"> | undefined {
  const match = DETAIL.exec(detail);
  return match === null ? undefined : { provider: match[1] ?? "", api: match[2] ?? "" };
}
