import assert from "node:assert/strict";
import { hostname } from "node:os";
import test, { type TestContext } from "node:test";

import { openOurRedis } from "../../src/app/open-budget.ts";
import { silentLog } from "../../src/base/log.ts";
import { readVersion } from "../../src/base/version.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { startHealthWorker } from "./health-rig.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 5, codes: 3, tradingDays: 5 });
const never = new AbortController().signal;
const HANG = "hang";
/** So long that no beat of the clock falls into the moment that is looked at. */
const SLOW = { GINKGO_HEARTBEAT_INTERVAL: "60", GINKGO_HEARTBEAT_TTL: "180" };
const QUICK = { GINKGO_HEARTBEAT_INTERVAL: "0.3", GINKGO_HEARTBEAT_TTL: "2" };

type Fields = Readonly<Record<string, unknown>>;

/** A beat as it stands in Redis under the key of the contract. */
interface Stored {
  readonly fields: Fields;
  readonly leftMs: number;
}

test("the heartbeat read back from Redis is true through start, work, a stuck handler and stop; alerts say the same", async (t) => {
  const nodeId = uniqueName("node");
  const notifications = uniqueName("notifications");
  await using rig = await openRig(t, nodeId, { ...SLOW, GINKGO_QUALITY_NOTIFICATION_TOPIC: notifications });
  if (rig === undefined) {
    return;
  }
  await using redis = await openOurRedis(rig.config, silentLog, never);
  const key = `heartbeat:data_worker:${nodeId}`;
  const read = async (): Promise<Stored | undefined> => {
    const text = await redis.client.get(key);
    return text === null ? undefined : { fields: JSON.parse(text) as Fields, leftMs: await redis.client.pTTL(key) };
  };
  const until = (what: string, isMeant: (fields: Fields) => boolean): Promise<Stored> =>
    untilBeat(t, read, what, isMeant);

  const startedMs = Date.now();
  await using worker = await startHealthWorker(rig, { limits: { overdueMsMax: 1_000 }, hangAt: HANG });
  await until("start", ({ status }) => status === "starting");
  const { fields: running, leftMs } = await until("running", ({ status }) => status === "running");
  assert.ok(leftMs > 170_000 && leftMs <= 180_000, `a TTL of 180 s, ${leftMs} ms left`);
  assertForm(running, { nodeId, pid: worker.pid, fromMs: startedMs });
  assert.deepEqual(
    [running["messages_processed"], running["last_message_time"], running["last_error"]],
    [0, null, null],
  );

  await rig.publish([...messagesOf(), { key: "x", value: "{not json" }]);
  await rig.untilSettled(4);
  await rig.publish([{ key: "beat", value: { command: "heartbeat_test", params: {} } }]);
  const { fields: worked } = await until("work", ({ messages_processed: processed }) => processed === 5);
  const [row] = await rig.select<{ readonly bars: string }>("SELECT toString(count()) AS bars FROM @bar");
  assertForm(worked, { nodeId, pid: worker.pid, fromMs: startedMs });
  assert.deepEqual(pick(worked, "messages_failed", "bars_written", "errors", "last_error"), [
    1,
    Number.parseInt(row?.bars ?? "", 10),
    0,
    "message set aside: not-json",
  ]);
  assert.deepEqual(pick(worked, "partitions_held", "gap"), [24, 0]);
  assert.ok(Date.parse(String(worked["last_message_time"])) >= startedMs);

  const [message] = messagesOf();
  await rig.publish([{ value: message?.value, key: HANG }]);
  const { fields: stuck } = await until("stuck", ({ status }) => status === "error");
  assert.deepEqual(pick(stuck, "status_code", "is_ended", "in_flight"), [4, false, 1]);
  assert.match(
    String(stuck["last_error"]),
    /^the handler of \S+ goes on .* after it was told that its deadline is over$/,
  );
  assert.match(JSON.stringify(stuck["oldest_blocking"]), /"phase":"running".*"is_overdue":true/);
  assert.equal((await worker.answers())["/health"].report.state, "ERROR");

  const stopping = worker.stop();
  await until("stopping", ({ status }) => status === "stopping");
  assert.equal(await stopping, 0);
  const { fields: stopped, leftMs: afterStop } = await until("stop", ({ status }) => status === "stopped");
  assert.deepEqual(pick(stopped, "status_code", "is_ended"), [0, true]);
  assert.ok(afterStop > 150_000, `the last beat stays for its normal time, ${afterStop} ms left`);

  const told = await rig.messagesOf(notifications);
  const sent = told.map(({ value }) => JSON.parse(value?.toString() ?? "") as Fields);
  for (const notification of sent) {
    t.diagnostic(`notification ${JSON.stringify(notification)}`);
  }
  assert.deepEqual(sent.map(({ title, level }) => `${String(title)} ${String(level)}`).toSorted(), [
    "Data worker ERROR ERROR",
    "Data worker STARTED INFO",
    "Data worker STOPPED WARN",
  ]);
  for (const { content, fields } of sent) {
    assert.ok(String(content) !== "" && Array.isArray(fields) && fields.length > 0);
  }
  assert.ok(!JSON.stringify(sent).includes(rig.simulator.token));

  // The same worker once more, within ten minutes: it is told of in Redis, so nothing is sent a second time.
  await using again = await startHealthWorker(rig, { env: { ...QUICK, WORKER_GROUP_ID: uniqueName("other") } });
  await until("start again", ({ status, pid }) => status === "running" && pid === again.pid);
  again.kill("SIGSTOP");
  await waitFor(async () => (await redis.client.get(key)) === null, { what: "the beat of a stopped process to go" });
  t.diagnostic("SIGSTOP: the key is gone after its TTL of 2 s");
  again.kill("SIGCONT");
  await until("SIGCONT", ({ status }) => status === "running");
  again.kill("SIGKILL");
  const { fields: killed } = await until("SIGKILL", ({ pid }) => pid === again.pid);
  assert.deepEqual(pick(killed, "status", "is_ended"), ["running", false]);
  await waitFor(async () => (await redis.client.get(key)) === null, { what: "the beat of a killed process to go" });
  t.diagnostic("SIGKILL: the beat said running until it was gone, 2 s later at most");
  assert.equal((await rig.messagesOf(notifications)).length, sent.length);
});

