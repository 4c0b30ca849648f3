import type { Clock } from "../../base/clock.ts";
import { ledgerKeyText, type LedgerKey, type Span } from "../../domain/ledger.ts";
import type { Ledger } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { changeSpans, foldSpans, type StoredSpan } from "./ledger-fold.ts";
import {
  encodeLedgerRows,
  LEDGER_INSERT_COLUMNS,
  parseLedgerRow,
  selectLedger,
  type LedgerInsertRow,
  type LedgerSelectRow,
} from "./ledger-rows.ts";
import { LEDGER_ROW } from "./tables.ts";

/** Keys of one query: with 9 characters a code its text stays well under the 256 KiB that a server reads by default. */
export const KEYS_PER_QUERY_MAX = 4096;
/** Rows of one insert. */
export const ROWS_PER_INSERT_MAX = 100_000;

/**
 * The ledger in `ledger_row`: insert-only, one row for each first day of a span. A read folds what it finds: where spans
 * of two writers overlap, the newer write counts for a day. A write first reads its keys, so that it also takes away what
 * such a race left behind, and so that a span that is removed never uncovers an older one.
 */
export function openClickHouseLedger(clickhouse: ClickHouse, clock: Clock): Ledger {
  let lastVersion = 0n;
  /** Rises with every write of this process and lies above everything this write has seen. */
  const nextVersion = (seen: bigint): bigint => {
    const now = BigInt(Math.trunc(clock.nowMs())) * 1000n;
    lastVersion = [now, lastVersion + 1n, seen + 1n].reduce((left, right) => (left > right ? left : right));
    return lastVersion;
  };
  return {
    read: async (keys, signal) => {
      const stored = await readStored(clickhouse, keys, signal);
      const spans = new Map<string, readonly Span[]>();
      for (const [key, rows] of stored) {
        const folded = foldSpans(rows);
        if (folded.length > 0) {
          spans.set(key, folded);
        }
      }
      return spans;
    },
    write: async (changes, signal) => {
      if (changes.length === 0) {
        return;
      }
      const byKey = Map.groupBy(changes, ({ key }) => ledgerKeyText(key));
      const stored = await readStored(
        clickhouse,
        changes.map(({ key }) => key),
        signal,
      );
      const seen = [...stored.values()].flat().reduce((top, row) => (row.version > top ? row.version : top), 0n);
      const version = nextVersion(seen);
      const rows = [...byKey].flatMap(([text, ofKey]): readonly LedgerInsertRow[] => {
        const key = ofKey[0]?.key;
        const { put, tombstones } = changeSpans(
          stored.get(text) ?? [],
          ofKey.map(({ change }) => change),
        );
        return key === undefined
          ? []
          : [
              ...put.map((span) => ({ key, span, isRemoved: false, version })),
              ...tombstones.map((span) => ({ key, span, isRemoved: true, version })),
            ];
      });
      for (let from = 0; from < rows.length; from += ROWS_PER_INSERT_MAX) {
        const encoded = encodeLedgerRows(rows.slice(from, from + ROWS_PER_INSERT_MAX));
        await clickhouse.insertEncoded(LEDGER_ROW.name, LEDGER_INSERT_COLUMNS, encoded, signal);
      }
    },
  };
}

async function readStored(
  clickhouse: ClickHouse,
  keys: readonly LedgerKey[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly StoredSpan[]>> {
  const stored = new Map<string, StoredSpan[]>();
  const groups = Map.groupBy(keys, (key) => `${key.dataSet}/${key.frequency}`);
  for (const group of groups.values()) {
    for (let from = 0; from < group.length; from += KEYS_PER_QUERY_MAX) {
      const sql = selectLedger(clickhouse.database, group.slice(from, from + KEYS_PER_QUERY_MAX));
      for (const row of await clickhouse.query<LedgerSelectRow>(sql, {}, signal)) {
        const { key, stored: span } = parseLedgerRow(row);
        const text = ledgerKeyText(key);
        const spans = stored.get(text);
        if (spans === undefined) {
          stored.set(text, [span]);
        } else {
          spans.push(span);
        }
      }
    }
  }
  return stored;
}
