import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Day } from "../domain/day.ts";
import { type LedgerKey, ledgerKeyText, type Span } from "../domain/ledger.ts";
import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Lock } from "../ports/lock.ts";
import type { Ledger, ReferenceStore, Store } from "../ports/store.ts";
import type { ListAnswer } from "./list-answer.ts";
import { tallyOf } from "./tally.ts";

/** What all lists are kept with. */
export interface ListParts {
  readonly stored: ReferenceStore;
  readonly store: Pick<Store, "addBatch" | "quarantine">;
  readonly ledger: Pick<Ledger, "read" | "write">;
  readonly lock: Lock;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends what several messages wait for. */
  readonly work: AbortSignal;
}

/** What bringing a list up to date did. */
export interface Refreshed {
  readonly rows: Tally;
  readonly callIds: readonly string[];
  /** False when the list was already newer than what was asked for. */
  readonly isFetched: boolean;
}

export const NOTHING_FETCHED: Refreshed = { rows: NO_ROWS, callIds: [], isFetched: false };

/** How old a list is: epoch milliseconds of the call behind it, undefined where none is known. */
export type IsYoung = (atMs: number | undefined) => boolean;

/** What the ledger says of a list from now on. */
export interface ListSpan {
  readonly key: LedgerKey;
  readonly provider: ProviderName;
  readonly from: Day;
  readonly to: Day;
  readonly state: "present" | "pending";
  readonly note: string;
}

/** Writes an answer for a list, and only then to the ledger how far it is known. */
export async function keepList(
  answer: ListAnswer,
  { key, provider, from, to, state, note }: ListSpan,
  { store, ledger, work }: ListParts,
): Promise<{ readonly refreshed: Refreshed; readonly span: Span }> {
  const rows = answer.models.length === 0 ? NO_ROWS : tallyOf(await store.addBatch(answer.models, work));
  const provenance = { version: answer.version, callId: answer.callIds[0] ?? "", requestId: "" };
  await store.quarantine(answer.rejected, provenance, work);
  const callId = answer.callIds.at(-1) ?? "";
  const span: Span = { from, to, state, evidence: { provider, callId, version: answer.version, note } };
  await ledger.write([{ key, change: () => [span] }], work);
  const refreshed = {
    rows: { ...rows, rejected: rows.rejected + answer.rejected.length },
    callIds: answer.callIds,
    isFetched: true,
  };
  return { refreshed, span };
}

export async function readSpans(key: LedgerKey, { ledger, work }: ListParts): Promise<readonly Span[]> {
  return (await ledger.read([key], work)).get(ledgerKeyText(key)) ?? [];
}

/** When the newest call behind them was granted, epoch milliseconds. */
export function newestMs(spans: readonly Span[]): number | undefined {
  const versions = spans.map(({ evidence }) => toMs(evidence.version));
  return versions.length === 0 ? undefined : Math.max(...versions);
}

export function toMs(micros: bigint): number {
  return Number(micros / 1_000n);
}
