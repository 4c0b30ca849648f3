import type { StatementSync } from "node:sqlite";

import type { Message, OutgoingMessage } from "../../ports/queue.ts";
import { parseHeaderText, toHeaderText } from "./header-text.ts";
import type { QueueFile } from "./queue-file.ts";
import { bytesOf, numberOf, type Row } from "./row.ts";
import type { Partition } from "./topic-table.ts";

/** What one read of a partition takes at most; one message may go beyond the bytes, or a large one would never come. */
export const PAGE_MESSAGES_MAX = 500;
export const PAGE_BYTES_MAX = 256 * 1_024;

export interface PlacedRow {
  readonly message: OutgoingMessage;
  readonly at: Partition;
  readonly offset: number;
}

/** The messages in the file. Writing is for callers that hold a transaction. */
export class MessageTable {
  readonly #file: QueueFile;
  readonly #insert: StatementSync;
  readonly #moveEnd: StatementSync;
  readonly #moveStart: StatementSync;
  readonly #page: StatementSync;
  readonly #at: StatementSync;
  readonly #times: StatementSync;
  readonly #delete: StatementSync;

  constructor(file: QueueFile) {
    this.#file = file;
    this.#insert = file.prepare(
      "INSERT INTO message (partition_id, offset, timestamp_ms, key, value, headers) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#moveEnd = file.prepare("UPDATE partition SET end_offset = ? WHERE partition_id = ?");
    this.#moveStart = file.prepare("UPDATE partition SET start_offset = ? WHERE partition_id = ?");
    this.#page = file.prepare(`${SELECT} AND offset >= ? AND offset < ? ORDER BY offset LIMIT ${PAGE_MESSAGES_MAX}`);
    this.#at = file.prepare(`${SELECT} AND offset = ?`);
    this.#times = file.prepare(
      "SELECT offset, timestamp_ms FROM message WHERE partition_id = ? AND offset < ? ORDER BY offset LIMIT ?",
    );
    this.#delete = file.prepare("DELETE FROM message WHERE partition_id = ? AND offset < ?");
  }

  insert(rows: readonly PlacedRow[], timestampMs: number): void {
    const ends = new Map<number, number>();
    for (const { message, at, offset } of rows) {
      const { key = null, value = null, headers } = message;
      this.#insert.run(at.id, offset, timestampMs, key, value, toHeaderText(headers));
      ends.set(at.id, offset + 1);
    }
    for (const [id, end] of ends) {
      this.#moveEnd.run(end, id);
    }
  }

  /** From `from` on and below `end`, in order; empty when there is none. Bounded in messages and bytes. */
  page(at: Partition, from: number, end: number): Message[] {
    return this.#file.read(`reading ${at.topic}/${at.number} from offset ${from}`, () => {
      const messages: Message[] = [];
      let bytes = 0;
      for (const row of this.#page.iterate(at.id, from, end)) {
        const message = toMessage(at, row);
        messages.push(message);
        bytes += (message.value?.length ?? 0) + (message.key?.length ?? 0);
        if (bytes >= PAGE_BYTES_MAX) {
          break;
        }
      }
      return messages;
    });
  }

  at(at: Partition, offset: number): Message | undefined {
    return this.#file.read(`reading ${at.topic}/${at.number}/${offset}`, () => {
      const row = this.#at.get(at.id, offset);
      return row === undefined ? undefined : toMessage(at, row);
    });
  }

  /**
   * Deletes from the beginning of a partition what is older than `beforeMs` and below `end`, `rowsMax` at most. Answers
   * the partition's new first offset, which is the old one when nothing was to be deleted.
   */
  deleteOld(at: Partition, beforeMs: number, end: number, rowsMax: number): number {
    let start = at.start;
    for (const row of this.#times.iterate(at.id, end, rowsMax)) {
      if (numberOf(row, "timestamp_ms") >= beforeMs) {
        break;
      }
      start = numberOf(row, "offset") + 1;
    }
    if (start > at.start) {
      this.#delete.run(at.id, start);
      this.#moveStart.run(start, at.id);
    }
    return start;
  }
}

const SELECT = "SELECT offset, timestamp_ms, key, value, headers FROM message WHERE partition_id = ?";

function toMessage(at: Partition, row: Row): Message {
  return {
    topic: at.topic,
    partition: at.number,
    offset: BigInt(numberOf(row, "offset")),
    key: bytesOf(row, "key"),
    value: bytesOf(row, "value"),
    headers: parseHeaderText(row["headers"]),
    timestampMs: numberOf(row, "timestamp_ms"),
  };
}