async function untilBeat(
  t: TestContext,
  read: () => Promise<Stored | undefined>,
  what: string,
  isMeant: (fields: Fields) => boolean,
): Promise<Stored> {
  const found = await waitFor(
    async () => {
      const stored = await read();
      return stored !== undefined && isMeant(stored.fields) ? stored : undefined;
    },
    { timeoutMs: 30_000, everyMs: 5, what: `a heartbeat: ${what}` },
  );
  t.diagnostic(`${what}: ${JSON.stringify(found.fields)}, ${found.leftMs} ms left`);
  return found;
}

/** Every field of the contract, by its form. */
function assertForm(
  fields: Fields,
  { nodeId, pid, fromMs }: { readonly nodeId: string; readonly pid: number; readonly fromMs: number },
): void {
  assert.deepEqual(pick(fields, "component_type", "component_id", "node_id", "host", "pid", "version"), [
    "data_worker",
    nodeId,
    nodeId,
    hostname(),
    pid,
    readVersion(),
  ]);
  assert.deepEqual(pick(fields, "status", "status_code", "is_ended"), ["running", 2, false]);
  assert.match(String(fields["timestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/);
  const beatAtMs = Date.parse(String(fields["timestamp"]));
  assert.ok(beatAtMs >= fromMs && beatAtMs <= Date.now());
  const counters = ["messages_processed", "messages_failed", "bars_written", "errors"] as const;
  for (const name of [...counters, "uptime_seconds"]) {
    assert.ok(Number.isSafeInteger(fields[name]), name);
  }
  assert.deepEqual(fields["stats"], Object.fromEntries(counters.map((name) => [name, fields[name]])));
  for (const name of ["last_message_time", "last_error", "lag", "outages"]) {
    assert.ok(Object.hasOwn(fields, name), name);
  }
}

function pick(fields: Fields, ...names: readonly string[]): readonly unknown[] {
  return names.map((name) => fields[name]);
}

function messagesOf() {
  return market.securities.map(({ code }) => ({
    key: code,
    value: { command: "bar_snapshot", params: { code, start_date: market.days[0], end_date: market.days.at(-1) } },
  }));
}

async function openRig(
  t: TestContext,
  nodeId: string,
  env: Readonly<Record<string, string>>,
): Promise<WorkerRig | undefined> {
  return await openWorkerRig(t, {
    data: marketData(market),
    limits: [],
    env: {
      GINKGO_NODE_ID: nodeId,
      GINKGO_WORKER_MESSAGE_DEADLINE_MS: "1000",
      GINKGO_WORKER_DRAIN_MS: "1000",
      ...env,
    },
  });
}
