import assert from "node:assert/strict";
import test from "node:test";

import { judgeTrace, type TraceLine } from "./handler-trace.ts";

let at = 0;
const stamp = (pid: number): { readonly pid: number; readonly at: number } => ({ pid, at: (at += 1) });
const start = (pid: number, run: number, offset: number, key = "a"): TraceLine => ({
  kind: "start",
  run,
  key,
  partition: 0,
  offset,
  ...stamp(pid),
});
const end = (pid: number, run: number, offset: number, isOk = true): TraceLine => ({
  kind: "end",
  run,
  partition: 0,
  offset,
  isOk,
  ...stamp(pid),
});
const settled = (pid: number, offset: number, changed = 0): TraceLine => ({
  kind: "settled",
  partition: 0,
  offset,
  word: "stored",
  changed,
  calls: 1,
  ...stamp(pid),
});

test("one message after the other is in order, whatever other keys do meanwhile", () => {
  const report = judgeTrace([
    start(1, 1, 0),
    start(1, 2, 1, "b"),
    settled(1, 0, 3),
    end(1, 1, 0),
    start(1, 3, 2),
    end(1, 2, 1),
    end(1, 3, 2),
  ]);
  assert.deepEqual(report.disorder, []);
  assert.equal(report.messages, 3);
  assert.equal(report.redelivered, 0);
});

test("two handlers of one key at once in a process break the order", () => {
  const { disorder } = judgeTrace([start(1, 1, 0), start(1, 2, 1), end(1, 1, 0), end(1, 2, 1)]);
  assert.match(disorder.join("; "), /process 1 began offset 1 before 0 had ended/);
});

test("a message that begins elsewhere before its predecessor was done breaks the order", () => {
  const { disorder } = judgeTrace([start(1, 1, 0), start(2, 1, 1), end(2, 1, 1), end(1, 1, 0)]);
  assert.deepEqual(disorder, ["a in partition 0: offset 1 began before 0 was done for the first time"]);
});

test("a message that is never done lets nobody of its key begin", () => {
  const { disorder, gaveUp } = judgeTrace([start(1, 1, 0), end(1, 1, 0, false), start(1, 2, 1), end(1, 2, 1)]);
  assert.equal(disorder.length, 1);
  assert.equal(gaveUp, 1);
});

test("what a killed process had in hand comes again, and that is in order", () => {
  const report = judgeTrace([
    start(1, 1, 0),
    settled(1, 0, 3),
    end(1, 1, 0),
    start(1, 2, 1),
    // Killed here; the first message was not committed.
    start(2, 1, 0),
    end(2, 1, 0),
    start(2, 2, 1),
    settled(2, 1, 3),
    end(2, 2, 1),
  ]);
  assert.deepEqual(report.disorder, []);
  assert.equal(report.redelivered, 2);
  assert.equal(report.knownBefore, 1);
  assert.equal(report.cutOff, 1);
  assert.deepEqual(report.settledTwice, []);
});

test("a repeat that changed rows is told from one that found them equal", () => {
  const lines = (changed: number): readonly TraceLine[] => [
    start(1, 1, 0),
    settled(1, 0, 3),
    end(1, 1, 0),
    start(2, 1, 0),
    settled(2, 0, changed),
    end(2, 1, 0),
  ];
  assert.deepEqual(judgeTrace(lines(0)).settledTwice, ["0/0"]);
  assert.deepEqual(judgeTrace(lines(0)).changedTwice, []);
  assert.deepEqual(judgeTrace(lines(1)).changedTwice, ["0/0"]);
});
