import assert from "node:assert/strict";
import { test } from "node:test";

import { ClickHouseError } from "@clickhouse/client";

import { PermanentError, TransientError } from "../../base/errors.ts";
import { StorePressureError } from "../pressure-error.ts";
import { BadRowsError, TooManyPartitionsError, translate } from "./errors.ts";

const said = (code: number, message: string) => new ClickHouseError({ code: String(code), message, type: "X" });

test("refused credentials need a person and say whose they are", () => {
  for (const code of [192, 193, 194, 516]) {
    const error = translate(said(code, "no"), "inserting 2 bars");
    assert.ok(error instanceof PermanentError && error.isCredentials && error.scope === "store", String(code));
  }
});

test("missing rights need a person who gives them, and end as refused credentials do", () => {
  for (const code of [497, 164, 291, 452]) {
    const error = translate(said(code, "no"), "creating tables");
    assert.ok(error instanceof PermanentError && error.isCredentials, String(code));
    assert.match(error.message, /^creating tables: .*may not do that .*: give it the right, or name another/);
  }
});

test("missing tables need a person, and are no credentials", () => {
  assert.match(translate(said(60, "no"), "reading").message, /^reading: there are no tables yet .*gdw schema ensure/);
  for (const code of [60, 81, 47, 16, 4242]) {
    const error = translate(said(code, "no"), "inserting 2 bars");
    assert.ok(error instanceof PermanentError && !error.isCredentials, String(code));
  }
});

test("code 252 is told apart by its text", () => {
  const partitions = "Too many partitions for single INSERT block (more than 100)";
  assert.ok(translate(said(252, partitions), "inserting") instanceof TooManyPartitionsError);
  const parts = translate(said(252, "Too many parts (300). Merges are processing significantly slower"), "inserting");
  assert.ok(parts instanceof TransientError && !(parts instanceof TooManyPartitionsError));
});

test("a full, busy or restarting server passes by itself", () => {
  for (const code of [3, 159, 202, 209, 210, 241, 285, 319, 425, 999]) {
    assert.ok(translate(said(code, "later"), "inserting") instanceof TransientError, String(code));
  }
});

test("a server under pressure says of what it has too much", () => {
  for (const [kind, codes] of Object.entries({
    parts: [252],
    memory: [241, 173, 777, 778],
    time: [159, 160],
    queries: [201, 202, 203, 364, 439, 700, 745, 749, 762, 776],
  })) {
    for (const code of codes) {
      const error = translate(said(code, "Too many of them"), "inserting");
      assert.ok(error instanceof StorePressureError && error instanceof TransientError, String(code));
      assert.equal(error.pressure, kind, String(code));
    }
  }
});

test("what one value can cause is about rows", () => {
  for (const code of [6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 321, 349, 407, 469]) {
    assert.ok(translate(said(code, "bad"), "inserting") instanceof BadRowsError, String(code));
  }
});

test("the words of a server before version 20 are understood, too", () => {
  const text =
    "Code: 60, e.displayText() = DB::Exception: Table default.bar_row doesn't exist., e.what() = DB::Exception";
  assert.ok(translate(new Error(text), "inserting") instanceof PermanentError);
});

test("resets, time-outs and a proxy's page are transient; a certificate is not", () => {
  const reset = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  assert.ok(translate(reset, "inserting") instanceof TransientError);
  assert.ok(translate(new Error("Timeout error."), "inserting") instanceof TransientError);
  assert.ok(translate(new Error("<html>502 Bad Gateway</html>"), "inserting") instanceof TransientError);
  const certificate = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
  assert.ok(translate(certificate, "inserting") instanceof PermanentError);
});

test("a held folder is named as such, a defect stays one, and what has a kind keeps it", () => {
  const locked = translate(
    new Error("Cannot lock file /data/status. Another server instance in same directory"),
    "opening",
  );
  assert.ok(locked instanceof PermanentError);
  assert.match(locked.message, /another process holds the folder/);
  const defect = new TypeError("x is undefined");
  assert.equal(translate(defect, "inserting"), defect);
  const kept = new TransientError("again");
  assert.equal(translate(kept, "inserting"), kept);
});

test("the message says what was being done, then code, name and the engine's words", () => {
  const error = translate(said(241, "Memory limit\n exceeded"), "inserting 2 bars");
  assert.equal(error.message, "inserting 2 bars: ClickHouse says 241 MEMORY_LIMIT_EXCEEDED: Memory limit exceeded");
});
