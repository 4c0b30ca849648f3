import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

import { TransientError } from "../../base/errors.ts";
import { translate } from "./errors.ts";
import { ensureSchema } from "./schema.ts";

/** What the log's file may keep when it is empty again. */
const LOG_BYTES_KEPT = 16 * 1_024 * 1_024;
const PAGE_BYTES = 4_096;

/**
 * The SQLite file, held by this process alone.
 *
 * - The lock is the system's, on the file itself: `locking_mode=EXCLUSIVE` takes it with the first transaction and keeps
 *   it, so it ends with the process, however that ends, and there is no file of locks to be left over. It also means
 *   that **no code of this process may open the file by other means**: closing such a handle would let the lock go.
 * - `journal_mode=WAL`: a commit is one append to the log, and a torn one is not there when the file is next opened.
 * - `synchronous=FULL`: a commit returns when the disk has the log. With NORMAL a crash of the machine could take back what
 *   a producer was told is stored, or marks; a crash of the process alone never does, with either.
 */
export class QueueFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  #isOpen = true;

  /** Throws EmbeddedQueueHeldError at once when another process, or this one, holds it. */
  constructor(file: string, bytesMax?: number) {
    this.path = path.resolve(file);
    const doing = `opening the embedded queue ${this.path}`;
    let db: DatabaseSync | undefined;
    try {
      mkdirSync(path.dirname(this.path), { recursive: true });
      db = new DatabaseSync(this.path, { timeout: 0 });
      db.exec("PRAGMA locking_mode = EXCLUSIVE");
      db.exec("PRAGMA journal_mode = WAL");
      db.exec("PRAGMA synchronous = FULL");
      db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`);
      // Takes the lock now, not with the first message.
      db.exec("BEGIN EXCLUSIVE; COMMIT");
      ensureSchema(db, doing);
      if (bytesMax !== undefined) {
        db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / PAGE_BYTES))}`);
      }
    } catch (error) {
      db?.close();
      throw translate(error, doing, this.path);
    }
    this.#db = db;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  prepare(sql: string): StatementSync {
    return this.read("preparing a statement", () => this.#db.prepare(sql));
  }

  /** All of it or nothing; stored when it returns. `doing` begins what an error says. */
  write<Result>(doing: string, body: () => Result): Result {
    return this.read(doing, () => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        const result = body();
        this.#db.exec("COMMIT");
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  read<Result>(doing: string, body: () => Result): Result {
    if (!this.#isOpen) {
      throw new TransientError(`${doing}: the embedded queue ${this.path} is closed`);
    }
    try {
      return body();
    } catch (error) {
      throw translate(error, `${doing} in ${this.path}`, this.path);
    }
  }

  /** Moves the log into the file and lets go of both. */
  close(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#db.close();
    }
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) {
        this.#db.exec("ROLLBACK");
      }
    } catch {
      // What made the transaction fail is what is to be told.
    }
  }
}
