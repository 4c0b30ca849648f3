import { systemClock } from "../base/clock.ts";
import { DataError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { addDigests, digestOfDay, NO_DAYS } from "../domain/day-digest.ts";
import { maxDay, minDay, type Day } from "../domain/day.ts";
import { type MarketName, MARKETS, marketOf } from "../domain/market.ts";
import { ledgerKeyText, type Span } from "../domain/ledger.ts";
import type { Instrument } from "../domain/rows.ts";
import { isSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { addCounts, askedRange, coverCode, type CodeCoverage, type CoverageCounts } from "../planning/coverage.ts";
import { lastFinalDay, type Publication } from "../planning/final-day.ts";
import { createPresentDigest, pendingDays } from "../planning/present-days.ts";
import { stateOn } from "../planning/spans.ts";
import { mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import type { Ledger, ReferenceStore } from "../ports/store.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { readLedgerCodes, readStoredDays } from "../store/clickhouse/coverage-counts.ts";
import { openClickHouseLedger } from "../store/clickhouse/ledger.ts";
import { verifyLedger } from "../store/clickhouse/verify.ts";
import type { CoverageFreshness, CoverageOptions, CoverageReport } from "./app-api.ts";
import { publicationsOf } from "./provider-table.ts";
import { openForReading } from "./open-for-reading.ts";
import { openReference } from "./open-store.ts";

/** Codes that are compared with the tables day by day; of more of them only digests of the days are compared first. */
const COMPARED_CODES_MAX = 250;

export interface CoverageParts {
  readonly clickhouse: ClickHouse;
  readonly ledger: Ledger;
  readonly reference: Pick<ReferenceStore, "calendar" | "instruments">;
  readonly quality: Pick<Config["quality"], "enabled" | "missingThresholdError" | "missingThresholdWarning">;
  /** When a day's rows are published. */
  readonly publicationOf: (dataSet: CodeDataSet, frequency: Frequency, market: MarketName) => Publication;
  readonly nowMs: number;
}

/** Opens what coverage is read from, and reads it. */
export async function coverageOf(
  config: Config,
  options: CoverageOptions,
  log: Log,
  signal: AbortSignal,
): Promise<CoverageReport> {
  await using opened = new AsyncDisposableStack();
  const clickhouse = opened.use(await openForReading(config, log, signal));
  const ledger = openClickHouseLedger(clickhouse, systemClock);
  const reference = await openReference(config, clickhouse, log, signal, opened);
  const { quality } = config;
  const parts = {
    clickhouse,
    ledger,
    reference,
    quality,
    publicationOf: publicationsOf(config),
    nowMs: systemClock.nowMs(),
  };
  return await readCoverage(parts, options, signal);
}

/**
 * Holds the ledger against the days on which there should be rows, and its present days against the tables: exactly for
 * up to 250 codes; for more, exactly where the digest of a code's days is not that of the ledger. A pending day may have a
 * row or none.
 */
export async function readCoverage(
  parts: CoverageParts,
  options: CoverageOptions,
  signal: AbortSignal,
): Promise<CoverageReport> {
  const { dataSet, frequency = "1d" } = options;
  const market = options.market ?? marketOfCodes(options.codes);
  const { calendar, tradingDays } = await readCalendar(parts, market, signal);
  const instruments = new Map((await parts.reference.instruments(signal)).map((one) => [one.code, one]));
  const everyCode = await readLedgerCodes(parts.clickhouse, dataSet, frequency, signal);
  const known = everyCode.filter((code) => marketOf(code) === market);
  const chosen = choose(options, known, instruments);
  const spans = await readSpans(parts.ledger, { dataSet, frequency }, chosen, signal);
  const asked = askedOfAll(spans);
  const range = toRange(options, asked, calendar);
  const lastFinal = lastFinalDay(parts.publicationOf(dataSet, frequency, market), parts.nowMs);
  const context: Context = { ...parts, market, dataSet, frequency, calendar, instruments, spans, lastFinal };
  const unknownCodes = chosen.filter((code) => !instruments.has(code) && !spans.has(code));
  const askedCodes = new Set(known);
  const base = {
    market,
    tradingDays,
    otherMarkets: typeof options.codes === "string" ? countOthers(everyCode, market) : [],
    dataSet,
    frequency,
    unknownCodes,
    neverAsked: options.codes === "asked" ? countNeverAsked(instruments, market, askedCodes) : 0,
    freshness: asked === undefined ? undefined : toFreshness(asked.to, lastFinal, calendar),
  };
  if (range === undefined) {
    const nothing = {
      goneCodes: 0,
      overdue: undefined,
      codes: [],
      codesNotCompared: 0,
      rowsUnknown: 0,
      expected: 0,
      counts: addCounts([]),
    };
    return { ...base, ...nothing, range: undefined, isExplained: false, warning: undefined };
  }
  const isNamedCode = Array.isArray(options.codes);
  const codes = chosen.filter(
    (code) => spans.has(code) || (isNamedCode ? instruments.has(code) : isListedIn(instruments.get(code), range)),
  );
  const rows = await compareRows(context, codes, range, signal);
  const covered = codes.map((code) =>
    coverCode({
      code,
      instrument: instruments.get(code),
      spans: spans.get(code) ?? [],
      lostDays: rows.lost.get(code) ?? [],
      from: range.from,
      to: range.to,
      lastFinalDay: minDay(lastFinal, calendar.knownTo),
      calendar,
    }),
  );
  const counts = addCounts(covered.map((one) => one.counts));
  const overdue = findOverdue(covered, parts.nowMs);
  const missing = countMissing(counts, overdue?.days ?? 0, range.isNamed);
  const expected = covered.reduce((sum, one) => sum + one.expected, 0);
  return {
    ...base,
    range,
    expected,
    counts,
    codes: covered,
    goneCodes: covered.filter(({ daysGone }) => daysGone > 0).length,
    overdue,
    codesNotCompared: rows.notCompared,
    rowsUnknown: rows.unknown,
    isExplained: missing + unknownCodes.length + rows.notCompared === 0,
    warning: judge(missing, expected, parts.quality),
  };
}

/** DataError where the codes are of several markets, which have a calendar each. */
function marketOfCodes(codes: CoverageOptions["codes"]): MarketName {
  const markets = typeof codes === "string" ? [] : [...new Set(codes.map(marketOf))];
  if (markets.length > 1) {
    throw new DataError(
      `looking at codes of ${markets.join(" and ")}, which trade on different days: name codes of one market at a time`,
    );
  }
  return markets[0] ?? "CN";
}

interface MarketCalendar {
  readonly calendar: TradingCalendar;
  readonly tradingDays: CoverageReport["tradingDays"];
}

async function readCalendar(
  { reference }: CoverageParts,
  market: MarketName,
  signal: AbortSignal,
): Promise<MarketCalendar> {
  const rows = await reference.calendar(MARKETS[market].number, signal);
  if (market === "CN") {
    return { calendar: mergedCalendar(rows), tradingDays: undefined };
  }
  const calendar = retrospectiveCalendar(rows);
  const source = `days on which the index of ${MARKETS[market].title} has a bar`;
  return { calendar, tradingDays: { source, knownTo: calendar.size === 0 ? undefined : calendar.knownTo } };
}

function countOthers(codes: readonly SecurityCode[], market: MarketName): CoverageReport["otherMarkets"] {
  const groups = Map.groupBy(codes, marketOf);
  return [...groups].flatMap(([other, ofMarket]) =>
    other === market ? [] : [{ market: other, codes: ofMarket.length }],
  );
}

interface Context extends CoverageParts {
  readonly market: MarketName;
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  readonly calendar: TradingCalendar;
  readonly instruments: ReadonlyMap<SecurityCode, Instrument>;
  readonly spans: ReadonlyMap<SecurityCode, readonly Span[]>;
  readonly lastFinal: Day;
}

type Range = NonNullable<CoverageReport["range"]>;

function choose(
  { codes }: CoverageOptions,
  known: readonly SecurityCode[],
  instruments: ReadonlyMap<SecurityCode, Instrument>,
): readonly SecurityCode[] {
  if (codes === "asked") {
    return known;
  }
  return (codes === "listed" ? [...new Set([...known, ...instruments.keys()])] : [...new Set(codes)]).toSorted();
}

async function readSpans(
  ledger: Ledger,
  { dataSet, frequency }: Pick<Context, "dataSet" | "frequency">,
  codes: readonly SecurityCode[],
  signal: AbortSignal,
): Promise<ReadonlyMap<SecurityCode, readonly Span[]>> {
  const keyOf = (code: SecurityCode) => ({ dataSet, frequency, code }) as const;
  const read = await ledger.read(codes.map(keyOf), signal);
  return new Map(
    codes.flatMap((code) => {
      const spans = read.get(ledgerKeyText(keyOf(code)));
      return spans === undefined ? [] : [[code, spans] as const];
    }),
  );
}

function askedOfAll(
  spans: ReadonlyMap<SecurityCode, readonly Span[]>,
): { readonly from: Day; readonly to: Day } | undefined {
  const ranges = [...spans.values()].flatMap((ofCode) => askedRange(ofCode) ?? []);
  const [first] = ranges;
  return first === undefined
    ? undefined
    : ranges.reduce((sum, one) => ({ from: minDay(sum.from, one.from), to: maxDay(sum.to, one.to) }), first);
}

/** Without a named beginning or end it is what was asked for. A range stays within what the calendar knows; DataError when none of it is. */
function toRange(
  { from, to }: CoverageOptions,
  asked: { readonly from: Day; readonly to: Day } | undefined,
  calendar: TradingCalendar,
): Range | undefined {
  const first = from ?? minOf(asked?.from, to);
  const last = to ?? maxOf(asked?.to, from);
  if (first === undefined || last === undefined) {
    return undefined;
  }
  if (first > calendar.knownTo) {
    throw new DataError(
      `looking at the days from ${first} on: the trading calendar ends on ${calendar.knownTo}; bring it up to date with gdw request --kind calendar --wait`,
    );
  }
  return {
    from: maxDay(first, calendar.knownFrom),
    to: minDay(last, calendar.knownTo),
    isNamed: from !== undefined || to !== undefined,
    namedTo: last > calendar.knownTo ? last : undefined,
  };
}

function minOf(left: Day | undefined, right: Day | undefined): Day | undefined {
  return left === undefined || right === undefined ? (left ?? right) : minDay(left, right);
}

function maxOf(left: Day | undefined, right: Day | undefined): Day | undefined {
  return left === undefined || right === undefined ? (left ?? right) : maxDay(left, right);
}

function isListedIn(instrument: Instrument | undefined, { from, to }: Range): boolean {
  return (
    instrument !== undefined &&
    instrument.listedOn <= to &&
    (instrument.delistedOn === undefined || instrument.delistedOn >= from)
  );
}

function countNeverAsked(
  instruments: ReadonlyMap<SecurityCode, Instrument>,
  market: MarketName,
  asked: ReadonlySet<SecurityCode>,
): number {
  return [...instruments.values()].filter(
    ({ code, status }) => status === "listed" && marketOf(code) === market && !asked.has(code),
  ).length;
}

function toFreshness(askedTo: Day, lastFinal: Day, calendar: TradingCalendar): CoverageFreshness {
  const ended = calendar.knows(lastFinal) ? calendar.countBetween(askedTo, lastFinal) : undefined;
  const isAskedOnTradingDay = calendar.knows(askedTo) && calendar.isTradingDay(askedTo);
  return { askedTo, endedSince: ended === undefined ? undefined : Math.max(0, ended - (isAskedOnTradingDay ? 1 : 0)) };
}

interface RowComparison {
  /** Days that the ledger calls present and that have no row, by code. */
  readonly lost: ReadonlyMap<SecurityCode, readonly Day[]>;
  readonly unknown: number;
  readonly notCompared: number;
}

async function compareRows(
  context: Context,
  codes: readonly SecurityCode[],
  range: Range,
  signal: AbortSignal,
): Promise<RowComparison> {
  const { clickhouse, ledger, market, dataSet, frequency, calendar, spans } = context;
  const odd = codes.length <= COMPARED_CODES_MAX ? codes : await codesThatDiffer(context, codes, range, signal);
  const compared = odd.slice(0, COMPARED_CODES_MAX);
  const tradingDays = calendar.tradingDaysBetween(calendar.knownFrom, calendar.knownTo);
  const request = { dataSet, frequency, codes: compared, market, tradingDays };
  const differences =
    compared.length === 0 ? [] : (await verifyLedger(clickhouse, ledger, request, signal)).differences;
  const isInRange = (day: Day): boolean => day >= range.from && day <= range.to;
  const lost = new Map<SecurityCode, readonly Day[]>();
  let unknown = 0;
  for (const { key, presentWithoutRow, rowWithoutPresent } of differences) {
    if (!isSecurityCode(key.code)) {
      continue;
    }
    const ofCode = spans.get(key.code) ?? [];
    unknown += rowWithoutPresent.filter((day) => isInRange(day) && stateOn(ofCode, day) !== "pending").length;
    lost.set(key.code, presentWithoutRow.filter(isInRange));
  }
  return { lost, unknown, notCompared: odd.length - compared.length };
}

async function codesThatDiffer(
  { clickhouse, dataSet, frequency, spans, calendar }: Context,
  codes: readonly SecurityCode[],
  range: Range,
  signal: AbortSignal,
): Promise<readonly SecurityCode[]> {
  const pending = new Map(codes.map((code) => [code, new Set(pendingDays(spans.get(code) ?? [], range, calendar))]));
  const open = new Set([...pending.values()].flatMap((days) => [...days]));
  const stored = await readStoredDays(clickhouse, dataSet, frequency, range, [...open], signal);
  const digestOf = createPresentDigest(calendar, range);
  return codes.filter((code) => {
    const rows = stored.get(code);
    const counted = rows?.open.filter((day) => pending.get(code)?.has(day) !== true) ?? [];
    const digest = counted.map((day) => digestOfDay(day)).reduce(addDigests, rows?.digest ?? NO_DAYS);
    return digest !== digestOf(spans.get(code) ?? []);
  });
}

/**
 * Pending days that were worth asking again more than a day ago: a worker that runs asks within minutes, so nobody does
 * any more.
 */
function findOverdue(covered: readonly CodeCoverage[], nowMs: number): CoverageReport["overdue"] {
  const spans = covered
    .flatMap((one) => one.spans)
    .filter(({ state, askAgainAtMs }) => state === "pending" && (askAgainAtMs ?? nowMs) < nowMs - OVERDUE_MS);
  const [first] = spans;
  return first === undefined
    ? undefined
    : {
        days: spans.reduce((sum, { days }) => sum + days, 0),
        since: spans.map(({ from }) => from).reduce(minDay, first.from),
      };
}

const OVERDUE_MS = 24 * 60 * 60_000;

/** Days that nobody asked for are missing only where the range was named. */
export function countMissing(counts: CoverageCounts, overdueDays: number, isNamed: boolean): number {
  const lost = counts["unexplained-empty"] + counts.failed + counts["row-missing"] + overdueDays;
  return isNamed ? lost + counts["not-asked"] : lost;
}

function judge(missing: number, expected: number, quality: CoverageParts["quality"]): CoverageReport["warning"] {
  const share = expected === 0 ? 0 : missing / expected;
  const { missingThresholdError, missingThresholdWarning } = quality;
  const level = share >= missingThresholdError ? "error" : share >= missingThresholdWarning ? "warning" : undefined;
  if (!quality.enabled || missing === 0 || level === undefined) {
    return undefined;
  }
  const limit = level === "error" ? missingThresholdError : missingThresholdWarning;
  const words = `${missing} of ${expected} expected days are missing, ${(share * 100).toFixed(1)} %`;
  return { level, missing, text: `${words}; quality.missing_threshold_${level} is ${limit}` };
}
