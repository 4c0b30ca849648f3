import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import type { Log } from "./log.ts";
import { PermanentError } from "./errors.ts";
import { createPinoLog, type LogOptions, openLog } from "./pino-log.ts";
import { openRotatingFile } from "./rotating-file.ts";

interface Opened {
  readonly log: Log;
  readonly lines: string[];
  readonly last: () => Record<string, unknown>;
}

function open(options: Partial<LogOptions> = {}): Opened {
  const lines: string[] = [];
  const log = createPinoLog({ write: (line) => void lines.push(line) }, { level: "debug", secrets: [], ...options });
  const last = (): Record<string, unknown> => Object.fromEntries(Object.entries(JSON.parse(lines.at(-1) ?? "{}")));
  return { log, lines, last };
}

test("a line has time, level, event and fields", () => {
  const { log, last } = open({ fields: { node: "n1" } });
  log.child({ topic: "t" }).info("batch stored", {
    rows: 3,
    offset: 9_007_199_254_740_993n,
    at: Temporal.Instant.fromEpochMilliseconds(0),
    none: undefined,
  });
  const { time, ...rest } = last();
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    level: "info",
    node: "n1",
    topic: "t",
    rows: 3,
    offset: "9007199254740993",
    at: "1970-01-01T00:00:00Z",
    msg: "batch stored",
  });
});

test("what is below the level is not written", () => {
  const { log, lines } = open({ level: "warn" });
  log.info("one");
  log.warn("two");
  assert.equal(lines.length, 1);
});

test("a secret never reaches the line, wherever it stands", () => {
  const secret = 'hush/"x y';
  const { log, lines } = open({ secrets: [secret], fields: { started: `with ${secret}` } });
  const error = new Error(`login with ${secret} failed`, {
    cause: new Error(`at http://u:${encodeURIComponent(secret)}@h/`),
  });
  log.error(`calling with ${secret}`, { error, list: [{ deep: JSON.stringify({ a: secret }) }], [secret]: 1 });
  log.child({ url: `?token=${secret}` }).warn("again", { map: new Map([["k", secret]]) });
  assert.equal(/hush/.exec(lines.join("")), null);
  assert.match(lines[0] ?? "", /calling with \[secret\]/);
});

test("a secret that an excerpt cut short is hidden as well, and a short beginning that may be a word is not", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const { log, lines, last } = open({ secrets: [secret, "word"] });
  for (let length = 8; length <= secret.length; length += 1) {
    log.warn("x", { detail: `it starts with "${secret.slice(0, length)}"…`, list: [secret.slice(0, length)] });
    assert.deepEqual([last()["detail"], last()["list"]], ['it starts with "[secret]"…', ["[secret]"]]);
  }
  assert.ok(lines.every((line) => !line.includes("01234567")));
  log.warn("x", { detail: "01234567 is no cut one, nor is wo, nor 0123456" });
  assert.equal(last()["detail"], "01234567 is no cut one, nor is wo, nor 0123456");
});

test("a field with a secret's name is hidden whatever it holds, and a claim about it is not", () => {
  const { log, last } = open();
  log.info("x", {
    token: "a",
    tushareToken: "b",
    password: 1234,
    headers: { Authorization: "c" },
    hasPassword: true,
    tokens: 3,
  });
  const { token, tushareToken, password, headers, hasPassword, tokens } = last();
  assert.deepEqual(
    [token, tushareToken, password, headers],
    ["[secret]", "[secret]", "[secret]", { Authorization: "[secret]" }],
  );
  assert.deepEqual([hasPassword, tokens], [true, 3]);
});

test("a circle, a deep value and a field called level do no harm", () => {
  const { log, last } = open();
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  let deep: unknown = 1;
  for (let depth = 0; depth < 10_000; depth += 1) {
    deep = [deep];
  }
  log.info("x", { circle, deep, level: 7 });
  assert.deepEqual([last()["level"], last()["level_"]], ["info", 7]);
});

