import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { silentLog } from "../../src/base/log.ts";
import { createMemoryBudget } from "../../src/limits/memory-budget.ts";
import { createRandom } from "../../src/market/random.ts";
import { METRICS } from "../../src/health/metrics/table.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { requirePromtool } from "../support/services.ts";
import { runPromtool } from "../support/services/promtool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const RULES = join(projectFolder, "deploy/prometheus-rules.yml");
const CASES = join(import.meta.dirname, "prometheus-rules.test.yml");

test("the alert rules are valid, ask only for metrics that there are, and are six", async (t) => {
  if (!requirePromtool(t)) {
    return;
  }
  const { code, output } = await runPromtool(["check", "rules", RULES]);
  t.diagnostic(output.trim().replaceAll(/\s+/g, " "));
  assert.equal(code, 0, output);
  assert.match(output, /SUCCESS: 6 rules found/);
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

const SCRAPE_MS = 15_000;

/** How many calls wait at each scrape of 45 min, where four callers ask a real budget of 200 calls a minute for all they can use. */
async function waitingWhileCallsTake(callMs: number): Promise<readonly number[]> {
  const clock = new ManualClock();
  const random = createRandom(7, `calls of ${callMs} ms`);
  await using budget = createMemoryBudget({
    limitsOf: () => [{ calls: 200, windowMs: 60_000 }],
    clock,
    log: silentLog,
  });
  const over = new AbortController();
  const { signal } = over;
  const call = async (): Promise<void> => {
    while (!signal.aborted) {
      await budget.acquire({ provider: "tushare", api: "daily" }, signal);
      await clock.sleep((callMs * random.between(700, 1_300)) / 1_000, signal);
    }
  };
  const callers = Array.from({ length: 4 }, () => call().catch(() => assert.ok(signal.aborted)));
  const seen: number[] = [];
  while (seen.length < 180) {
    await clock.advance(SCRAPE_MS);
    seen.push(budget.states()[0]?.waiting ?? 0);
  }
  over.abort(new Error("over"));
  await Promise.all(callers);
  return seen;
}

test("an exhausted budget is told from one that is enough, by what a real one shows at a scrape every 15 s", async (t) => {
  if (!requirePromtool(t)) {
    return;
  }
  await using folder = await temporaryFolder();
  const series: string[] = [];
  const alerts: string[] = [];
  for (const { callMs, fires } of [
    { callMs: 600, fires: true },
    { callMs: 1_000, fires: true },
    { callMs: 1_300, fires: false },
    { callMs: 2_000, fires: false },
  ]) {
    const waiting = await waitingWhileCallsTake(callMs);
    const mean = waiting.reduce((sum, calls) => sum + calls, 0) / waiting.length;
    t.diagnostic(
      `calls of ${callMs} ms: ${mean.toFixed(2)} wait, none at ${waiting.filter((calls) => calls === 0).length} of ${waiting.length} looks`,
    );
    const labels = { job: "gdw", provider: "tushare", api: `calls of ${callMs} ms` };
    const text = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    series.push(`{ series: 'ginkgo_budget_waiting{${text.join(",")}}', values: "${waiting.join(" ")}" }`);
    if (fires) {
      alerts.push(JSON.stringify({ exp_labels: { ...labels, severity: "warning" } }));
    }
  }
  // What an alert says is for the other cases: here it has to fire and stay silent.
  const rules = readFileSync(RULES, "utf8").replaceAll(/^ {8}annotations:\n(?: {10}.*\n?)+/gm, "");
  writeFileSync(join(folder.path, "rules.yml"), rules);
  const cases = join(folder.path, "cases.yml");
  writeFileSync(
    cases,
    `rule_files: [rules.yml]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series: [${series.join(", ")}]
    alert_rule_test:
      - { alertname: GinkgoBudgetExhausted, eval_time: 44m, exp_alerts: [${alerts.join(", ")}] }
`,
  );
  const { code, output } = await runPromtool(["test", "rules", cases]);
  assert.equal(code, 0, output);
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
