import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { HandlingReport, LetterChoice, LetterList } from "../../src/app/dead-letters/dead-letters-api.ts";
import { DataError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { ensureTopics } from "../../src/queue/kafka/topics.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 11, codes: 3, tradingDays: 20 });
const never = new AbortController().signal;
const [security] = market.securities;
const code = security?.code ?? "";
const range = { start_date: market.days[0], end_date: market.days.at(-1) };
const HANDLED_NOT = { isDryRun: false, isForced: false };
const OPEN: LetterChoice = { kind: "open", reason: undefined };

test("a dead letter is listed, shown, redriven once its cause is mended, and then settles", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  // The cause is a limit that is too tight: the same messages are fine once it is raised.
  const tight = { ...rig.config, worker: { ...rig.config.worker, codesMax: 1 } };
  const codes = market.securities.map((one) => one.code);
  const asked = { command: "bar_snapshot", params: { codes, ...range } };
  const worker = rig.start({}, tight);
  await rig.publish([
    { key: code, value: asked },
    { key: code, value: "{not json" },
    { value: { ...asked, request_id: "second" } },
  ]);
  await rig.untilSettled(3);
  await worker.stop();

  const list = await listOf(rig);
  assert.deepEqual([list.open, list.handled, list.byReason], [3, 0, { "bad-parameter": 2, "not-json": 1 }]);
  // Each is a letter by itself, whichever was written first.
  const ofKey = list.letters.filter(({ key }) => key === code);
  const [first, bad] = ["bad-parameter", "not-json"].map((reason) => ofKey.find((letter) => letter.reason === reason));
  assert.ok(first !== undefined && bad !== undefined);
  assert.equal(first.code, codes.join(","));
  assert.match(first.origin, new RegExp(`^${rig.config.worker.topic}/\\d+/\\d+$`));
  const byCode = { reason: undefined, code: codes[1], sinceMs: undefined, withHandled: false };
  assert.equal((await app.listDeadLetters(rig.config, byCode, silentLog, never)).letters.length, 2);
  const later = { ...byCode, code: undefined, sinceMs: Date.now() + 60_000 };
  assert.equal((await app.listDeadLetters(rig.config, later, silentLog, never)).letters.length, 0);

  const whole = await app.showDeadLetter(rig.config, bad.place, silentLog, never);
  assert.deepEqual([whole.value, whole.valueBytes, whole.reason], ["{not json", 9, "not-json"]);
  assert.equal(whole.headers["x-ginkgo-reason"], "not-json");
  await assert.rejects(
    app.showDeadLetter(rig.config, "0/999", silentLog, never),
    (error) => error instanceof DataError && /nothing stands at 0\/999/.test(error.message),
  );

  const chosen: LetterChoice = { kind: "open", reason: "bad-parameter" };
  const dry = await redrive(rig, chosen, { isDryRun: true, isForced: false });
  assert.deepEqual([dry.chosen, dry.done], [2, 0]);
  assert.equal((await listOf(rig)).open, 3);
  const sent = await redrive(rig, chosen);
  assert.deepEqual([sent.chosen, sent.done, sent.refused], [2, 2, []]);
  assert.equal((await listOf(rig)).open, 1);

  const mended = rig.start();
  await rig.untilSettled(5);
  await mended.stop();
  assert.equal(await rig.lag(), 0n);
  assert.deepEqual(await rig.select("SELECT toString(uniqExact(code)) AS codes FROM @bar"), [
    { codes: String(codes.length) },
  ]);
  // Without a key it went back to the partition it came from.
  const placed = await rig.select<{ readonly partitions: string }>(
    "SELECT toString(uniqExact(partition)) AS partitions FROM @outcome_row WHERE request_id = 'second'",
  );
  assert.deepEqual(placed, [{ partitions: "1" }]);

  const discarded = await app.discardDeadLetters(rig.config, OPEN, "typed by hand", silentLog, never);
  assert.deepEqual([discarded.done, discarded.plan.map(({ place }) => place)], [1, [bad.place]]);
  const all = await listOf(rig, true);
  assert.deepEqual([all.open, all.handled], [0, 3]);
  const done = all.letters.find(({ place }) => place === bad.place);
  assert.deepEqual([done?.state, done?.note], ["discarded", "typed by hand"]);
  assert.ok(Date.now() - Date.parse(done?.handledAt ?? "") < 60_000);

  const again = await redrive(rig, { kind: "places", places: [bad.place, first.place] });
  assert.equal(again.done, 0);
  const words = again.refused.map(({ why }) => /^it was (\w+) at \S+ already: --force sends it again$/.exec(why)?.[1]);
  assert.deepEqual(new Set(words), new Set(["discarded", "redriven"]));
  await assert.rejects(redrive(rig, { kind: "places", places: [bad.place, "7/123"] }), /nothing stands at 7\/123/);
});

