import { chainFor, chainSubjectOf } from "../domain/chain-rule.ts";
import { addDays, dayAt, maxDay, type Day } from "../domain/day.ts";
import { isOfMarket, MARKETS, marketOf } from "../domain/market.ts";
import { MessageError } from "../domain/message-error.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { providersOf } from "../planning/covers.ts";
import { noProvider } from "./able-lines.ts";
import type { BringParts, BringRequest } from "./bring.ts";
import type { CommandContext } from "./message-handler.ts";
import type { CodeLine, SyncParts } from "./sync-codes.ts";

/** All that can serve a code, in the order of the settings; none where its market has no calendar to plan by. */
export function linesFor<D extends CodeDataSet>(
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

/**
 * Factors of two providers have different levels, and one evening of another one would put a false step into a history: for
 * them nobody steps in while the first is out.
 */
export function mayStepIn<D extends CodeDataSet>(
  lines: readonly CodeLine<D>[],
  { provider: pinned }: BringRequest,
): readonly CodeLine<D>[] {
  const [first] = lines;
  return first?.dataSet === "adjustment-factors" && pinned === undefined
    ? lines.filter(({ provider }) => provider === first.provider)
    : lines;
}

/** About the first day that a request is about; undefined is the listing of a code that no list was read for yet. */
export function wantedFrom(
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

/** What a message becomes a dead letter with for codes that `linesFor` has nobody for. */
export function whyUnable(
  codes: readonly SecurityCode[],
  dataSet: CodeDataSet,
  { frequency, provider }: BringRequest,
  { places }: CommandContext,
  { lines, chains, abilities, reference }: BringParts,
): MessageError {
  const [first] = codes;
  if (first !== undefined && !reference.hasCalendarOf(first)) {
    const market = marketOf(first);
    const able = [...abilities].flatMap(([name, all]) =>
      all.some((one) => one.dataSet === "trading-calendar" && isOfMarket(one.exchanges, market)) ? [name] : [],
    );
    const who = able.length === 0 ? "" : `; add ${able.join(" or ")} to providers.chain`;
    const detail = `on which days the exchanges of ${MARKETS[market].title} were open is known to nobody of providers.chain${who}`;
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
