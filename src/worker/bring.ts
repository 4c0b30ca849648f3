import type { Log } from "../base/log.ts";
import { DataError, describeError, TransientError } from "../base/errors.ts";
import { GivenBackError } from "../consumer/handling.ts";
import type { Chains } from "../domain/chain-rule.ts";
import type { LedgerState } from "../domain/ledger.ts";
import { marketOf } from "../domain/market.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import type { Abilities } from "../planning/covers.ts";
import { toDayRuns } from "../planning/day-runs.ts";
import { reachOf } from "../planning/plan.ts";
import { stateOn } from "../planning/spans.ts";
import { groupByLines, type AbleGroup } from "./able-lines.ts";
import { countDays, joinDays, withoutDays } from "./days-left.ts";
import { joinDone, toDone } from "./done.ts";
import type { CommandContext, Done } from "./message-handler.ts";
import { MovedOnError, type ProviderChain } from "./provider-chain.ts";
import { isRefusal } from "./refusals.ts";
import { linesFor, mayStepIn, wantedFrom, whyUnable } from "./serving-lines.ts";
import {
  ensureLists,
  syncCodes,
  type CodeLine,
  type CodesRequest,
  type OnlyDays,
  type SyncContext,
  type Synced,
  type SyncParts,
} from "./sync-codes.ts";
import { StoredTally } from "./tally.ts";
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
  /** Of all providers in use; who refused a list is not asked for anything else either. */
  readonly chain: ProviderChain;
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
  const bringMarket: Bring = async (dataSet, request, context, signal) => {
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
      ...groups.able.map((group) => bringGroup(group, request, parts, context, signal)),
      ...(groups.unable.length > 0 ? [unable()] : []),
    ]);
  };
  // Lists of one market do not hold up another one.
  return async (dataSet, request, context, signal) =>
    await joinAll(
      [...Map.groupBy(request.codes, marketOf).values()].map((codes) =>
        bringMarket(dataSet, { ...request, codes }, context, signal),
      ),
    );
}

interface BringWork {
  readonly parts: BringParts;
  readonly chain: ProviderChain;
  readonly context: SyncContext;
}

async function bringGroup<D extends CodeDataSet>(
  { codes, lines }: AbleGroup<CodeLine<D>>,
  request: BringRequest,
  parts: BringParts,
  context: CommandContext,
  signal: AbortSignal,
): Promise<Done> {
  const tally = new StoredTally();
  const work = { parts, chain: parts.chain, context: { ...context, tally, heldUp: { sinceMs: Infinity } } };
  const candidates = mayStepIn(lines, request);
  /** Those that answered, and those that called wrong what was asked. */
  const spent = new Set<CodeLine<D>>();
  const first = await askOne(candidates, { ...request, codes }, spent, work, signal);
  const whole = await askFurther(first, candidates, request, spent, work, signal);
  await learnBeyond(whole, candidates, request, work);
  return toDone(tally, await askOthers(whole, candidates, request, spent, work, signal));
}

interface Brought<D extends CodeDataSet> extends Synced {
  /** Who brought it. */
  readonly line: CodeLine<D>;
  readonly askedBefore: readonly ProviderName[];
}

async function askOne<D extends CodeDataSet>(
  candidates: readonly CodeLine<D>[],
  request: CodesRequest & Pick<BringRequest, "provider">,
  spent: Set<CodeLine<D>>,
  { parts, chain, context }: BringWork,
  signal: AbortSignal,
): Promise<Brought<D>> {
  const pinnedAt = request.provider === undefined ? undefined : `${context.places.params}.provider`;
  const since = BigInt(Math.round(parts.clock.nowMs() * 1_000));
  const insteadOf = chain.left(candidates)[0]?.capability;
  let hasMoved = false;
  return await chain.ask(
    candidates,
    async (line, ending) => {
      try {
        // Who goes on with what another one began does not begin anew.
        const asked = { ...request, insteadOf, ...(hasMoved ? { forcedSince: since } : {}) };
        hasMoved = true;
        const synced = await syncCodes(asked, line, parts, context, ending);
        spent.add(line);
        return { ...synced, line, askedBefore: [line.provider] };
      } catch (error) {
        if (error instanceof DataError) {
          spent.add(line);
        }
        throw error;
      }
    },
    { signal, pinnedAt },
  );
}

/**
 * Who stepped in may have the newest days only. What lies before them is asked of those that reach further, and waits for
 * them: a message that is settled is not done again.
 */
async function askFurther<D extends CodeDataSet>(
  brought: Brought<D>,
  candidates: readonly CodeLine<D>[],
  request: BringRequest,
  spent: Set<CodeLine<D>>,
  work: BringWork,
  signal: AbortSignal,
): Promise<Brought<D>> {
  const { line, beyond } = brought;
  const further = work.chain
    .left(candidates)
    .filter((one) => !spent.has(one) && [...beyond.keys()].some((code) => reachesBefore(one, line, code, work)));
  if (further.length === 0) {
    return brought;
  }
  const only = { days: beyond, broken: new Map(), askedBefore: [] };
  const more = await askOne(further, { ...request, codes: [...beyond.keys()], only }, spent, work, signal);
  const { reference } = work.parts;
  const answered = countDays(more.explained, reference) + countDays(more.left, reference);
  const counted = Math.min(brought.beyondUnexplainedDays, answered);
  const joined = {
    ...more,
    pendingDays: brought.pendingDays + more.pendingDays,
    unexplainedDays: brought.unexplainedDays + more.unexplainedDays - counted,
    left: joinDays(brought.left, more.left),
    broken: joinDays(brought.broken, more.broken),
    askedBefore: [...new Set([...brought.askedBefore, ...more.askedBefore])],
    beyondUnexplainedDays: brought.beyondUnexplainedDays - counted,
  };
  return await askFurther(joined, candidates, request, spent, work, signal);
}

