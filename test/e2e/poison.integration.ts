import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";

import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { silentLog } from "../../src/base/log.ts";
import { createPinoLog } from "../../src/base/pino-log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { compareWithTruth } from "./market-truth.ts";
import { checkLetters, checkLines, findAll, type PoisonRun, publishCases } from "./poison-check.ts";
import { BYTES_MAX, CODES_MAX, poisonTable } from "./poison-table.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const never = new AbortController().signal;

test("of chosen poison every message is the dead letter that was expected, and what is only strange is stored", async (t) => {
  const market = generateMarket({ seed: 11, codes: 5_600, tradingDays: 2 });
  const secret = randomBytes(28).toString("hex");
  const lines: string[] = [];
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    tokens: [secret],
    log: createPinoLog({ write: (line) => lines.push(line) }, { level: "warn", secrets: [secret] }),
    env: {
      GINKGO_WORKER_MESSAGE_BYTES_MAX: String(BYTES_MAX),
      GINKGO_WORKER_CODES_MAX: String(CODES_MAX),
    },
  });
  if (rig === undefined) {
    return;
  }
  const cases = poisonTable({
    codes: market.securities.map(({ code }) => code),
    from: market.days[0] ?? "",
    to: market.days.at(-1) ?? "",
    secret,
  });
  assert.ok(cases.filter(({ letter }) => letter !== undefined).length >= 30);
  const run: PoisonRun = { topic: rig.config.worker.topic, partitions: rig.config.kafka.partitions, cases };
  const worker = rig.start();
  await publish(rig, run);
  await rig.untilSettled(cases.length, 120_000);
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
  checkLetters(run, await findAll(rig));
  checkLines(run, lines, secret);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
});

async function publish(rig: WorkerRig, run: PoisonRun): Promise<void> {
  await using tools = await openQueueTools(rig.config, silentLog, never);
  await publishCases(run, await tools.openProducer(never));
}
