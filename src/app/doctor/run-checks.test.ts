import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError, TransientError } from "../../base/errors.ts";
import { lookAtClock } from "./clock-check.ts";
import type { Check } from "./doctor-api.ts";
import { type CheckPlan, fail, ok, runChecks, warn } from "./run-checks.ts";

const never = new AbortController().signal;

function plan(name: string, look: CheckPlan["look"], after?: string): CheckPlan {
  return { name, todo: `mend ${name}`, look, ...(after === undefined ? {} : { after }) };
}

/** By default a check has time for whatever else this process does. */
function run(plans: readonly CheckPlan[], signal = never, msMax = 60_000): Promise<readonly Check[]> {
  return Array.fromAsync(runChecks(plans, signal, msMax));
}

test("a failure stops nothing but what needs it, and checks come in their order", async () => {
  const refused = new PermanentError("logging in: refused", "queue", { isCredentials: true });
  const checks = await run([
    plan("slow", async () => {
      await new Promise(setImmediate);
      return ok("fine");
    }),
    plan("broken", () => Promise.reject(refused)),
    plan("needs it", () => assert.fail("was looked at"), "broken"),
    plan("needs that", () => assert.fail("was looked at"), "needs it"),
    plan("odd", () => Promise.resolve(warn("odd", "look"))),
    plan("after odd", () => Promise.resolve(fail("bad", "do it")), "odd"),
  ]);
  assert.deepEqual(
    checks.map(({ name, verdict, isDependent }) => [name, verdict, isDependent]),
    [
      ["slow", "ok", false],
      ["broken", "fail", false],
      ["needs it", "skipped", true],
      ["needs that", "skipped", true],
      ["odd", "warn", false],
      ["after odd", "fail", false],
    ],
  );
  const [, broken] = checks;
  assert.deepEqual([broken?.seen, broken?.todo, broken?.error], ["logging in: refused", "mend broken", refused]);
});

test("a check that hangs is cut off, whether it listens to its signal or not", async () => {
  const deaf = plan("deaf", () => new Promise(() => undefined));
  const polite = plan(
    "polite",
    (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  const keepAlive = setInterval(() => undefined, 10);
  const checks = await run([deaf, polite], never, 20);
  clearInterval(keepAlive);
  assert.deepEqual(
    checks.map(({ verdict, seen }) => [verdict, seen]),
    [
      ["fail", "no answer within 0.02 s"],
      ["fail", "no answer within 0.02 s"],
    ],
  );
  assert.ok(checks.every(({ error }) => error instanceof TransientError));
  const reason = new Error("stopped");
  await assert.rejects(run([deaf], AbortSignal.abort(reason)), reason);
});

test("a clock that is off is a warning above two seconds and a failure above thirty", async () => {
  for (const [skewMs, verdict, words] of [
    [500, "ok", /ahead of/],
    [-2_500, "warn", /2[45]\d\d ms behind/],
    [31_000, "fail", /3[01]\d{3} ms ahead of/],
  ] as const) {
    const finding = await lookAtClock("Redis", () => Promise.resolve(Date.now() + skewMs));
    assert.equal(finding.verdict, verdict);
    assert.match(finding.seen, words);
  }
});

test("a check that may take longer than the others is waited for as long as it says", async () => {
  const slow = (): Promise<ReturnType<typeof ok>> =>
    new Promise((resolve) => setTimeout(() => resolve(ok("there")), 60));
  const [late, patient] = await run([plan("late", slow), { ...plan("patient", slow), msMax: 10_000 }], never, 10);
  assert.deepEqual([late?.verdict, patient?.verdict], ["fail", "ok"]);
});
