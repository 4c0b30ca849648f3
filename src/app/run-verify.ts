import type { Day } from "../domain/day.ts";
import { MARKET_NAMES, MARKETS } from "../domain/market.ts";
import { isSecurityCode } from "../domain/security-code.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import type { Frequency } from "../domain/frequency.ts";
import { ledgerKeyText, type Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { toDayRuns } from "../planning/day-runs.ts";
import { laySpans } from "../planning/spans.ts";
import { mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import type { Ledger } from "../ports/store.ts";
import { type LedgerDifference, verifyLedger } from "../store/clickhouse/verify.ts";
import type { VerifyDifference, VerifyOptions, VerifyReport } from "./app-api.ts";
import type { StoreSide } from "./open-store.ts";

/** Everything that has a ledger of days. What was never asked for has neither spans nor rows, and costs one question. */
const LEDGERS: readonly (readonly [CodeDataSet, Frequency])[] = [
  ["bars", "1d"],
  ["adjustment-factors", "1d"],
  ["bars", "1m"],
  ["bars", "5m"],
  ["bars", "15m"],
  ["bars", "30m"],
  ["bars", "60m"],
  ["ticks", "1d"],
];

/**
 * Compares the ledger with the tables. Days that the ledger calls present and that have no row are marked failed where
 * `reopen` says so, so that the next request brings them back; rows that the ledger does not know are only reported,
 * since the next request asks for their days anyway.
 */
export async function runVerify(
  { clickhouse, ledger, reference }: Pick<StoreSide, "clickhouse" | "ledger" | "reference">,
  provider: ProviderName,
  { codes, reopen }: VerifyOptions,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const report: VerifyDifference[] = [];
  let [codesLookedAt, days, reopenedDays] = [0, 0, 0];
  for (const market of MARKET_NAMES) {
    const rows = await reference.calendar(MARKETS[market].number, signal);
    const calendar = market === "CN" ? mergedCalendar(rows) : retrospectiveCalendar(rows);
    const tradingDays = calendar.tradingDaysBetween(calendar.knownFrom, calendar.knownTo);
    const found: LedgerDifference[] = [];
    let codesOfMarket = 0;
    for (const [dataSet, frequency] of LEDGERS) {
      const request = { dataSet, frequency, market, tradingDays, ...(codes === undefined ? {} : { codes }) };
      const comparison = await verifyLedger(clickhouse, ledger, request, signal);
      found.push(...comparison.differences);
      codesOfMarket = Math.max(codesOfMarket, comparison.codes);
      days += comparison.days;
    }
    codesLookedAt += codesOfMarket;
    report.push(...found.flatMap((difference) => toReport(difference, calendar)));
    const lost = found.filter(({ presentWithoutRow }) => presentWithoutRow.length > 0);
    if (reopen) {
      await reopenDays(ledger, lost, provider, calendar, signal);
      reopenedDays += lost.reduce((sum, { presentWithoutRow }) => sum + presentWithoutRow.length, 0);
    }
  }
  return { codes: codesLookedAt, days, differences: report, reopenedDays };
}

async function reopenDays(
  ledger: Ledger,
  lost: readonly LedgerDifference[],
  provider: ProviderName,
  calendar: TradingCalendar,
  signal: AbortSignal,
): Promise<void> {
  const evidence = { provider, callId: "", version: 0n, note: "verify: the ledger said present, and there is no row" };
  const changes = lost.map(({ key, presentWithoutRow }) => {
    const failed = toDayRuns(presentWithoutRow, calendar).map(({ from, to }): Span => ({
      from,
      to,
      state: "failed",
      evidence,
    }));
    return { key, change: (stored: readonly Span[]) => laySpans(stored, failed, calendar) };
  });
  await ledger.write(changes, signal);
}

function toReport(
  { key, presentWithoutRow, rowWithoutPresent }: LedgerDifference,
  calendar: TradingCalendar,
): readonly VerifyDifference[] {
  const { dataSet, frequency, code } = key;
  if (!isSecurityCode(code) || (dataSet !== "bars" && dataSet !== "ticks" && dataSet !== "adjustment-factors")) {
    throw new RangeError(`verifying ${ledgerKeyText(key)}, which has no rows by code`);
  }
  const report = (days: readonly Day[], found: VerifyDifference["found"]): readonly VerifyDifference[] =>
    toDayRuns(days, calendar).map((run) => ({ dataSet, frequency, code, ...run, found }));
  return [...report(presentWithoutRow, "row-missing"), ...report(rowWithoutPresent, "row-unknown")];
}
