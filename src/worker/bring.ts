import type { Log } from "../base/log.ts";
import { describeError } from "../base/errors.ts";
import { chainFor, chainSubjectOf, providersInUse, type Chains } from "../domain/chain-rule.ts";
import { addDays, dayAt, maxDay, type Day } from "../domain/day.ts";
import { MARKETS, marketOf } from "../domain/market.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { type Abilities, providersOf } from "../planning/covers.ts";
import { reachOf } from "../planning/plan.ts";
import { groupByLines, noProvider, type AbleGroup } from "./able-lines.ts";
import type { CommandContext, Done } from "./message-handler.ts";
import { ProviderChain } from "./provider-chain.ts";
import {
  ensureLists,
  joinDone,
  syncCodes,
  type CodeLine,
  type CodesRequest,
  type DaysLeft,
  type SyncParts,
} from "./sync-codes.ts";
import { throwFailure } from "./throw-failure.ts";

/** What one provider serves of the data sets that are asked for by code. */
export interface ProviderLines {
  /** All that can serve it, those that are asked first in front; none for what it does not serve. */
  readonly lines: <D extends CodeDataSet>(
    dataSet: D,
    frequency: CodesRequest["frequency"],
    code: SecurityCode,
  ) => readonly CodeLine<D>[];
}

export interface BringParts extends SyncParts {
  readonly lines: ReadonlyMap<ProviderName, ProviderLines>;
  readonly chains: Chains;
  /** Of all providers, in use or not, for the answer to whoever asks for what those in use do not have. */
  readonly abilities: Abilities;
  readonly log: Log;
}

export interface BringRequest extends CodesRequest {
  readonly provider: ProviderName | undefined;
}

/** Brings a data set of some codes up to date. */
export type Bring = (
  dataSet: CodeDataSet,
  request: BringRequest,
  context: CommandContext,
  signal: AbortSignal,
) => Promise<Done>;

/**
 * What is asked for by code goes to the first line that has the data set for that kind of code (`ProviderChain`). Days of
 * which that one says nothing although they should have a row are asked of the others, one after the other, before they
 * stay unexplained. Codes that nobody can serve do not hold up the others, and make the message a dead letter in the end,
 * which names the providers that could.
 */
export function createBring(parts: BringParts): Bring {
  const chain = new ProviderChain({ providers: providersInUse(parts.chains), log: parts.log });
  return async (dataSet, request, context, signal) => {
    // Before anybody is chosen: who refuses a list is not who is asked for the rows.
    await ensureLists(request, parts.reference, context, signal);
    const groups = groupByLines({
      codes: request.codes,
      linesOf: (code) => linesFor(code, dataSet, request, parts),
      wantedFrom: (code) => wantedFrom(code, dataSet, request, parts),
      reachOf: (capability, code) => reachOf(capability, parts.reference.calendarOf(code), parts.clock.nowMs()),
    });
    const unable = async (): Promise<Done> => {
      throw whyUnable(groups.unable, dataSet, request, context, parts);
    };
    return await joinAll([
      ...groups.able.map((group) => bringGroup(group, request, { parts, chain, context }, signal)),
      ...(groups.unable.length > 0 ? [unable()] : []),
    ]);
  };
}

interface BringWork {
  readonly parts: BringParts;
  readonly chain: ProviderChain;
  readonly context: CommandContext;
}

async function bringGroup<D extends CodeDataSet>(
  { codes, lines }: AbleGroup<CodeLine<D>>,
  request: BringRequest,
  { parts, chain, context }: BringWork,
  signal: AbortSignal,
): Promise<Done> {
  const pinnedAt = request.provider === undefined ? undefined : `${context.places.params}.provider`;
  const candidates = mayStepIn(lines, request);
  const asked: CodeLine<D>[] = [];
  let { done, left } = await chain.ask(
    candidates,
    (line, ending) => {
      asked.push(line);
      return syncCodes({ ...request, codes }, line, parts, context, ending);
    },
    { signal, pinnedAt },
  );
  for (;;) {
    const [next] = chain.there(candidates.filter((line) => !asked.includes(line)));
    if (next === undefined || left.size === 0) {
      return done;
    }
    asked.push(next);
    const again = await askAgain(next, left, asked, request, { parts, chain, context }, signal);
    if (again === undefined) {
      return done;
    }
    done = { ...joinDone(done, again.done), unexplainedDays: done.unexplainedDays - again.daysExplained };
    done = { ...done, word: done.word === "unexplained" && done.unexplainedDays === 0 ? "stored" : done.word };
    left = again.left;
  }
}

interface AskedAgain {
  readonly done: Done;
  readonly left: DaysLeft;
  readonly daysExplained: number;
}

