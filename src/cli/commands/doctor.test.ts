import assert from "node:assert/strict";
import { test } from "node:test";

import { run, type Ran } from "../../../test/support/run-cli.ts";
import type { Check } from "../../app/doctor/doctor-api.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";

const fine: Check = { name: "node", isDependent: false, verdict: "ok", seen: "24.1.0", todo: "" };
const odd: Check = { ...fine, name: "redis", verdict: "warn", seen: "evicts, user hunter22", todo: "set noeviction" };

function doctor(checks: readonly Check[], args: readonly string[] = []): Promise<Ran> {
  const app = {
    doctor: async function* () {
      yield* checks;
    },
  };
  return run(["doctor", ...args], { app, env: { GINKGO_REDIS_PASSWORD: "hunter22" } });
}

test("doctor prints each check with what to do, hides what only waited, and ends with 0 for warnings", async () => {
  const waited: Check = {
    ...fine,
    name: "clock",
    isDependent: true,
    verdict: "skipped",
    seen: "not looked at: see redis",
  };
  const { code, out } = await doctor([fine, odd, waited]);
  assert.equal(code, 0);
  assert.match(
    out,
    /^ok {7}settings +2 of \d+ are set, by environment\nok {7}node +24\.1\.0\nwarn {5}redis +evicts, user \[secret\]\n +do: set noeviction\n\n/,
  );
  assert.match(out, /\n2 ok, 1 warnings, 0 failed, 1 skipped\n$/);
  assert.doesNotMatch(out, /clock/);
});

test("doctor ends with the code of the first failure", async () => {
  const failed = (error?: unknown): Check => ({ ...fine, verdict: "fail", ...(error === undefined ? {} : { error }) });
  const refused = new PermanentError("refused", "queue", { isCredentials: true });
  for (const [errors, code] of [
    [[refused, new TransientError("away")], 77],
    [[new TransientError("away"), refused], 69],
    [[new PermanentError("no token", "settings")], 78],
    [[undefined], 1],
  ] as const) {
    assert.equal((await doctor(errors.map(failed))).code, code);
  }
  const { out } = await doctor([failed(refused)], ["--json"]);
  assert.deepEqual(JSON.parse(out).at(-1), { name: "node", verdict: "fail", seen: "24.1.0", todo: "" });
});
