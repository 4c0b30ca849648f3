import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, chmod, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";

import { readDeployFiles } from "../../scripts/lib/deploy/check-all.ts";
import { environmentIn, parseCompose } from "../../scripts/lib/deploy/compose.ts";
import { type BuiltImage, sizeOf } from "../../scripts/lib/deploy/run-dockerfile.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { truthRows } from "../../src/market/truth-rows.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { canRun } from "../support/services.ts";
import { startClickHouseHttp, whyNoClickHouse } from "../support/services/clickhouse-http.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { whyNoRedis } from "../support/services/redis.ts";
import { waitFor } from "../support/wait-for.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { buildImage, needlessPackages, runInImage, startInImage } from "./built-image.ts";
import { startDeployedBroker } from "./deployed-broker.ts";
import { startDeployedRedis } from "./deployed-redis.ts";

/** Larger, and something went in that was not meant to. */
const IMAGE_MEGABYTES_MAX = 60;

let folder: TemporaryFolder;
let image: BuiltImage;

before(async () => {
  folder = await temporaryFolder("gdw-image");
  image = await buildImage(folder.path);
});

after(() => folder[Symbol.asyncDispose]());

test("what the Dockerfile makes in an empty folder runs, as another user and from a read-only folder", async () => {
  const version = await runInImage(image, ["--version"]);
  assert.deepEqual([version.code, version.err], [0, ""]);
  assert.match(version.out, /^gdw \d+\.\d+\.\d+\n$/);
  const help = await runInImage(image, ["start", "--help"]);
  assert.equal(help.code, 0, help.err);
  assert.match(help.out, /run the worker until it is stopped/);
});

test("the image's own settings reach the program, and Node takes its limits", async () => {
  const shown = await runInImage(image, ["config", "show", "--changed", "--json"]);
  assert.equal(shown.code, 0, shown.err);
  const rows = JSON.parse(shown.out) as { setting: string; value: string }[];
  assert.deepEqual(
    rows.map(({ setting, value }) => [setting, value]),
    [["health.host", "0.0.0.0"]],
  );
  const machine = await runInImage(image, ["doctor", "--json"], { GINKGO_KAFKA_BROKERS: "127.0.0.1:1" });
  assert.match(machine.out, /heap up to 26\d MB/);
});

test("no development or optional package is in it, no engine, no simulator and no source", async (t) => {
  assert.deepEqual(await needlessPackages(image), []);
  for (const missing of ["node_modules/chdb", "node_modules/typescript", "dist/simulators", "dist/market", "src"]) {
    await assert.rejects(access(path.join(image.workdir, missing)), { code: "ENOENT" }, missing);
  }
  assert.deepEqual((await readdir(image.workdir)).toSorted(), [
    "LICENSE",
    "bin",
    "dist",
    "node_modules",
    "package.json",
  ]);
  const megabytes = Math.round((await sizeOf(image.workdir)) / 1_000_000);
  t.diagnostic(`${megabytes} MB beside the base image`);
  assert.ok(megabytes < IMAGE_MEGABYTES_MAX, `${megabytes} MB`);
});

test("the image's worker, with the Compose file's variables, does its main job on the Compose file's broker", async (t) => {
  if (!canRun(t, whyNoKafka() ?? whyNoRedis() ?? whyNoClickHouse())) {
    return;
  }
  const { services } = parseCompose(readDeployFiles()["deploy/docker-compose.yml"]);
  const { kafka, redis: redisService, worker: workerService } = services;
  assert.ok(kafka !== undefined && redisService !== undefined && workerService !== undefined);
  const password = randomBytes(12).toString("hex");
  const market = generateMarket({ seed: 3, codes: 3, tradingDays: 20 });
  await using parts = new AsyncDisposableStack();
  const [broker, redis, clickhouse, simulator] = await Promise.all([
    startDeployedBroker(environmentIn(kafka)).then((part) => parts.use(part)),
    startDeployedRedis(redisService.command ?? []).then((part) => parts.use(part)),
    startClickHouseHttp({ users: [{ name: "default", password, may: "everything" }] }).then((part) => parts.use(part)),
    startTushareSimulator({ tokens: [randomBytes(28).toString("hex")], data: marketData(market) }).then((part) =>
      parts.use(part),
    ),
  ]);
  const secret = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder.path, name);
    await writeFile(file, `${text}\n`);
    await chmod(file, 0o444);
    return file;
  };
  const env = {
    ...environmentIn(workerService),
    GINKGO_KAFKA_BROKERS: broker.network,
    GINKGO_CLICKHOUSE_HOST: "127.0.0.1",
    GINKGO_CLICKHOUSE_PORT: String(clickhouse.port),
    GINKGO_CLICKHOUSE_PASSWORD_FILE: await secret("clickhouse_password", password),
    GINKGO_REDIS_HOST: "127.0.0.1",
    GINKGO_REDIS_PORT: String(redis.port),
    TUSHARE_TOKEN_FILE: await secret("tushare_token", simulator.token),
    GINKGO_TUSHARE_URL: simulator.url,
    GINKGO_HEALTH_PORT: "0",
  };
  const worker = startInImage(image, ["start"], env);
  const ended = once(worker, "exit");
  let said = "";
  for (const output of [worker.stdout, worker.stderr]) {
    output?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  try {
    const http = await waitFor(
      () => {
        assert.equal(worker.exitCode, null, said);
        return /"http":"http:\/\/0\.0\.0\.0:(\d+)"/.exec(said)?.[1];
      },
      { what: "the worker to be ready", timeoutMs: 60_000 },
    );
    await waitFor(async () => (await fetch(`http://127.0.0.1:${http}/health`)).ok, {
      what: "the worker to be healthy",
      timeoutMs: 30_000,
    });
    const codes = market.securities.map(({ code }) => code);
    const expected = [...truthRows(market)].length;
    const span = ["--start", market.days[0] ?? "", "--end", market.days.at(-1) ?? ""];
    const asked = await runInImage(image, ["request", "--codes", codes.join(","), ...span, "--wait"], env);
    const counted = await runInImage(image, ["sql", "SELECT count() AS n FROM ginkgo.bar", "--format", "csv"], env);
    assert.deepEqual([asked.code, counted.code], [0, 0], `${asked.out}${asked.err}${counted.err}`);
    assert.equal(counted.out, `"n"\n${expected}\n`);
  } finally {
    worker.kill("SIGTERM");
    await ended;
  }
  assert.equal(worker.exitCode, 143, said);
  // A warning is allowed: of a topic of Ginkgo's that nobody made, say. What cannot be written would be an error.
  assert.doesNotMatch(said, /"level":"error"/);
  assert.ok(!said.includes(password) && !said.includes(simulator.token));
});
