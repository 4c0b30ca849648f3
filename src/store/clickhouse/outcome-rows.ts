import { DEAD_LETTER_REASONS, type DeadLetterReason } from "../../domain/dead-letter.ts";
import { OUTCOMES, type OutcomeWord } from "../../domain/outcome.ts";
import { parseProviderName } from "../../domain/provider.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { OutcomeRecord } from "../../ports/store.ts";
import type { EncodedRows } from "./encode/encoded-rows.ts";
import { quoteIdentifier } from "./quote.ts";
import { insertColumns, OUTCOME_ROW } from "./tables.ts";
import { utcText } from "./utc-text.ts";

export const OUTCOME_INSERT_COLUMNS = insertColumns(OUTCOME_ROW);

/** The record and its outcome say the same reason; it is stored once. */
export function encodeOutcomes(records: readonly OutcomeRecord[]): EncodedRows {
  const lines = records.map(({ message, outcome, ...record }) =>
    JSON.stringify([
      message.topic,
      message.partition,
      message.offset.toString(),
      message.fingerprint,
      record.requestId,
      record.command,
      record.codes,
      outcome.word,
      outcome.rows.new,
      outcome.rows.same,
      outcome.rows.revised,
      outcome.rows.rejected,
      outcome.callIds,
      outcome.provider ?? "",
      outcome.ms,
      outcome.pendingDays,
      outcome.unexplainedDays,
      record.reason ?? outcome.reason ?? "",
      utcText(record.settledAtMs),
      String(Math.trunc(record.settledAtMs)),
    ]),
  );
  return { format: "JSONCompactEachRow", body: `${lines.join("\n")}\n`, rows: records.length };
}

/** As JSONEachRow gives it: 64 bits as text. */
export interface OutcomeSelectRow {
  readonly topic: string;
  readonly partition: number;
  readonly at: string;
  readonly fingerprint: string;
  readonly request_id: string;
  readonly command: string;
  readonly codes: readonly string[];
  readonly outcome: string;
  /** new, same, revised, rejected. */
  readonly tally: readonly string[];
  readonly call_ids: readonly string[];
  readonly provider: string;
  readonly duration_ms: number;
  readonly pending_days: number;
  readonly unexplained_days: number;
  readonly reason: string;
  readonly settled_at_ms: string;
}

/** A SELECT that still wants its WHERE. */
export function selectOutcomes(database: string): string {
  return `SELECT topic, partition, toString(offset) AS at, fingerprint, request_id, command, codes, outcome,
  arrayMap(n -> toString(n), [rows_new, rows_same, rows_revised, rows_rejected]) AS tally, call_ids, provider, duration_ms,
  pending_days, unexplained_days, reason, toString(toUnixTimestamp64Milli(settled_at)) AS settled_at_ms
FROM ${quoteIdentifier(database)}.${OUTCOME_ROW.name} FINAL`;
}

export function parseOutcome(row: OutcomeSelectRow): OutcomeRecord {
  const [added, same, revised, rejected] = row.tally.map((text) => parseInt(text, 10));
  const reason = parseReason(row.reason);
  return {
    message: {
      topic: row.topic,
      partition: row.partition,
      offset: BigInt(row.at),
      fingerprint: row.fingerprint,
    },
    requestId: row.request_id,
    command: row.command,
    codes: row.codes.map((code) => parseSecurityCode(code)),
    outcome: {
      word: parseWord(row.outcome),
      rows: { new: added ?? 0, same: same ?? 0, revised: revised ?? 0, rejected: rejected ?? 0 },
      callIds: row.call_ids,
      provider: row.provider === "" ? undefined : parseProviderName(row.provider),
      ms: row.duration_ms,
      pendingDays: row.pending_days,
      unexplainedDays: row.unexplained_days,
      reason,
    },
    settledAtMs: parseInt(row.settled_at_ms, 10),
    reason,
  };
}

function parseWord(text: string): OutcomeWord {
  const word = OUTCOMES.find((known) => known === text);
  if (word === undefined) {
    throw new TypeError(`reading outcomes: unknown outcome ${text}`);
  }
  return word;
}

function parseReason(text: string): DeadLetterReason | undefined {
  if (text !== "" && !isReason(text)) {
    throw new TypeError(`reading outcomes: unknown reason ${text}`);
  }
  return text === "" ? undefined : text;
}

function isReason(text: string): text is DeadLetterReason {
  return Object.hasOwn(DEAD_LETTER_REASONS, text);
}
