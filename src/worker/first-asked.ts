import type { Envelope } from "../domain/command.ts";
import { ASKED_AT_HEADER } from "../domain/dead-letter.ts";
import { readWireTime } from "../domain/wire-time.ts";
import type { Message } from "../ports/queue.ts";

const EARLIEST_MS = Date.UTC(2000, 0, 1);

/**
 * The earliest time at which a message is known to have been asked, epoch milliseconds: of what it says itself
 * (`timestamp`), of what a redriven one keeps of its first way, and of when the queue got it. A time that is too early
 * costs a few days more, one that is too late would leave out days that were asked for. Times before this century are
 * none: seconds taken for milliseconds, say, which would ask for all of history. Undefined where nothing says so.
 */
export function firstAskedAtMs(
  { headers, timestampMs }: Pick<Message, "headers" | "timestampMs">,
  { askedAt }: Pick<Envelope, "askedAt">,
): number | undefined {
  const kept = headers.findLast(([name]) => name === ASKED_AT_HEADER)?.[1]?.toString("utf8");
  const known = [
    askedAt?.epochMilliseconds,
    readWireTime(kept)?.at.epochMilliseconds,
    // A record of Kafka without a time has -1.
    timestampMs,
  ].filter((atMs): atMs is number => atMs !== undefined && atMs >= EARLIEST_MS);
  return known.length === 0 ? undefined : Math.min(...known);
}
