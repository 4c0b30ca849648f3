import { systemClock } from "../base/clock.ts";
import type { Config } from "../config.ts";
import { maxDay, minDay, type Day } from "../domain/day.ts";
import { ledgerKeyText, type LedgerKey, type Span } from "../domain/ledger.ts";
import { sourcesOf, type ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import { covers } from "../planning/covers.ts";
import { addCells, type CodeReconciled } from "../planning/reconcile/findings.ts";
import { Reconciliation } from "../planning/reconcile/reconcile.ts";
import type { StoredPair } from "../ports/stored-pair.ts";
import type { Capability } from "../ports/source.ts";
import type { Ledger } from "../ports/store.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { openClickHouseLedger } from "../store/clickhouse/ledger.ts";
import { readPairs } from "../store/clickhouse/read-pairs.ts";
import { openForReading } from "./open-for-reading.ts";
import { servedProvider } from "./provider-table.ts";
import type { MissingDays, ReconcileApi, ReconcileOptions, ReconcileReport, ReconcileWatch } from "./reconcile-api.ts";

export interface ReconcileParts {
  readonly clickhouse: ClickHouse;
  readonly ledger: Pick<Ledger, "read">;
  readonly capabilitiesOf: (provider: ProviderName) => readonly Capability[];
}

export const reconcileCommands: ReconcileApi = {
  reconcile: async (config, options, watch, log, signal) => {
    await using clickhouse = await openForReading(config, log, signal);
    return await reconcile(partsOf(config, clickhouse), options, watch, signal);
  },
};

function partsOf(config: Config, clickhouse: ClickHouse): ReconcileParts {
  return {
    clickhouse,
    ledger: openClickHouseLedger(clickhouse, systemClock),
    capabilitiesOf: (provider) => servedProvider(provider).capabilities(config),
  };
}

/** Reads the rows of both, batch by batch, and asks the ledger only about codes of which one side lacks something. */
export async function reconcile(
  { clickhouse, ledger, capabilitiesOf }: ReconcileParts,
  options: ReconcileOptions,
  watch: ReconcileWatch,
  signal: AbortSignal,
): Promise<ReconcileReport> {
  const [left, right] = options.providers;
  const reconciliation = new Reconciliation({
    frequency: options.frequency,
    facts: [servedProvider(left).facts, servedProvider(right).facts],
    listMax: options.listMax,
    found: watch.finding?.bind(watch),
  });
  const sources = [sourcesOf(left), sourcesOf(right)] as const;
  const spansOf = createSpanReader(ledger, options);
  let done = { codes: 0, codesDone: 0 };
  for await (const { pairs, codes, codesDone } of readPairs(clickhouse, { ...options, sources }, signal)) {
    reconciliation.take(pairs, await spansOf(pairs, signal));
    done = { codes, codesDone };
    watch.progress({ ...done, findings: reconciliation.findings });
  }
  const { codes, listed } = reconciliation.end();
  watch.progress({ ...done, findings: reconciliation.findings });
  const seen = new Set(codes.map(({ code }) => code));
  const withoutRows = options.codes === "all" ? [] : options.codes.filter((code) => !seen.has(code));
  const missing = findMissing(options, codes, withoutRows, capabilitiesOf);
  const { dataSet, frequency, providers, from, to } = options;
  return {
    dataSet,
    frequency,
    providers,
    from,
    to,
    isEqual: reconciliation.findings === 0 && codes.length > 0 && withoutRows.length === 0,
    common: sum(codes, ({ common }) => common),
    cells: addCells(codes),
    codes,
    withoutRows,
    missing,
    findings: reconciliation.findings,
    listed,
  };
}

type SpansOf = (code: SecurityCode) => readonly Span[];

/** What the ledger knows of the codes of a batch that have a bar of one side only. */
function createSpanReader(
  ledger: ReconcileParts["ledger"],
  { dataSet, frequency }: ReconcileOptions,
): (pairs: readonly StoredPair[], signal: AbortSignal) => Promise<SpansOf> {
  return async (pairs, signal) => {
    const lone = pairs.filter(({ left, right }) => left === undefined || right === undefined);
    const keys = [...new Set(lone.map(({ code }) => code))].map((code): LedgerKey => ({ dataSet, frequency, code }));
    const spans = keys.length === 0 ? new Map<string, readonly Span[]>() : await ledger.read(keys, signal);
    return (code) => spans.get(ledgerKeyText({ dataSet, frequency, code })) ?? [];
  };
}

/** Of each side what the other one has more; what neither has is missing on both. */
function findMissing(
  options: ReconcileOptions,
  codes: readonly CodeReconciled[],
  withoutRows: readonly SecurityCode[],
  capabilitiesOf: ReconcileParts["capabilitiesOf"],
): readonly MissingDays[] {
  return options.providers.flatMap((provider, side) => {
    const other = side === 0 ? 1 : 0;
    const lacking = codes.filter(({ lone }) => lone[other] !== undefined);
    const all = [...lacking.map(({ code }) => code), ...withoutRows].toSorted();
    if (all.length === 0) {
      return [];
    }
    const serves = (code: SecurityCode): boolean =>
      capabilitiesOf(provider).some(
        (one) => one.dataSet === options.dataSet && one.frequency === options.frequency && covers(one, code),
      );
    const ranges = lacking.flatMap(({ lone }) => lone[other] ?? []);
    const hull = withoutRows.length > 0 ? undefined : hullOf(ranges);
    return [
      {
        provider,
        isEmpty: codes.every(({ common, loneDays }) => common === 0 && loneDays[side] === 0),
        codes: all.filter(serves),
        days: sum(lacking, ({ loneDays }) => loneDays[other]),
        from: hull?.from ?? options.from,
        to: hull?.to ?? options.to,
        unserved: all.filter((code) => !serves(code)),
      },
    ];
  });
}

function hullOf(
  ranges: readonly { readonly from: Day; readonly to: Day }[],
): { readonly from: Day; readonly to: Day } | undefined {
  const [first] = ranges;
  return first === undefined
    ? undefined
    : ranges.reduce((all, one) => ({ from: minDay(all.from, one.from), to: maxDay(all.to, one.to) }), first);
}

function sum<One>(all: readonly One[], of: (one: One) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
