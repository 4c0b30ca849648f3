import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { parseDay } from "../domain/day.ts";
import { ledgerKeyText, type LedgerKey, type LedgerState, type Span } from "../domain/ledger.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { bundledCalendar } from "../planning/trading-calendar.ts";
import type { Ledger } from "../ports/store.ts";
import { LedgerBook } from "./ledger-book.ts";

const calendar = bundledCalendar();
const key: LedgerKey = { dataSet: "bars", frequency: "1d", code: parseSecurityCode("000001.SZ") };

test("what others wrote on other days since a message was planned is not undone by what it learned", async () => {
  let stored: readonly Span[] = [span("2026-11-02", "2026-11-19", "present")];
  let writes = 0;
  const ledger: Ledger = {
    read: async () => new Map([[ledgerKeyText(key), stored]]),
    write: async (changes) => {
      writes += 1;
      stored = changes.reduce((spans, { change }) => change(spans), stored);
    },
  };
  const book = new LedgerBook(ledger, { clock: systemClock, log: silentLog }, new AbortController().signal);
  await book.spans(key);
  stored = [
    span("2026-11-02", "2026-11-09", "present"),
    span("2026-11-10", "2026-11-10", "failed"),
    span("2026-11-11", "2026-11-19", "present"),
  ];
  await Promise.all([
    book.learn(key, [span("2026-11-20", "2026-11-20", "present")], calendar),
    book.learn(key, [span("2026-11-23", "2026-11-23", "present")], calendar),
    book.learn(key, [], calendar),
  ]);
  assert.deepEqual(
    stored.map(({ from, to, state }) => `${from}..${to} ${state}`),
    ["2026-11-02..2026-11-09 present", "2026-11-10..2026-11-10 failed", "2026-11-11..2026-11-23 present"],
  );
  assert.equal(writes, 1);
});

function span(from: string, to: string, state: LedgerState): Span {
  const evidence = { provider: "tushare", callId: "c", version: 1n, note: "" } as const;
  return { from: parseDay(from), to: parseDay(to), state, evidence };
}

test("a change that cannot be written fails alone, and its neighbours are written", async () => {
  const written: string[] = [];
  const ledger: Ledger = {
    read: async () => new Map(),
    write: async (changes) => {
      const spans = changes.flatMap(({ change }) => change([]));
      if (spans.some(({ from }) => from < "1900-01-01")) {
        throw new RangeError("a span that cannot be stored");
      }
      written.push(...spans.map(({ from }) => from));
    },
  };
  const book = new LedgerBook(ledger, { clock: systemClock, log: silentLog }, new AbortController().signal);
  const results = await Promise.allSettled(
    ["2026-11-02", "0001-01-01", "2026-11-03"].map((from) => book.learn(key, [span(from, from, "present")], calendar)),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(written, ["2026-11-02", "2026-11-03"]);
});

test("what needs a person is not tried again for each change", async () => {
  let writes = 0;
  const ledger: Ledger = {
    read: async () => new Map(),
    write: async () => {
      writes += 1;
      throw new PermanentError("writing the ledger: refused", "store");
    },
  };
  const book = new LedgerBook(ledger, { clock: systemClock, log: silentLog }, new AbortController().signal);
  const learn = (): Promise<void> => book.learn(key, [span("2026-11-02", "2026-11-02", "present")], calendar);
  const results = await Promise.allSettled([learn(), learn()]);
  assert.ok(results.every((result) => result.status === "rejected" && result.reason instanceof PermanentError));
  assert.equal(writes, 1);
});
