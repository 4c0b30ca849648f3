import type { Log } from "../base/log.ts";
import type { Command, RangeRequest } from "../domain/command.ts";
import { addDays, dayAt, maxDay, SHANGHAI, type Day } from "../domain/day.ts";
import type { Frequency } from "../domain/frequency.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { type Abilities, providersOf } from "../planning/covers.ts";
import { reachOf } from "../planning/plan.ts";
import { groupByProviders, noProvider } from "./able-providers.ts";
import type { CommandContext, Done, Perform } from "./message-handler.ts";
import { ProviderChain } from "./provider-chain.ts";
import type { Reference } from "./reference.ts";
import { ensureLists, joinDone, syncCodes, type CodeLine, type CodesRequest, type SyncParts } from "./sync-codes.ts";
import { throwFailure } from "./throw-failure.ts";

/** What one provider serves of the data sets that are asked for by code. */
export interface ProviderLines {
  /** Undefined for what it does not serve. */
  readonly line: <D extends CodeDataSet>(
    dataSet: D,
    frequency: Frequency,
    code: SecurityCode,
  ) => CodeLine<D> | undefined;
  /** An outage holds up what is asked of it now. */
  readonly isOut: () => boolean;
}

export interface PerformParts extends SyncParts {
  readonly lines: ReadonlyMap<ProviderName, ProviderLines>;
  /** Providers in the order in which they are asked. */
  readonly chain: readonly ProviderName[];
  /** Of all providers, in the chain or not, for the answer to whoever asks for what the chain does not have. */
  readonly abilities: Abilities;
  readonly log: Log;
}

/**
 * One handler a command. What is asked for by code goes to the first provider of the chain that has the data set for
 * that kind of code and is neither refused nor out; where all are out it waits for the first. A provider that refuses
 * our credentials is out for good: it says so, the others go on without it, and only what is pinned to it or what
 * nobody else has becomes a dead letter. Without any provider left its error is thrown. Codes that no provider of the
 * chain can serve do not hold up the others, and make the message a dead letter in the end, which names the providers
 * that could.
 */
export function createPerform(parts: PerformParts): Perform {
  const chain = new ProviderChain<ProviderLines>(parts);

  async function bring(
    dataSet: CodeDataSet,
    request: CodesRequest & { readonly provider: ProviderName | undefined },
    context: CommandContext,
    signal: AbortSignal,
  ): Promise<Done> {
    const { frequency, provider: pinned } = request;
    const at = `${context.places.params}.provider`;
    // Before anybody is chosen: who refuses a list is not who is asked for the rows.
    await ensureLists(request, parts.reference, context, signal);
    const groups = groupByProviders(request.codes, dataSet, frequency, parts, {
      wantedFrom: (code) => wantedFrom(code, dataSet, request.range, parts),
      reachOf: (capability) => reachOf(capability, parts.reference.calendar, parts.clock.nowMs()),
    });
    const bringFrom = (lines: ProviderLines, codes: readonly SecurityCode[]): Promise<Done> =>
      joinAll(
        [...Map.groupBy(codes, (code) => lines.line(dataSet, frequency, code))].map(async ([line, ofLine]) => {
          if (line === undefined) {
            throw noProvider(ofLine, dataSet, frequency, context.places, parts);
          }
          return await syncCodes({ ...request, codes: ofLine }, line, parts, context, signal);
        }),
      );
    const unable = async (): Promise<Done> => {
      throw noProvider(groups.unable, dataSet, frequency, context.places, parts);
    };
    return await joinAll([
      ...groups.able.map(({ codes, providers }) =>
        chain.ask(pinned, (lines) => bringFrom(lines, codes), { at, able: mayStepIn(providers, dataSet, pinned) }),
      ),
      ...(groups.unable.length > 0 ? [unable()] : []),
    ]);
  }

  return async (command, context, signal) => {
    switch (command.kind) {
      case "sync-bars": {
        const bars = bring("bars", { ...command, frequency: fetchedAs(command.frequency) }, context, signal);
        // An index has none, whoever is asked.
        const withFactors = command.codes.filter(
          (code) => providersOf(parts.abilities, "adjustment-factors", "1d", code).length > 0,
        );
        if (!command.withFactors || withFactors.length === 0) {
          return await bars;
        }
        // Also where a bar cannot be had.
        await bars.catch(() => undefined);
        return await joinAll([
          bars,
          bring("adjustment-factors", { ...command, codes: withFactors, frequency: "1d" }, context, signal),
        ]);
      }
      case "sync-adjustment-factors":
        return await bring("adjustment-factors", { ...command, frequency: "1d" }, context, signal);
      case "sync-ticks":
        return await bring("ticks", { ...command, frequency: "1d" }, context, signal);
      case "sync-stock-list":
        return await syncList("stock-list", command, parts.reference, context, signal);
      case "sync-trading-calendar":
        return await syncList("trading-calendar", command, parts.reference, context, signal);
      case "beat":
      case "ignore":
        return IGNORED;
    }
  };
}

/**
 * Factors of two providers have different levels, and one evening of another one would put a false step into a history: for
 * them nobody steps in while the first is out.
 */
function mayStepIn(
  providers: readonly ProviderName[],
  dataSet: CodeDataSet,
  pinned: ProviderName | undefined,
): readonly ProviderName[] {
  return dataSet === "adjustment-factors" && pinned === undefined ? providers.slice(0, 1) : providers;
}

/** About the first day that a request is about; undefined is the listing of a code that no list was read for yet. */
function wantedFrom(
  code: SecurityCode,
  dataSet: CodeDataSet,
  range: RangeRequest,
  { reference, clock, historyStart, tickDays }: SyncParts,
): Day | undefined {
  const listedOn = reference.instrument(code)?.listedOn;
  const days = range.days ?? (dataSet === "ticks" && !range.full ? tickDays : undefined);
  // More calendar days than so many trading days ever took.
  const recent = days === undefined ? undefined : addDays(dayAt(clock.now(), SHANGHAI), -2 * days - 15);
  const first = range.start ?? (range.full ? undefined : (recent ?? historyStart));
  return first === undefined ? listedOn : listedOn === undefined ? first : maxDay(first, listedOn);
}

/** All of them, at least one: they go on beside one that fails, and a failure is thrown in the end. */
async function joinAll(parts: readonly Promise<Done>[]): Promise<Done> {
  const results = await Promise.allSettled(parts);
  throwFailure(results);
  return results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])).reduce(joinDone);
}

/** Weeks and months are views over daily bars: whoever wants them wants those. */
function fetchedAs(frequency: Frequency): Frequency {
  return frequency === "1w" || frequency === "1M" ? "1d" : frequency;
}

async function syncList(
  list: "stock-list" | "trading-calendar",
  { force }: Extract<Command, { readonly kind: "sync-stock-list" | "sync-trading-calendar" }>,
  reference: Reference,
  { askedAtMs, pace }: CommandContext,
  signal: AbortSignal,
): Promise<Done> {
  // An account may have one call an hour for a list, and the budget's waits are no fault of the message.
  using _ = pace?.rest();
  const { rows, callIds, isFetched } = await reference.bringUpToDate(list, askedAtMs, force, signal);
  return { ...IGNORED, word: isFetched ? "stored" : "up-to-date", rows, callIds };
}

const IGNORED: Done = {
  word: "ignored",
  rows: NO_ROWS,
  callIds: [],
  provider: undefined,
  pendingDays: 0,
  unexplainedDays: 0,
};
