import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";

import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { EmbeddedQueueHeldError, translate } from "./errors.ts";

/** What SQLite itself throws, made for real. */
function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return assert.fail("expected an error");
}

function translated(body: () => unknown): Error {
  const error = translate(thrownBy(body), "publishing 1 messages to t", "/data/queue.sqlite");
  assert.ok(error instanceof Error);
  return error;
}

test("a full disk or file is transient, and its message says to make room", () => {
  using db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t (b BLOB); PRAGMA max_page_count = 2");
  const error = translated(() => db.exec("INSERT INTO t VALUES (zeroblob(100000))"));
  assert.ok(error instanceof TransientError);
  assert.match(error.message, /^publishing 1 messages to t: .*full: make room.*database or disk is full/);
});

test("a file that is no database, a damaged one, a folder and a read-only one need a person", async () => {
  await using folder = await temporaryFolder();
  const garbage = path.join(folder.path, "garbage");
  await writeFile(garbage, "this is no database ".repeat(1_000));
  const cases: readonly (readonly [RegExp, () => unknown])[] = [
    [
      /no file of this queue: file is not a database; move it away/,
      () => new DatabaseSync(garbage).prepare("SELECT 1 FROM t"),
    ],
    [/unable to open database file; see that its folder exists/, () => new DatabaseSync(folder.path).exec("BEGIN")],
    [
      /readonly database; see that its folder exists and that this user may read and write/,
      () => {
        const file = path.join(folder.path, "read-only");
        new DatabaseSync(file).exec("CREATE TABLE t (a)");
        new DatabaseSync(file, { readOnly: true }).exec("INSERT INTO t VALUES (1)");
      },
    ],
  ];
  for (const [says, body] of cases) {
    const error = translated(body);
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.scope, "queue");
    assert.match(error.message, says);
  }
});

test("an error of the disk, by its number alone, is permanent; too large is a DataError; a defect stays itself", () => {
  const io = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 4874 });
  const error = translate(io, "committing", "/data/queue.sqlite");
  assert.ok(error instanceof PermanentError);
  assert.match(error.message, /committing: disk I\/O error; look at the disk/);
  using db = new DatabaseSync(":memory:");
  assert.ok(translated(() => db.exec("SELECT zeroblob(2000000000)")) instanceof DataError);
  db.exec("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)");
  const defect = thrownBy(() => db.exec("INSERT INTO t VALUES (1)"));
  assert.equal(translate(defect, "publishing", "/data/queue.sqlite"), defect);
  const ours = new TransientError("closed");
  assert.equal(translate(ours, "publishing", "/data/queue.sqlite"), ours);
});

test("a lock names the file's holder where it is known, and nobody where it is not", () => {
  const locked = Object.assign(new Error("database is locked"), { code: "ERR_SQLITE_ERROR", errcode: 5 });
  const error = translate(locked, "opening the embedded queue /nowhere/q", "/nowhere/q");
  assert.ok(error instanceof EmbeddedQueueHeldError);
  assert.equal(error.holderPid, undefined);
  assert.match(error.message, /^opening the embedded queue \/nowhere\/q: another worker or command holds it/);
  assert.match(
    new EmbeddedQueueHeldError("opening q", "q", 4_242).message,
    /another worker or command, process 4242, holds it/,
  );
});

test("a folder that cannot be made says why and what to do", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "file");
  await writeFile(file, "");
  const error = translate(
    await mkdir(path.join(file, "sub"), { recursive: true }).catch((thrown: unknown) => thrown),
    "opening the embedded queue",
    "q",
  );
  assert.ok(error instanceof PermanentError);
  assert.match(error.message, /a part of the path is a file: take another folder/);
});
