import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError, describeError, PermanentError, TransientError } from "../../src/base/errors.ts";
import type { DataSet, RowOf } from "../../src/domain/rows.ts";
import type { Call } from "../../src/domain/unit.ts";
import { RateLimitError } from "../../src/ports/budget.ts";
import type { Source } from "../../src/ports/source.ts";

/** What the provider behind the source does with the next request. */
export const SOURCE_FAULTS = [
  "refused-credentials",
  "no-right-to-api",
  "rate-limit",
  "bad-request",
  "server-error",
  "html-page",
  "reset",
  "no-answer",
] as const;
export type SourceFault = (typeof SOURCE_FAULTS)[number];

/** A call that the provider cuts at its row cap, and the keys (`rowKey`) of all rows there are. */
export interface CutCall {
  readonly call: Call;
  readonly keys: ReadonlySet<string>;
}

/** A source before a provider that answers from known rows and fails on demand. */
export interface SourceRig extends AsyncDisposable {
  readonly source: Source;
  /** What must stand in no error. */
  readonly secrets: readonly string[];
  /** A correct call that matches nothing. */
  readonly emptyCall: Call;
  /** Calls of every selection that can be cut. */
  readonly cutCalls: readonly CutCall[];
  /** The next request meets this fault; false when the provider knows no such fault. */
  failNext(fault: SourceFault): boolean;
}

/** More pages than any complete answer of a test needs; beyond them the calls go in circles. */
const PAGES_MAX = 500;

/** What identifies a row in its table. */
export function rowKey(dataSet: DataSet, row: RowOf[DataSet]): string {
  const day = "tradingDay" in row ? row.tradingDay : "day" in row ? row.day : "";
  const code = "code" in row ? row.code : "";
  return `${dataSet} ${code} ${day} ${"time" in row ? row.time : ""}`.trimEnd();
}

/** Every Source passes this suite, whatever it speaks to. */
export function testSourceContract(name: string, openRig: () => Promise<SourceRig>): void {
  test(`${name}: every capability has a name, caps and a zone`, async () => {
    await using rig = await openRig();
    assert.ok(rig.source.capabilities.length > 0);
    for (const capability of rig.source.capabilities) {
      assert.ok(capability.api.length > 0 && capability.rowsMax > 0 && capability.codesMax >= 0);
      assert.match(capability.completeFrom, /^\d{2}:\d{2}$/);
      assert.doesNotThrow(() => new Intl.DateTimeFormat("en", { timeZone: capability.zone }));
    }
  });

  test(`${name}: an answer that matches nothing is complete and empty`, async () => {
    await using rig = await openRig();
    const page = await rig.source.fetch(rig.emptyCall, AbortSignal.timeout(5_000));
    assert.deepEqual(page, { dataSet: rig.emptyCall.dataSet, rows: [], rejected: [], received: 0, rest: [] });
  });

  test(`${name}: a cut answer and its rest bring every row, each with one value`, async () => {
    await using rig = await openRig();
    assert.ok(rig.cutCalls.length > 0);
    for (const { call, keys } of rig.cutCalls) {
      const first = await rig.source.fetch(call, AbortSignal.timeout(5_000));
      assert.ok(first.rest.length > 0, `${JSON.stringify(call)} was not cut`);
      const rows = await fetchWhole(rig.source, call);
      assert.deepEqual([...rows.keys()].toSorted(), [...keys].toSorted(), JSON.stringify(call));
    }
  });

  test(`${name}: the rest asks for nothing that the call did not ask for`, async () => {
    await using rig = await openRig();
    for (const { call, keys } of rig.cutCalls) {
      const { rest } = await rig.source.fetch(call, AbortSignal.timeout(5_000));
      for (const part of rest) {
        const { rows } = await rig.source.fetch(part, AbortSignal.timeout(5_000));
        assert.ok(
          rows.every((row) => keys.has(rowKey(part.dataSet, row))),
          JSON.stringify(part),
        );
      }
    }
  });

  for (const fault of SOURCE_FAULTS) {
    test(`${name}: ${fault} gets its kind and tells no secret, and the next call is answered`, async (t) => {
      await using rig = await openRig();
      if (!rig.failNext(fault)) {
        t.skip("this provider knows no such fault");
        return;
      }
      const error = await failureOf(rig.source, rig.emptyCall);
      assertKind(fault, error);
      const texts = [describeError(error), String(error), error instanceof Error ? (error.stack ?? "") : ""];
      for (const secret of rig.secrets) {
        assert.ok(!texts.some((text) => text.includes(secret)), "a secret stands in the error");
      }
      const page = await rig.source.fetch(rig.emptyCall, AbortSignal.timeout(5_000));
      assert.equal(page.received, 0);
    });
  }

  test(`${name}: an abort ends a call within 100 ms with the signal's reason`, async () => {
    await using rig = await openRig();
    assert.ok(rig.failNext("no-answer"));
    const controller = new AbortController();
    const reason = new Error("stopped by the test");
    const failure = failureOf(rig.source, rig.emptyCall, controller.signal);
    setImmediate(() => controller.abort(reason));
    const startedAtMs = performance.now();
    assert.equal(await failure, reason);
    assert.ok(performance.now() - startedAtMs < 100);
    const aborted = AbortSignal.abort(reason);
    assert.equal(await failureOf(rig.source, rig.emptyCall, aborted), reason);
  });

  test(`${name}: a call it never offered is the caller's defect`, async () => {
    await using rig = await openRig();
    const call: Call = { ...rig.emptyCall, frequency: "1M" };
    assert.ok((await failureOf(rig.source, call)) instanceof RangeError);
  });
}

async function fetchWhole(source: Source, call: Call): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  const left: Call[] = [call];
  for (let pages = 0; left.length > 0; pages += 1) {
    assert.ok(pages < PAGES_MAX, `the rest of ${JSON.stringify(call)} goes in circles`);
    const next = left.pop() ?? call;
    const page = await source.fetch(next, AbortSignal.timeout(5_000));
    assert.deepEqual(page.rejected, []);
    for (const row of page.rows) {
      const key = rowKey(next.dataSet, row);
      const text = JSON.stringify(row);
      assert.ok((rows.get(key) ?? text) === text, `${key} has two values`);
      rows.set(key, text);
    }
    left.push(...page.rest);
  }
  return rows;
}

async function failureOf(source: Source, call: Call, signal?: AbortSignal): Promise<unknown> {
  try {
    await source.fetch(call, signal ?? AbortSignal.timeout(5_000));
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "the call succeeded" });
}

function assertKind(fault: SourceFault, error: unknown): void {
  switch (fault) {
    case "refused-credentials":
      assert.ok(error instanceof PermanentError && error.isCredentials, String(error));
      assert.equal(error.scope, "provider");
      return;
    case "no-right-to-api":
      assert.ok(error instanceof PermanentError && !error.isCredentials, String(error));
      assert.equal(error.scope, "api");
      return;
    case "rate-limit":
      assert.ok(error instanceof RateLimitError && (error.retryAfterMs ?? 0) > 0, String(error));
      return;
    case "bad-request":
      assert.ok(error instanceof DataError, String(error));
      return;
    case "server-error":
    case "html-page":
    case "reset":
    case "no-answer":
      assert.ok(error instanceof TransientError && !(error instanceof RateLimitError), String(error));
      return;
  }
}
