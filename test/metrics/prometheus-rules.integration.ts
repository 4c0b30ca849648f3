import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { METRICS } from "../../src/health/metrics/table.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { requirePromtool } from "../support/services.ts";
import { runPromtool } from "../support/services/promtool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const RULES = join(projectFolder, "deploy/prometheus-rules.yml");
const CASES = join(import.meta.dirname, "prometheus-rules.test.yml");

test("the alert rules are valid, ask only for metrics that there are, and are five", async (t) => {
  if (!requirePromtool(t)) {
    return;
  }
  const { code, output } = await runPromtool(["check", "rules", RULES]);
  t.diagnostic(output.trim().replaceAll(/\s+/g, " "));
  assert.equal(code, 0, output);
  assert.match(output, /SUCCESS: 5 rules found/);
  const declared = new Set<string>(Object.values(METRICS).map(({ name }) => name));
  const asked = [...readFileSync(RULES, "utf8").matchAll(/\bginkgo_[a-z_]+/g)].map(([name]) => name);
  assert.ok(asked.length >= 6);
  assert.deepEqual(
    asked.filter((name) => !declared.has(name)),
    [],
  );
});

test("each alert fires when it should and stays silent when it should not", async (t) => {
  if (!requirePromtool(t)) {
    return;
  }
  const { code, output } = await runPromtool(["test", "rules", CASES]);
  assert.equal(code, 0, output);
  const fired = [...readFileSync(CASES, "utf8").matchAll(/alertname: (\w+)\n.*\n +exp_alerts:\n/g)].map(
    ([, name]) => name,
  );
  t.diagnostic(`fired: ${fired.join(", ")}`);
  const rules = [...readFileSync(RULES, "utf8").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  assert.deepEqual(new Set(fired), new Set(rules));
});

test("the cases notice a rule that would never fire", async (t) => {
  if (!requirePromtool(t)) {
    return;
  }
  await using folder = await temporaryFolder();
  const rules = readFileSync(RULES, "utf8");
  const deaf = rules.replace("> 600", "> 600000");
  assert.notEqual(deaf, rules);
  writeFileSync(join(folder.path, "rules.yml"), deaf);
  const cases = join(folder.path, "cases.yml");
  writeFileSync(cases, readFileSync(CASES, "utf8").replace("../../deploy/prometheus-rules.yml", "rules.yml"));
  const { code, output } = await runPromtool(["test", "rules", cases]);
  assert.notEqual(code, 0);
  assert.match(output, /GinkgoNoProgress/);
});
