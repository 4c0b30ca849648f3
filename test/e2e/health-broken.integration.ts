import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";

import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { requireKafka, requireRedis } from "../support/services.ts";
import { startKafka } from "../support/services/kafka.ts";
import { startRedis } from "../support/services/redis.ts";
import { waitFor } from "../support/wait-for.ts";
import { type HealthWorker, sayChange, startHealthWorker, unwell } from "./health-rig.ts";
import { openWorkerRig, type RigMessage, type WorkerRig } from "./worker-rig.ts";

/**
 * Each check is turned false by breaking what it is about, in a worker that is a process of its own. What cannot be
 * waited for in a test is made shorter: bounds of minutes are seconds here, and a deadline is one second. "Stuck" is a
 * handler that really never ends, whatever it is told, and a process that the system has really stopped (SIGSTOP).
 */
const market = generateMarket({ seed: 77, codes: 14, tradingDays: 5 });
const WELL = [200, 200, 200] as const;
/** Not ready, and alive. */
const UNREADY = [200, 503, 503] as const;
const STUCK = [503, 503, 503] as const;
const HANG = "hang";

test("Redis stops: a warning and no path changes; the broker stops: not ready and alive; idle is a note", async (t) => {
  if ((await requireKafka(t)) === undefined || (await requireRedis(t)) === undefined) {
    return;
  }
  await using broker = await startKafka();
  await using redis = await startRedis();
  await using rig = await openRig(t, {
    GINKGO_KAFKA_BROKERS: broker.address,
    GINKGO_REDIS_HOST: "127.0.0.1",
    GINKGO_REDIS_PORT: `${redis.port}`,
    GINKGO_HEARTBEAT_INTERVAL: "0.3",
  });
  if (rig === undefined) {
    return;
  }
  await using worker = await startHealthWorker(rig, { limits: { idleMs: 3_000 } });
  const well = await worker.untilCodes(WELL, "a worker that runs is well");
  assert.deepEqual(unwell(well, "warning"), []);
  assert.deepEqual(well["/health"].report.notes, []);

  await waitFor(async () => (await worker.answers())["/health"].report.notes.length > 0, {
    what: "a note about idling",
  });
  const idle = await worker.answers();
  sayChange(t, "idle for 10 min (here 3 s)", well, idle);
  assert.deepEqual(codesOf(idle), WELL);
  assert.match(idle["/health"].report.notes.join(), /^idle: no message was settled for 3(\.\d)? s$/);

  await redis.kill();
  await waitFor(async () => unwell(await worker.answers(), "warning").includes("heartbeat"), { what: "a warning" });
  const withoutRedis = await worker.answers();
  sayChange(t, "Redis stopped", well, withoutRedis);
  assert.deepEqual(codesOf(withoutRedis), WELL);
  assert.deepEqual(unwell(withoutRedis, "failed"), []);
  assert.equal((await worker.gdwHealth()).code, 0);
  await redis.restart();
  await waitFor(async () => unwell(await worker.answers(), "warning").length === 0, { what: "the warning to go" });

  await broker.kill();
  const withoutBroker = await worker.untilCodes(UNREADY, "the broker is away");
  sayChange(t, "broker stopped", well, withoutBroker);
  assert.ok(unwell(withoutBroker, "failed").includes("queue"));
  assert.equal(withoutBroker["/health"].report.state, "RUNNING");
  assert.deepEqual([(await worker.gdwHealth("--live")).code, (await worker.gdwHealth("--ready")).code], [0, 1]);
  await broker.restart();
  await worker.untilCodes(WELL, "the broker is back");
  assert.equal(await worker.stop(), 0);
});

test("partitions that others have and a run of errors: not ready and alive; stuck: neither ready nor alive", async (t) => {
  await using rig = await openRig(t, {
    GINKGO_KAFKA_PARTITIONS: "1",
    GINKGO_WORKER_MESSAGE_DEADLINE_MS: "1000",
    GINKGO_WORKER_RETRY_WAIT_MS_MAX: "50",
  });
  if (rig === undefined) {
    return;
  }
  const options = { limits: { unassignedMsMax: 1_500, overdueMsMax: 1_000 }, hangAt: HANG };
  await using first = await startHealthWorker(rig, options);
  const alone = await first.untilCodes(WELL, "the only worker is well");
  await using second = await startHealthWorker(rig, options);
  const [holder, spare] = await whoHasThePartition(t, alone, first, second);
  assert.equal(await holder.stop(), 0);
  const worker = spare;
  const well = await worker.untilCodes(WELL, "the partition is free again");

  await failTen(t, rig, worker, well);
  await hang(t, rig, worker);
});