/** A second opinion is worth nothing to wait or to fail for: undefined where none was to be had. */
async function askAgain<D extends CodeDataSet>(
  next: CodeLine<D>,
  left: DaysLeft,
  asked: readonly CodeLine<D>[],
  request: BringRequest,
  { parts, chain, context }: BringWork,
  signal: AbortSignal,
): Promise<AskedAgain | undefined> {
  const before = countDays(left, parts);
  const askedBefore = [...new Set(asked.slice(0, -1).map(({ provider }) => provider))];
  try {
    const again = await chain.ask(
      [next],
      (line, ending) =>
        syncCodes(
          { ...request, codes: [...left.keys()], only: { days: left, askedBefore } },
          line,
          parts,
          context,
          ending,
        ),
      { signal },
    );
    return { ...again, daysExplained: before - countDays(again.left, parts) };
  } catch (error) {
    signal.throwIfAborted();
    parts.log.warn("no second opinion on days without rows", { provider: next.provider, why: describeError(error) });
    return undefined;
  }
}

function countDays(left: DaysLeft, { reference }: BringParts): number {
  let count = 0;
  for (const [code, days] of left) {
    count += days.reduce((sum, { from, to }) => sum + reference.calendarOf(code).countBetween(from, to), 0);
  }
  return count;
}

/**
 * Factors of two providers have different levels, and one evening of another one would put a false step into a history: for
 * them nobody steps in while the first is out.
 */
function mayStepIn<D extends CodeDataSet>(
  lines: readonly CodeLine<D>[],
  { provider: pinned }: BringRequest,
): readonly CodeLine<D>[] {
  const [first] = lines;
  return first?.dataSet === "adjustment-factors" && pinned === undefined
    ? lines.filter(({ provider }) => provider === first.provider)
    : lines;
}

function linesFor<D extends CodeDataSet>(
  code: SecurityCode,
  dataSet: D,
  { frequency, provider }: BringRequest,
  { lines, chains, reference }: BringParts,
): readonly CodeLine<D>[] {
  if (!reference.hasCalendarOf(code)) {
    return [];
  }
  const providers = provider === undefined ? chainFor(chains, chainSubjectOf(dataSet, frequency), code) : [provider];
  return providers.flatMap((one) => lines.get(one)?.lines(dataSet, frequency, code) ?? []);
}

function whyUnable(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  { frequency, provider }: BringRequest,
  { places }: CommandContext,
  { lines, chains, abilities, reference }: BringParts,
): MessageError {
  const [first] = codes;
  if (first !== undefined && !reference.hasCalendarOf(first)) {
    const { exchanges, title } = MARKETS[marketOf(first)];
    const able = [...abilities].flatMap(([name, all]) =>
      all.some((one) => one.dataSet === "trading-calendar" && one.exchanges.some((at) => exchanges.includes(at)))
        ? [name]
        : [],
    );
    const who = able.length === 0 ? "" : `; add ${able.join(" or ")} to providers.chain`;
    const detail = `on which days the exchanges of ${title} were open is known to nobody of providers.chain${who}`;
    return new MessageError("not-supported", places.codes, detail);
  }
  if (provider === undefined || first === undefined) {
    return noProvider(codes, dataSet, frequency, places, { chains, abilities });
  }
  const at = `${places.params}.provider`;
  if (!lines.has(provider)) {
    const served = [...lines.keys()].join(", ");
    return new MessageError("not-supported", at, `${provider} is not in providers.chain, which has ${served}`);
  }
  const able = providersOf(abilities, dataSet, frequency, first).filter((one) => lines.has(one));
  return able.length === 0
    ? noProvider(codes, dataSet, frequency, places, { chains, abilities })
    : new MessageError(
        "not-supported",
        at,
        `${provider} does not have what is asked for, ${able.join(", ")} ${able.length === 1 ? "does" : "do"}`,
      );
}

/** About the first day that a request is about; undefined is the listing of a code that no list was read for yet. */
function wantedFrom(
  code: SecurityCode,
  dataSet: CodeDataSet,
  { range }: BringRequest,
  { reference, clock, historyStart, tickDays }: SyncParts,
): Day | undefined {
  const listedOn = reference.instrument(code)?.listedOn;
  const days = range.days ?? (dataSet === "ticks" && !range.full ? tickDays : undefined);
  // More calendar days than so many trading days ever took.
  const today = dayAt(clock.now(), MARKETS[marketOf(code)].zone);
  const recent = days === undefined ? undefined : addDays(today, -2 * days - 15);
  const first = range.start ?? (range.full ? undefined : (recent ?? historyStart));
  return first === undefined ? listedOn : listedOn === undefined ? first : maxDay(first, listedOn);
}

/** All of them, at least one: they go on beside one that fails, and a failure is thrown in the end. */
export async function joinAll(parts: readonly Promise<Done>[]): Promise<Done> {
  const results = await Promise.allSettled(parts);
  throwFailure(results);
  return results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])).reduce(joinDone);
}
