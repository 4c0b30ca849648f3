import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../../base/clock.ts";
import { EngineError } from "./engine-error.ts";
import { SESSIONS_MAX, Sessions, type SessionWish } from "./sessions.ts";

function openSessions() {
  let nowMs = 0;
  let opened = 0;
  const closed: number[] = [];
  const open = () => {
    const number = opened;
    opened += 1;
    return { number, close: () => void closed.push(number) };
  };
  const sessions = new Sessions(open, { ...systemClock, elapsedMs: () => nowMs });
  const use = (id: string, more: Partial<SessionWish> = {}): number => {
    const { connection, giveBack } = sessions.take({ id, timeoutMs: 60_000, mustExist: false, isLast: false, ...more });
    giveBack();
    return connection.number;
  };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { sessions, use, closed, pass };
}

function hasCode(code: number): (error: unknown) => boolean {
  return (error) => error instanceof EngineError && error.code === code;
}

test("one session too many ends the longest unused one", () => {
  const { use, closed } = openSessions();
  for (let index = 0; index < SESSIONS_MAX; index += 1) {
    use(`s${index}`);
  }
  assert.equal(use("s0"), 0);
  assert.equal(use("another"), SESSIONS_MAX);
  assert.deepEqual(closed, [1]);
  assert.throws(() => use("s1", { mustExist: true }), hasCode(372));
});

test("a session ends when its time is over, and counts it from its last statement", () => {
  const { use, closed, pass } = openSessions();
  use("short", { timeoutMs: 1_000 });
  use("long");
  pass(999);
  assert.equal(use("short", { timeoutMs: 1_000 }), 0);
  pass(999);
  assert.equal(use("short", { timeoutMs: 1_000, mustExist: true }), 0);
  pass(1_000);
  assert.throws(() => use("short", { mustExist: true }), hasCode(372));
  assert.deepEqual(closed, [0]);
});

test("a last statement ends its session, and a busy one is locked and never ended", () => {
  const { sessions, use, closed, pass } = openSessions();
  use("once", { isLast: true });
  assert.deepEqual(closed, [0]);
  const busy = sessions.take({ id: "busy", timeoutMs: 1, mustExist: false, isLast: false });
  pass(1_000_000);
  assert.throws(() => use("busy"), hasCode(373));
  busy.giveBack();
  assert.equal(use("busy"), 1);
  sessions.close();
  assert.deepEqual(closed, [0, 1]);
});
