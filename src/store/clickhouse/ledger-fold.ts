import { addDays } from "../../domain/day.ts";
import type { Span } from "../../domain/ledger.ts";
import type { LedgerChange } from "../../ports/store.ts";

/** A span with the version of the write that put it. */
export interface StoredSpan extends Span {
  readonly version: bigint;
}

/**
 * The spans that hold, sorted and without overlap: for every day the newest write that says something of it. Of equal
 * versions the one that begins later holds, so that every reader decides alike.
 */
export function foldSpans(stored: readonly StoredSpan[]): readonly StoredSpan[] {
  const sorted = stored.toSorted((left, right) => compareText(left.from, right.from));
  if (!sorted.some((span, index) => overlapsNext(span, sorted[index + 1]))) {
    return sorted;
  }
  const newestFirst = stored.toSorted(
    (left, right) => compareVersion(right.version, left.version) || compareText(right.from, left.from),
  );
  let held: readonly StoredSpan[] = [];
  for (const span of newestFirst) {
    held = insertSorted(held, outsideOf(span, held));
  }
  return held;
}

export interface SpanRows {
  /** Spans to write. */
  readonly put: readonly Span[];
  /** Spans whose first day stands no longer; each leaves a row that says so. */
  readonly tombstones: readonly Span[];
}

/**
 * What has to be written so that the stored spans become the folded ones with the changes applied in their order. Nothing
 * is written for a span that is stored as it is.
 */
export function changeSpans(stored: readonly StoredSpan[], changes: readonly LedgerChange["change"][]): SpanRows {
  const wanted = changes.reduce<readonly Span[]>((spans, change) => change(spans), foldSpans(stored));
  const storedByDay = new Map(stored.map((span) => [span.from, span]));
  const wantedDays = new Set(wanted.map(({ from }) => from));
  return {
    put: wanted.filter((span) => !isSameSpan(span, storedByDay.get(span.from))),
    tombstones: stored.filter(({ from }) => !wantedDays.has(from)),
  };
}

/** The parts of `span` on days that none of `held` (sorted, without overlap) covers. */
function outsideOf<S extends Span>(span: S, held: readonly Span[]): readonly S[] {
  const parts: S[] = [];
  let from = span.from;
  for (const other of held) {
    if (other.to < from || other.from > span.to) {
      continue;
    }
    if (other.from > from) {
      parts.push({ ...span, from, to: addDays(other.from, -1) });
    }
    from = addDays(other.to, 1);
    if (from > span.to) {
      return parts;
    }
  }
  parts.push(from === span.from ? span : { ...span, from });
  return parts;
}

function insertSorted(held: readonly StoredSpan[], parts: readonly StoredSpan[]): readonly StoredSpan[] {
  return [...held, ...parts].toSorted((left, right) => compareText(left.from, right.from));
}

function overlapsNext(span: Span, next: Span | undefined): boolean {
  return next !== undefined && next.from <= span.to;
}

function isSameSpan(span: Span, stored: Span | undefined): boolean {
  return (
    stored !== undefined &&
    stored.to === span.to &&
    stored.state === span.state &&
    stored.askAgainAtMs === span.askAgainAtMs &&
    stored.evidence.provider === span.evidence.provider &&
    stored.evidence.callId === span.evidence.callId &&
    stored.evidence.version === span.evidence.version &&
    stored.evidence.note === span.evidence.note
  );
}

function compareText(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

function compareVersion(left: bigint, right: bigint): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