async function whoHasThePartition(
  t: TestContext,
  alone: Awaited<ReturnType<HealthWorker["answers"]>>,
  first: HealthWorker,
  second: HealthWorker,
): Promise<readonly [holder: HealthWorker, spare: HealthWorker]> {
  // While the group settles both may be unready for a moment, for another reason.
  const spare = await waitFor(
    async () => {
      for (const one of [first, second]) {
        const seen = await one.answers().catch(() => undefined);
        if (seen !== undefined && unwell(seen, "failed").join() === "assignment") {
          return one;
        }
      }
      return undefined;
    },
    { timeoutMs: 30_000, everyMs: 50, what: "a worker that only lacks a partition" },
  );
  const without = await spare.answers();
  sayChange(t, "the only partition is taken by another worker", alone, without);
  assert.deepEqual(codesOf(without), UNREADY);
  assert.deepEqual(unwell(without, "failed"), ["assignment"]);
  const detail = without["/readyz"].report.checks.find(({ name }) => name === "assignment")?.detail ?? "";
  assert.match(detail, /^no partition for .* s: other members of the group have them all$/);
  const holder = spare === first ? second : first;
  await holder.untilCodes(WELL, "whoever has the partition is well");
  return [holder, spare];
}

/** The provider refuses every call about bars as wrong, which is nobody's fault who sent a message. */
async function failTen(
  t: TestContext,
  rig: WorkerRig,
  worker: HealthWorker,
  well: Awaited<ReturnType<HealthWorker["answers"]>>,
): Promise<void> {
  const messages = messagesOf();
  rig.simulator.injectFault({ kind: "refused", code: 40_001, msg: "必填参数" }, { api: "daily", times: 10_000 });
  await rig.publish(messages.slice(0, 9));
  await rig.untilSettled(9);
  assert.deepEqual(codesOf(await worker.answers()), WELL, "nine are no run");
  await rig.publish(messages.slice(9, 10));
  const failing = await worker.untilCodes(UNREADY, "ten messages failed");
  sayChange(t, "a run of errors", well, failing);
  assert.deepEqual(unwell(failing, "failed"), ["errors"]);
  rig.simulator.clearFaults();
  await rig.publish(messages.slice(10, 11));
  await worker.untilCodes(WELL, "one that does not fail ends the run");
}

async function hang(t: TestContext, rig: WorkerRig, worker: HealthWorker): Promise<void> {
  const well = await worker.answers();
  worker.kill("SIGSTOP");
  const stopped = await worker.gdwHealth("--timeout-ms", "300");
  assert.equal(stopped.code, 69);
  assert.match(stopped.text, /no answer within 300 ms: the worker is stuck, or the machine is too busy/);
  t.diagnostic(`process stopped: gdw health ends with ${stopped.code}: ${stopped.text.trim()}`);
  worker.kill("SIGCONT");
  await worker.untilCodes(WELL, "the process goes on");
  const [message] = messagesOf().slice(11);
  assert.ok(message !== undefined);
  await rig.publish([{ ...message, key: HANG }]);
  const stuck = await worker.untilCodes(STUCK, "a handler never ends");
  sayChange(t, "loop stuck: a handler that never ends", well, stuck);
  assert.deepEqual(unwell(stuck, "failed"), ["progress", "state"]);
  assert.equal(stuck["/health"].report.state, "ERROR");
  const asked = await worker.gdwHealth("--live", "--json");
  assert.equal(asked.code, 1);
  assert.match(asked.text, /the handler of \S+\/0\/\d+ goes on .* s after it was told that its deadline is over/);
}

function messagesOf(): readonly RigMessage[] {
  return market.securities.map(({ code }) => ({
    key: code,
    value: { command: "bar_snapshot", params: { code, start_date: market.days[0], end_date: market.days.at(-1) } },
  }));
}

function codesOf(answers: Awaited<ReturnType<HealthWorker["answers"]>>): readonly number[] {
  return [answers["/livez"].code, answers["/readyz"].code, answers["/health"].code];
}

async function openRig(t: TestContext, env: Readonly<Record<string, string>>): Promise<WorkerRig | undefined> {
  return await openWorkerRig(t, {
    data: marketData(market),
    limits: [],
    env: { GINKGO_TUSHARE_CODES_MAX: "1", GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000", ...env },
  });
}
