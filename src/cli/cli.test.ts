import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compileCache } from "../../test/support/compile-cache.ts";

const launcher = join(import.meta.dirname, "..", "..", "bin", "gdw.cjs");
const folder = mkdtempSync(join(tmpdir(), "gdw-cli-"));
after(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program as a user starts it, in an empty folder and an environment of its own. */
async function gdw(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...compileCache, ...env },
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("close", resolve).on("error", reject);
  return { code: await promise, out, err };
}

function isOneSentence(err: string): boolean {
  return /^gdw: [^\n]+\n$/.test(err);
}

test("--help prints every command and ends with 0", async () => {
  const { code, out, err } = await gdw(["--help"]);
  assert.deepEqual([code, err], [0, ""]);
  for (const word of ["start", "request", "verify", "config", "topics", "schema", "simulate", "Examples:"]) {
    assert.ok(out.includes(word), word);
  }
});

test("--version prints the version of the package", async () => {
  const { code, out } = await gdw(["--version"]);
  assert.equal(code, 0);
  assert.match(out, /^gdw \d+\.\d+\.\d+\n$/);
});

test("config show prints values and where they came from, and masks every secret", async () => {
  const env = { TUSHARE_TOKEN: "hush-hush", GINKGO_KAFKA_HOST: "kafka", LOG_LEVEL: "WARNING", GINKGO_KAFKA_TLSS: "1" };
  const { code, out, err } = await gdw(["config", "show", "--worker-drain-ms", "7"], env);
  assert.equal(code, 0);
  assert.match(out, /^tushare\.token +\*{6} +environment TUSHARE_TOKEN$/m);
  assert.match(out, /^kafka\.brokers +kafka:9092 +environment GINKGO_KAFKA_HOST$/m);
  assert.match(out, /^worker\.drain_ms +7 +flag --worker-drain-ms$/m);
  assert.match(out, /^logging\.level +warn +environment LOG_LEVEL$/m);
  assert.match(out, /^worker\.batch_size +1000 +default$/m);
  assert.match(err, /GINKGO_KAFKA_TLSS is no setting of ours, did you mean GINKGO_KAFKA_TLS\?/);
  assert.equal(/hush/.exec(out + err), null);
});

test("config show --json is one JSON value with the same rows and their help", async () => {
  const { code, out } = await gdw(["config", "show", "--json", "--changed"], { GINKGO_REDIS_PASSWORD: "hush-hush" });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), [
    {
      setting: "redis.password",
      value: "******",
      from: "environment GINKGO_REDIS_PASSWORD",
      help: "password of Redis",
    },
  ]);
});

test("an unknown flag is a usage error with the nearest flag", async () => {
  const { code, err } = await gdw(["start", "--kafka-broker", "a"]);
  assert.deepEqual([code, err], [64, "gdw: unknown option --kafka-broker, did you mean --kafka-brokers?\n"]);
});

test("a flag of another command is not offered as itself", async () => {
  const { code, err } = await gdw(["health", "--codes", "000001.SZ"]);
  assert.equal(code, 64);
  assert.match(err, /^gdw: unknown option --codes, which other commands take; see gdw health --help\n$/);
});

test("a secret typed as a flag is refused, is not repeated, and the way to give it is named", async () => {
  const { code, err } = await gdw(["start", "--tushare-token=hush-hush"]);
  assert.deepEqual([code, err], [64, "gdw: unknown option --tushare-token, did you mean --tushare-token-file?\n"]);
});

test("an unknown command and a missing one are usage errors", async () => {
  const unknown = await gdw(["requst"]);
  assert.deepEqual([unknown.code, unknown.err], [64, "gdw: unknown command requst, did you mean request?\n"]);
  const missing = await gdw([]);
  assert.equal(missing.code, 64);
  assert.match(missing.err, /^Usage: gdw/);
});

test("an unknown setting in the file is a settings error that names it", async () => {
  const file = join(folder, "unknown.yml");
  writeFileSync(file, "worker:\n  batchsize: 5\n");
  const { code, out, err } = await gdw(["config", "show", "--config", file]);
  const sentence = `gdw: unknown setting worker.batchsize in ${file}, did you mean worker.batch_size?\n`;
  assert.deepEqual([code, out, err], [78, "", sentence]);
});

test("a settings file that is not YAML is a settings error that says where, without showing the file", async () => {
  const file = join(folder, "bad.yml");
  writeFileSync(file, "tushare:\n  token: 'hush-hush\n");
  const { code, err } = await gdw(["start", "--config", file]);
  assert.equal(code, 78);
  assert.ok(isOneSentence(err) && err.includes(`settings file ${file} is not YAML`) && /line \d+/.test(err), err);
  assert.equal(/hush/.exec(err), null);
});

test("a settings file that is a folder or is not there is a settings error", async () => {
  const isFolder = await gdw(["config", "show", "--config", folder]);
  assert.deepEqual([isFolder.code, isOneSentence(isFolder.err)], [78, true], isFolder.err);
  const isAway = await gdw(["config", "show"], { GINKGO_DATA_WORKER_CONFIG: "away.yml" });
  assert.deepEqual([isAway.code, isOneSentence(isAway.err)], [78, true], isAway.err);
});

test("a bad value is a settings error that names setting, origin, expectation and value", async () => {
  const { code, err } = await gdw(["start", "--health-port", "many"]);
  const sentence =
    'gdw: setting health.port from flag --health-port: expected a whole number from 0 to 65535, got "many"\n';
  assert.deepEqual([code, err], [78, sentence]);
});