test("a letter that came back three times is left alone unless it is forced, and headers of others travel along", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market) });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish([{ key: "k", value: { command: "buy_low" } }]);
  await rig.untilSettled(1);
  for (let round = 1; round <= 3; round += 1) {
    const report = await redrive(rig, OPEN);
    assert.equal(report.done, 1);
    await rig.untilSettled(round + 1);
    const { letters } = await listOf(rig);
    assert.deepEqual(
      letters.map(({ redriven, reason }) => [redriven, reason]),
      [[round, "unknown-command"]],
    );
  }
  const refused = await redrive(rig, OPEN);
  assert.equal(refused.done, 0);
  assert.match(refused.refused[0]?.why ?? "", /it was redriven 3 times and came back each time: --force/);
  const forced = await redrive(rig, OPEN, { isDryRun: false, isForced: true });
  assert.equal(forced.done, 1);
  await rig.untilSettled(5);
  await worker.stop();
  assert.deepEqual(
    (await listOf(rig)).letters.map(({ redriven }) => redriven),
    [4],
  );
});

test("letters go back in the order their messages had, with key and foreign headers, and a cut one cannot", async (t) => {
  const brokers = (await requireKafka(t))?.split(",");
  if (brokers === undefined) {
    return;
  }
  const deadLetterTopic = uniqueName("tight");
  const configs = { "max.message.bytes": "300000" };
  await ensureTopics({ brokers, clientId: "test" }, [
    { topic: deadLetterTopic, partitions: 24, replication: 1, configs },
  ]);
  const env = { GINKGO_KAFKA_DEAD_LETTER_TOPIC: deadLetterTopic, GINKGO_WORKER_MESSAGE_BYTES_MAX: "2000" };
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish([
    { key: "k", value: "bad 1", headers: { "x-trace": "t-1" } },
    { key: "k", value: "bad 2" },
    { key: "k", value: `"${"y".repeat(400_000)}"` },
    { key: "k", value: "bad 3" },
  ]);
  await rig.untilSettled(4);
  await worker.stop();
  const report = await redrive(rig, OPEN);
  assert.equal(report.done, 3);
  assert.equal(report.refused.length, 1);
  assert.match(report.refused[0]?.why ?? "", /only the beginning of its value is kept/);
  const sent = await rig.messagesOf(rig.config.worker.topic);
  const values = sent.map(({ value }) => value?.toString().slice(0, 5)).filter((value) => value?.startsWith("bad"));
  assert.deepEqual(values, ["bad 1", "bad 2", "bad 3", "bad 1", "bad 2", "bad 3"]);
  const [first, back] = sent.filter(({ value }) => value?.toString() === "bad 1");
  assert.equal(back?.key?.toString(), "k");
  assert.deepEqual(
    [...(back?.headers ?? [])].map(([name, value]) => [name, value?.toString()]),
    [
      ["x-trace", "t-1"],
      ["x-ginkgo-asked-at", new Date(first?.timestampMs ?? 0).toISOString()],
      ["x-ginkgo-redriven", "1"],
    ],
  );
});

function listOf(rig: WorkerRig, withHandled = false): Promise<LetterList> {
  const filter = { reason: undefined, code: undefined, sinceMs: undefined, withHandled };
  return app.listDeadLetters(rig.config, filter, silentLog, never);
}

async function redrive(rig: WorkerRig, choice: LetterChoice, options = HANDLED_NOT): Promise<HandlingReport> {
  const [last] = (await Array.fromAsync(app.redriveDeadLetters(rig.config, choice, options, silentLog, never))).slice(
    -1,
  );
  assert.ok(last !== undefined);
  return last;
}