/**
 * Days that the request names and that nobody keeps are missing for good: the ledger says so, and why. What it knows of
 * them already stays, unless they were to be published yet.
 */
async function learnBeyond<D extends CodeDataSet>(
  { line, beyond, beyondUnexplainedDays }: Brought<D>,
  candidates: readonly CodeLine<D>[],
  { frequency }: BringRequest,
  { parts: { reference, ledger, clock } }: BringWork,
): Promise<void> {
  if (beyondUnexplainedDays === 0) {
    return;
  }
  const nowMs = clock.nowMs();
  const learning = [...beyond].map(async ([code, days]) => {
    const calendar = reference.calendarOf(code);
    const key = { dataSet: line.dataSet, frequency, code };
    const known = await ledger.spans(key);
    const open = days
      .flatMap(({ from, to }) => calendar.tradingDaysBetween(from, to))
      .filter((day) => OPEN_STATES.has(stateOn(known, day)));
    const keepers = candidates.flatMap(({ provider, capability }) => {
      const from = reachOf(capability, calendar, nowMs);
      return from === undefined ? [] : [`${provider} has it from ${from} on`];
    });
    const note = `before what is kept: ${[...new Set(keepers)].join(", ")}`;
    const evidence = { provider: line.provider, callId: "", version: BigInt(nowMs) * 1000n, note };
    await ledger.learn(
      key,
      toDayRuns(open, calendar).map(({ from, to }) => ({ from, to, state: "unexplained-empty", evidence })),
      calendar,
    );
  });
  throwFailure(await Promise.allSettled(learning));
}

/** Of which nothing is known that a call has shown. */
const OPEN_STATES: ReadonlySet<LedgerState | undefined> = new Set([undefined, "pending"]);

function reachesBefore<D extends CodeDataSet>(
  one: CodeLine<D>,
  other: CodeLine<D>,
  code: SecurityCode,
  { parts: { reference, clock } }: BringWork,
): boolean {
  const reach = (line: CodeLine<D>): string =>
    reachOf(line.capability, reference.calendarOf(code), clock.nowMs()) ?? "";
  return reach(one) < reach(other);
}

/** Everybody else who is there is asked for the days that are left. */
async function askOthers<D extends CodeDataSet>(
  brought: Brought<D>,
  candidates: readonly CodeLine<D>[],
  request: BringRequest,
  spent: Set<CodeLine<D>>,
  work: BringWork,
  signal: AbortSignal,
): Promise<Pick<Done, "pendingDays" | "unexplainedDays">> {
  let { pendingDays, unexplainedDays, left, broken, askedBefore } = brought;
  while (left.size > 0) {
    const [next] = work.chain.there(candidates.filter((line) => !spent.has(line)));
    if (next === undefined) {
      break;
    }
    spent.add(next);
    const again = await askAgain(next, { days: left, broken, askedBefore }, request, work, signal);
    if (again !== undefined) {
      pendingDays += again.pendingDays;
      unexplainedDays -= countDays(again.explained, work.parts.reference);
      left = withoutDays(left, again.explained, work.parts.reference);
      broken = joinDays(broken, again.broken);
      askedBefore = [...new Set([...askedBefore, next.provider])];
    }
  }
  return { pendingDays, unexplainedDays };
}

/** A second opinion is worth nothing to wait or to fail for: undefined where none was to be had. */
async function askAgain<D extends CodeDataSet>(
  next: CodeLine<D>,
  only: OnlyDays,
  request: BringRequest,
  { parts, chain, context }: BringWork,
  signal: AbortSignal,
): Promise<Synced | undefined> {
  try {
    return await chain.askWhileThere(
      next,
      (line, ending) => syncCodes({ ...request, codes: [...only.days.keys()], only }, line, parts, context, ending),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!isNoOpinion(error)) {
      throw error;
    }
    parts.log.warn("no second opinion on days without rows", { provider: next.provider, why: describeError(error) });
    return undefined;
  }
}

/** What the provider is to blame for, or the hour; a defect and a store that needs a person are not. */
function isNoOpinion(error: unknown): boolean {
  return (
    error instanceof MovedOnError ||
    error instanceof GivenBackError ||
    error instanceof TransientError ||
    error instanceof DataError ||
    isRefusal(error)
  );
}

/** All of them, at least one: they go on beside one that fails, and a failure is thrown in the end. */
export async function joinAll(parts: readonly Promise<Done>[]): Promise<Done> {
  const results = await Promise.allSettled(parts);
  throwFailure(results);
  return results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])).reduce(joinDone);
}
