import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { RetryWaits } from "../../base/jitter.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed } from "../../base/retry.ts";
import { readOutage } from "../../domain/outage.ts";
import type { Lock } from "../../ports/lock.ts";
import type { MessageReader, Producer } from "../../ports/queue.ts";
import type { HandledLetters } from "../../ports/store.ts";
import type { BreakerSeen, GateListener } from "../../worker/provider-gate.ts";
import type { FoundLetter } from "./letter.ts";
import { chooseLetters } from "./read-letters.ts";
import { canGo, redriveChosen, type RedriveParts } from "./redrive-letters.ts";

/** What letters are read and sent back with, while that is done. */
export interface RedriveTools extends AsyncDisposable {
  readonly reader: MessageReader;
  readonly producer: Producer;
}

/** Of a provider's gate what is needed here. */
export interface WatchedGate {
  listen(listener: GateListener): void;
  describe(): Pick<BreakerSeen, "provider" | "api">;
}

export interface OutageRedriveParts {
  /** The topic of dead letters. */
  readonly topic: string;
  readonly gates: readonly WatchedGate[];
  /** After this time the first messages were set aside; a shorter outage set none aside. */
  readonly outageDeadlineMs: number;
  readonly openTools: (signal: AbortSignal) => Promise<RedriveTools>;
  readonly handled: HandledLetters;
  /** Letters of one look; default LETTERS_MAX. */
  readonly lettersMax?: number | undefined;
  readonly lock: Lock;
  readonly retryWaits: RetryWaits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Letters of an outage that are being written when it ends are there by then. */
const SETTLE_MS = 2_000;
/** After each batch of a hundred, so that what comes back does not crowd out what is new. */
const BATCH_PAUSE_MS = 1_000;
/** Of one after another of these, letters that were still on their way when the one before looked. */
const PASSES_MAX = 10;

/**
 * Sends the open dead letters of reason `outage` back by itself: when an outage ends that lasted long enough to set
 * messages aside those of its provider and API, and once after the start, when an API first answers, its own, since an
 * outage that outlived the worker that saw it begin may end soon after the start, or not be seen at all. When an outage
 * has set everything aside, one letter is sent back, so that there is something to try the provider with: the first that
 * can go. What cannot go without a person stays, such as a letter that came back REDRIVES_MAX times.
 *
 * One worker of the fleet does it at a time, and what it sent back the next one finds handled. The letters go back in the
 * order in which their messages stood in their partitions, with their keys, a batch a second; messages that came in the
 * meantime are ahead of them. Nothing is lost by that: a message says what is to be brought up to date, not what to
 * write, its `days` count from when it was first asked, which goes back with it, and a later call of the provider beats an
 * earlier one whatever asked for it.
 *
 * While it is open it works in the background and throws nothing; what fails for good is said, and tried with the next
 * outage.
 */
export function openOutageRedrive(parts: OutageRedriveParts, work: AbortSignal): AsyncDisposable {
  const close = new AbortController();
  const signal = AbortSignal.any([work, close.signal]);
  let working: Promise<void> = Promise.resolve();
  const later = (act: () => Promise<void>): void => {
    working = working.then(() => orSaid(act, parts.log, signal));
  };
  /** Of APIs that answered for the first time; one look at the letters serves all that did while it was waited for. */
  const returned: IsMeant[] = [];
  for (const gate of parts.gates) {
    const { provider, api } = gate.describe();
    const isOfGate: IsMeant = (outage) => outage.provider === provider && outage.api === api;
    let hasAnswered = false;
    gate.listen({
      onAnswered: () => {
        if (hasAnswered) {
          return;
        }
        hasAnswered = true;
        returned.push(isOfGate);
        if (returned.length === 1) {
          later(() => {
            const all = returned.splice(0);
            return redriveAll(parts, (outage) => all.some((isMeant) => isMeant(outage)), signal);
          });
        }
      },
      onEnded: (lastedMs, hasGivenUp) => {
        // Other workers have given up what a long outage held up; what waited at another provider before is due in a short one.
        if (parts.outageDeadlineMs > 0 && (hasGivenUp || lastedMs >= parts.outageDeadlineMs)) {
          later(() => redriveAll(parts, isOfGate, signal));
        }
      },
      onDeserted: () => {
        later(() => redriveOne(parts, isOfGate, signal));
      },
    });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      close.abort(new Error("dead letters of outages are sent back no more"));
      await working;
    },
  };
}

type IsMeant = (outage: { readonly provider: string; readonly api: string }) => boolean;

/** Never rejects. */
async function orSaid(act: () => Promise<void>, log: Log, signal: AbortSignal): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!signal.aborted) {
      log.warn("dead letters of an outage stay where they are", { why: describeError(error) });
    }
  }
}

async function redriveAll(parts: OutageRedriveParts, isMeant: IsMeant, signal: AbortSignal): Promise<void> {
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const count = await redrive(parts, isMeant, (letters, send) => send(letters), signal);
    if (count === 0) {
      return;
    }
    parts.log.info("dead letters redriven after an outage", { count });
  }
}

async function redriveOne(parts: OutageRedriveParts, isMeant: IsMeant, signal: AbortSignal): Promise<void> {
  const count = await redrive(parts, isMeant, sendFirst, signal);
  if (count > 0) {
    parts.log.info("a dead letter is redriven to try the provider with");
  }
}

/** Retention may have taken a letter since it was chosen: then another one is to go. */
async function sendFirst(letters: readonly FoundLetter[], send: SendBack): Promise<number> {
  for (const letter of letters) {
    const count = await send([letter]);
    if (count > 0) {
      return count;
    }
  }
  return 0;
}

/** How many of the letters went back. */
type SendBack = (letters: readonly FoundLetter[]) => Promise<number>;

/** Gives `act` the letters that are meant and can go, those first that went back the least often. How many went back. */
async function redrive(
  parts: OutageRedriveParts,
  isMeant: IsMeant,
  act: (letters: readonly FoundLetter[], send: SendBack) => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  const { topic, handled, lettersMax, lock, clock, log, retryWaits } = parts;
  const isWanted = (found: FoundLetter): boolean => {
    const outage = readOutage(found.letter.detail);
    return outage !== undefined && isMeant(outage) && canGo(found);
  };
  const locked = async (): Promise<number> => {
    await using tools = await parts.openTools(signal);
    const { reader, producer } = tools;
    const letterParts = { reader, producer, topic, handled, lettersMax, retryWaits, clock, log };
    const chosen = await chooseLetters(letterParts, { kind: "open", reason: "outage" }, signal, isWanted);
    const sorted = chosen.toSorted(({ letter: left }, { letter: right }) => left.redriven - right.redriven);
    return await act(sorted, (letters) => sendBack(letterParts, letters, signal));
  };
  await clock.sleep(SETTLE_MS, signal);
  const retry = { clock, log, waits: retryWaits, doing: "redriving dead letters of an outage" };
  return await untilPassed(() => lock.withLock(`redrive ${topic}`, locked, signal), retry, signal);
}

async function sendBack(parts: RedriveParts, letters: readonly FoundLetter[], signal: AbortSignal): Promise<number> {
  let done = 0;
  const options = { isDryRun: false, isForced: false };
  for await (const report of redriveChosen(parts, letters, options, signal)) {
    if (report.done > done && report.done < report.chosen) {
      await parts.clock.sleep(BATCH_PAUSE_MS, signal);
    }
    done = report.done;
  }
  return done;
}
