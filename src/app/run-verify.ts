import type { Day } from "../domain/day.ts";
import { MARKET } from "../domain/enums.ts";
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
  const calendar = mergedCalendar(await reference.calendar(MARKET.CHINA, signal));
  const tradingDays = calendar.tradingDaysBetween(calendar.knownFrom, calendar.knownTo);
  const found: LedgerDifference[] = [];
  let codesLookedAt = 0;
  let days = 0;
  for (const [dataSet, frequency] of LEDGERS) {
    const request = { dataSet, frequency, tradingDays, ...(codes === undefined ? {} : { codes }) };
    const comparison = await verifyLedger(clickhouse, ledger, request, signal);
    found.push(...comparison.differences);
    codesLookedAt = Math.max(codesLookedAt, comparison.codes);
    days += comparison.days;
  }
  const lost = found.filter(({ presentWithoutRow }) => presentWithoutRow.length > 0);
  if (reopen) {
    await reopenDays(ledger, lost, provider, calendar, signal);
  }
  const differences = found.flatMap((difference) => toReport(difference, calendar));
  return {
    codes: codesLookedAt,
    days,
    differences,
    reopenedDays: reopen ? lost.reduce((sum, { presentWithoutRow }) => sum + presentWithoutRow.length, 0) : 0,
  };
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
  if (code === "" || (dataSet !== "bars" && dataSet !== "ticks" && dataSet !== "adjustment-factors")) {
    throw new RangeError(`verifying ${ledgerKeyText(key)}, which has no rows by code`);
  }
  const report = (days: readonly Day[], found: VerifyDifference["found"]): readonly VerifyDifference[] =>
    toDayRuns(days, calendar).map((run) => ({ dataSet, frequency, code, ...run, found }));
  return [...report(presentWithoutRow, "row-missing"), ...report(rowWithoutPresent, "row-unknown")];
}
