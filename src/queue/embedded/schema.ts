import type { DatabaseSync } from "node:sqlite";

import { TellingPermanentError } from "./errors.ts";

/** Says whose file it is: "gdwq". */
const APPLICATION_ID = 0x6764_7771;
export const SCHEMA_VERSION = 1;

/**
 * A partition's offsets are `start_offset` (the first that was not deleted) to `end_offset` (that of the next message).
 * A topic without `retention_ms` keeps a message until every group that has a mark in the topic has settled it.
 * The views are for people with the `sqlite3` tool.
 */
const SCHEMA = `
CREATE TABLE topic (
  topic_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  message_bytes_max INTEGER NOT NULL,
  retention_ms INTEGER
) STRICT;
CREATE TABLE partition (
  partition_id INTEGER PRIMARY KEY,
  topic_id INTEGER NOT NULL REFERENCES topic,
  number INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  UNIQUE (topic_id, number)
) STRICT;
CREATE TABLE message (
  partition_id INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  key BLOB,
  value BLOB,
  headers TEXT,
  PRIMARY KEY (partition_id, offset)
) STRICT, WITHOUT ROWID;
CREATE TABLE mark (
  group_id TEXT NOT NULL,
  partition_id INTEGER NOT NULL REFERENCES partition,
  offset INTEGER NOT NULL,
  marked_at_ms INTEGER NOT NULL,
  PRIMARY KEY (group_id, partition_id)
) STRICT, WITHOUT ROWID;
CREATE VIEW messages AS
  SELECT name AS topic, number AS partition, offset, datetime(timestamp_ms / 1000, 'unixepoch') AS published_at,
         CAST(key AS TEXT) AS key, CAST(value AS TEXT) AS value, headers
  FROM message JOIN partition USING (partition_id) JOIN topic USING (topic_id);
CREATE VIEW marks AS
  SELECT group_id, name AS topic, number AS partition, offset, end_offset - offset AS lag,
         datetime(marked_at_ms / 1000, 'unixepoch') AS marked_at
  FROM mark JOIN partition USING (partition_id) JOIN topic USING (topic_id);
`;

/** Makes the tables of a new file. PermanentError: a newer program's file, or another program's. */
export function ensureSchema(db: DatabaseSync, doing: string): void {
  const version = pragma(db, "user_version");
  const isOurs = pragma(db, "application_id") === APPLICATION_ID;
  if (isOurs && version === SCHEMA_VERSION) {
    return;
  }
  if (isOurs && version > SCHEMA_VERSION) {
    throw new TellingPermanentError(
      `${doing}: a newer version of this program wrote it (schema ${version}, this one knows ${SCHEMA_VERSION}): use that version, or another folder`,
      "queue",
    );
  }
  if (isOurs || version !== 0 || countTables(db) > 0) {
    throw new TellingPermanentError(
      `${doing}: it is a SQLite file of another program: move it away or take another folder`,
      "queue",
    );
  }
  db.exec(
    `BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`,
  );
}

function pragma(db: DatabaseSync, name: string): number {
  const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
  return typeof value === "number" ? value : 0;
}

function countTables(db: DatabaseSync): number {
  const count = db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"];
  return typeof count === "number" ? count : 0;
}