test("a full file is put aside, and only so many are kept", () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const path = join(folder, "logs", "w.log");
    for (const line of ["one\n", "two\n", "three\n", "four\n", "five\n"]) {
      // Opened anew each time, as after a restart.
      using file = openRotatingFile(path, { bytesMax: 8, backupsMax: 2 });
      file.write(line);
    }
    const files = readdirSync(join(folder, "logs")).toSorted();
    assert.deepEqual(files, ["w.log", "w.log.1", "w.log.2"]);
    assert.deepEqual(
      files.map((name) => readFileSync(join(folder, "logs", name), "utf8")),
      ["five\n", "four\n", "three\n"],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a full file that cannot be put aside goes on, is tried again after a while, and costs no backup", () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const path = join(folder, "w.log");
    const contents = (...numbers: number[]): string[] =>
      numbers.map((number) => readFileSync(number === 0 ? path : `${path}.${number}`, "utf8"));
    using file = openRotatingFile(path, { bytesMax: 100, backupsMax: 3 });
    const line = (word: string): string => `${word.padEnd(59, ".")}\n`;
    for (const word of ["one", "two", "three"]) {
      file.write(line(word));
    }
    assert.deepEqual(contents(0, 1, 2), [line("three"), line("two"), line("one")]);
    // In the way of the oldest file, and not to be replaced by one.
    mkdirSync(join(folder, "w.log.3"));
    file.write(line("four"));
    assert.match(String(file.trouble), /EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    assert.deepEqual(contents(0, 1, 2), [`${line("three")}${line("four")}`, line("two"), line("one")]);
    rmSync(join(folder, "w.log.3"), { recursive: true });
    file.write("short\n");
    assert.equal(existsSync(join(folder, "w.log.3")), false, "not tried at each line");
    file.write(line("five"));
    assert.equal(file.trouble, undefined);
    assert.deepEqual(contents(0, 1, 2, 3), [
      line("five"),
      `${line("three")}${line("four")}short\n`,
      line("two"),
      line("one"),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a place that a try left free half way is used, and nothing above it is given up", () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const path = join(folder, "w.log");
    for (const number of [2, 3]) {
      writeFileSync(`${path}.${number}`, `backup ${number}`);
    }
    using file = openRotatingFile(path, { bytesMax: 8, backupsMax: 3 });
    file.write("one\n");
    file.write("more than 8 bytes\n");
    assert.deepEqual(
      ["", ".1", ".2", ".3"].map((end) => readFileSync(`${path}${end}`, "utf8")),
      ["more than 8 bytes\n", "one\n", "backup 2", "backup 3"],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("with no backups a full file is emptied", () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const path = join(folder, "w.log");
    using file = openRotatingFile(path, { bytesMax: 8, backupsMax: 0 });
    for (const word of ["one\n", "two\n", "three\n"]) {
      file.write(word);
    }
    assert.deepEqual([readdirSync(folder), readFileSync(path, "utf8")], [["w.log"], "three\n"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a log file that cannot be opened is a wrong setting, and says which", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const file = { path: folder, bytesMax: 1024, backupsMax: 1 };
    const options = { level: "info", format: "json", file, secrets: [], descriptor: 2 } as const;
    await assert.rejects(
      openLog(options),
      (error) =>
        error instanceof PermanentError &&
        error.scope === "settings" &&
        /^opening the log file .*EISDIR.*; give logging\.file a path that can be written$/.test(error.message),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Logs three lines to a file and to standard output, and ends well if nothing is thrown. */
const CHILD = `
import { openLog } from ${JSON.stringify(new URL("pino-log.ts", import.meta.url).href)};
const [path] = process.argv.slice(1);
const file = path === "" ? undefined : { path, bytesMax: 100, backupsMax: 1 };
using log = await openLog({ level: "info", format: "json", file, secrets: [], descriptor: 1 });
for (const event of ["one", "two", "three"]) {
  log.info(event);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.stderr.write("went on\\n");
`;

function runChild(path: string, shell = '"$0" "$@"'): { readonly code: number | null; out: string; err: string } {
  const args = ["-c", shell, process.execPath, "--input-type=module", "-e", CHILD, path];
  const { status, stdout, stderr } = spawnSync("sh", args, { encoding: "utf8", timeout: 20_000 });
  return { code: status, out: stdout, err: stderr };
}

test("a full disk under the log file loses lines of the file only, and is said once", () => {
  const { code, out, err } = runChild("/dev/full");
  assert.deepEqual([code, err], [0, "went on\n"]);
  const events = out
    .trim()
    .split("\n")
    .map((line) => String(Object(JSON.parse(line)).msg));
  assert.deepEqual(events.toSorted(), ["log file cannot be written, work goes on without it", "one", "three", "two"]);
});

test("a log file that cannot be put aside keeps every line, and is said once", () => {
  const folder = mkdtempSync(join(tmpdir(), "gdw-log-"));
  try {
    const path = join(folder, "w.log");
    mkdirSync(`${path}.1`);
    const { code, out } = runChild(path);
    const eventsOf = (text: string): readonly string[] =>
      text
        .trim()
        .split("\n")
        .map((line) => String(Object(JSON.parse(line)).msg));
    assert.equal(code, 0);
    assert.deepEqual(eventsOf(readFileSync(path, "utf8")), ["one", "two", "three"]);
    const told = "log file is full and cannot be put aside, it grows";
    assert.deepEqual(eventsOf(out).toSorted(), [told, "one", "three", "two"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a full disk or a reader that is gone behind standard output does not end the work", () => {
  assert.deepEqual(runChild("", '"$0" "$@" >/dev/full'), { code: 0, out: "", err: "went on\n" });
  const piped = runChild("", '{ "$0" "$@"; echo "ended with $?" >&2; } | head -n 1 >/dev/null');
  assert.match(piped.err, /went on\nended with 0/);
});
