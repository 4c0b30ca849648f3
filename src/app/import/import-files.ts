import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import type { RetryWaits } from "../../base/jitter.ts";
import type { Log } from "../../base/log.ts";
import { untilPassed } from "../../base/retry.ts";
import type { RejectedRow } from "../../domain/rows.ts";
import { checkBars } from "../../planning/check-bars.ts";
import type { TradingCalendar } from "../../planning/trading-calendar.ts";
import type { Ledger, Model, Provenance, Store } from "../../ports/store.ts";
import { readRecordPieces } from "../../sources/tdx/read-record-file.ts";
import type { FileBars } from "../../sources/tdx/file-records.ts";
import type { ImportedFile, ImportWatch, RefusedFile } from "./import-api.ts";
import { FileState, ImportBatch } from "./import-batch.ts";
import { learnFromFiles } from "./learn-days.ts";
import { refuseUnread } from "./plan-import.ts";
import type { ReadableFile } from "./plan-files.ts";

export interface ImportParts {
  readonly store: Pick<Store, "addBatch" | "quarantine">;
  readonly ledger: Pick<Ledger, "read" | "write">;
  readonly calendar: TradingCalendar;
  readonly requestId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly waits: RetryWaits;
}

export interface Imported {
  readonly files: readonly ImportedFile[];
  readonly refused: readonly RefusedFile[];
}

/**
 * Rows that are written together: a file of days has 25 years, each a partition of its own, and so every batch has many
 * small parts. Two batches are in memory at most, the one being written and the one being read.
 */
export const BATCH_ROWS = 25_000;
/** So long a store that does not take rows is waited for; who repeats the import goes on where it was. */
const STORE_AWAY_MS_MAX = 120_000;

/**
 * Reads the files in their order, checks their rows as fetched ones are checked, and writes them in batches: the next one
 * is read while one is written, and no further. When a batch is durable the ledger learns the days of the files that ended
 * in it.
 */
export async function importFiles(
  readable: readonly ReadableFile[],
  parts: ImportParts,
  watch: ImportWatch,
  signal: AbortSignal,
): Promise<Imported> {
  const files: ImportedFile[] = [];
  const refused: RefusedFile[] = [];
  const records = readable.reduce((sum, { planned }) => sum + planned.records, 0);
  let recordsDone = 0;
  let batch = new ImportBatch();
  let writing: Promise<void> = Promise.resolve();

  const tell = (): void => {
    const filesDone = files.length + refused.length;
    watch({ phase: "storing", files: readable.length, filesDone, records, recordsDone });
  };
  const write = async (full: ImportBatch): Promise<void> => {
    files.push(...(await writeBatch(full, parts, signal)));
    recordsDone += full.records;
    tell();
  };
  const flush = async (): Promise<void> => {
    await writing;
    writing = write(batch);
    // It is awaited before the next one and at the end; until then a failure must not count as nobody's.
    writing.catch(() => undefined);
    batch = new ImportBatch();
  };

  tell();
  try {
    for (const one of readable) {
      const state = new FileState(one);
      let refusal: RefusedFile | undefined;
      for await (const piece of readPieces(one, signal)) {
        if ("reason" in piece) {
          refusal = piece;
          break;
        }
        addPiece(batch, state, piece, parts);
        batch.records += piece.received;
        if (batch.size >= BATCH_ROWS) {
          await flush();
        }
      }
      if (refusal === undefined) {
        batch.ended.push(state);
      } else {
        refused.push(refusal);
      }
    }
    await flush();
    await writing;
  } catch (error) {
    await writing.catch(() => undefined);
    throw error;
  }
  return { files, refused };
}

/** Pieces of a file, or at the end why it could not be read to its own. */
async function* readPieces(
  { file, isSorted }: ReadableFile,
  signal: AbortSignal,
): AsyncGenerator<FileBars | RefusedFile, undefined> {
  try {
    yield* readRecordPieces(file, isSorted, signal);
  } catch (error) {
    yield refuseUnread(file, error);
  }
}

function addPiece(batch: ImportBatch, state: FileState, piece: FileBars, parts: ImportParts): void {
  const { from, to, planned } = state.readable;
  const { code, frequency } = planned;
  const isAsked = ({ day }: RejectedRow): boolean => day === undefined || (from <= day && day <= to);
  const bars = code === state.readable.file.code ? piece.bars : piece.bars.map((bar) => ({ ...bar, code }));
  const checked = checkBars(bars, {
    call: { dataSet: "bars", frequency, selection: { by: "codes", codes: [code], from, to } },
    // The stock list is asked about jumps only, and a record has no previous close.
    reference: { calendar: parts.calendar, instrument: () => undefined },
    nowMs: parts.clock.nowMs(),
  });
  const rejected = [...piece.rejected.map((row) => ({ ...row, code })), ...checked.rejected].filter(isAsked);
  state.checked(checked, rejected);
  for (const { day } of piece.suspensions) {
    if (from <= day && day <= to) {
      state.suspended.add(day);
    }
  }
  batch.rows.push(...checked.rows.map((bar) => ({ bar, state })));
  batch.rejected.push(...rejected.map((row) => ({ row, state })));
}

/** The files that ended in it. */
async function writeBatch(
  batch: ImportBatch,
  parts: ImportParts,
  signal: AbortSignal,
): Promise<readonly ImportedFile[]> {
  const { store, requestId } = parts;
  for (const [state, rejected] of Map.groupBy(batch.rejected, (one) => one.state)) {
    const rows = rejected.map(({ row }) => row);
    await untilTaken(
      "setting rows aside",
      () => store.quarantine(rows, provenanceOf(state, requestId), signal),
      parts,
      signal,
    );
  }
  if (batch.rows.length > 0) {
    const provenances = new Map<FileState, Provenance>();
    const models = batch.rows.map(({ bar, state }): Model => {
      const provenance = provenances.get(state) ?? provenanceOf(state, requestId);
      provenances.set(state, provenance);
      return { model: "bar", row: bar, provenance };
    });
    const outcomes = await untilTaken("storing bars", () => store.addBatch(models, signal), parts, signal);
    for (const [at, { bar, state }] of batch.rows.entries()) {
      state.stored(bar, outcomes[at] ?? "same");
    }
  }
  const learned = await untilTaken(
    "writing the ledger",
    () => learnFromFiles(batch.ended, parts.ledger, parts.calendar, signal),
    parts,
    signal,
  );
  return batch.ended.map((state, at): ImportedFile => {
    const { tally, flagged, readable } = state;
    const outcome = tally.revised > 0 ? "revised" : tally.new > 0 ? "new" : "same";
    const { daysLearned = 0, daysInPart = 0 } = learned[at] ?? {};
    return { ...readable.planned, outcome, tally, flagged: Object.fromEntries(flagged), daysLearned, daysInPart };
  });
}

/** Where a row comes from: the file's name stands for the call. */
function provenanceOf({ readable: { file, version } }: FileState, requestId: string): Provenance {
  return { version, callId: `file:${file.name}`, requestId };
}

async function untilTaken<Answer>(
  doing: string,
  act: () => Promise<Answer>,
  { clock, log, waits }: ImportParts,
  signal: AbortSignal,
): Promise<Answer> {
  const startedMs = clock.elapsedMs();
  const onFailed = (error: Error): undefined => {
    if (clock.elapsedMs() - startedMs > STORE_AWAY_MS_MAX) {
      throw new TransientError(`${doing}: given up after ${Math.round(STORE_AWAY_MS_MAX / 1000)} s`, { cause: error });
    }
  };
  return await untilPassed(act, { clock, log, waits, doing, onFailed }, signal);
}
