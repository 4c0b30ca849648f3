import assert from "node:assert/strict";
import { test } from "node:test";

import { describeConfig, loadConfig, type LoadedConfig } from "./config.ts";
import { NAMED_SETTINGS } from "./config/names.ts";
import { SettingsError } from "./config/settings-error.ts";

interface Said {
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function load({ flags = {}, env = {}, files = {}, file }: Said): LoadedConfig {
  return loadConfig({ flags: new Map(Object.entries(flags)), env, file, readFile: (path) => files[path] });
}

function problemsOf(said: Said): readonly string[] {
  try {
    load(said);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return assert.fail("the settings were taken");
}

function rowOf(loaded: LoadedConfig, name: string) {
  return describeConfig(loaded).find(({ setting }) => setting === name);
}

const yml = (text: string): Said => ({ files: { "data_worker.yml": text } });

test("without any word the worker is embedded and has Ginkgo's names", () => {
  const { config, warnings } = load({});
  assert.equal(config.mode, "embedded");
  assert.deepEqual(config.kafka.topics, ["ginkgo.data.update", "ginkgo.data.commands"]);
  assert.equal(config.kafka.deadLetterTopic, "ginkgo.data.update.dlq");
  assert.equal(config.worker.groupId, "data_worker_group");
  assert.equal(config.clickhouse.url, undefined);
  assert.equal(config.worker.messageDeadlineMs, 1_800_000);
  assert.deepEqual([config.heartbeat.intervalMs, config.heartbeat.ttlMs], [10_000, 30_000]);
  assert.match(config.node.id, /^.+:\d+$/);
  assert.deepEqual(warnings, []);
});

test("Ginkgo's own environment is enough", () => {
  const { config, warnings } = load({
    env: {
      GINKGO_KAFKA_HOST: "kafka1",
      GINKGO_KAFKA_PORT: "9094",
      GINKGO_REDIS_HOST: "redis",
      GINKGO_REDIS_PORT: "6379",
      GINKGO_CLICKHOUSE_HOST: "clickhouse",
      GINKGO_CLICKHOUSE_PORT: "8124",
      GINKGO_CLICKHOUSE_USER: '""',
      GINKGO_CLICKHOUSE_PASSWORD: "pw",
      GINKGO_CLICKHOUSE_DATABASE: "ginkgo",
      GINKGO_MYSQL_HOST: "mysql",
      GINKGO_MYSQL_PASSWORD: '""',
      WORKER_GROUP_ID: "other_group",
      GINKGO_DEBUG_MODE: "False",
      LOG_LEVEL: "WARNING",
    },
  });
  assert.equal(config.mode, "servers");
  assert.deepEqual(config.kafka.brokers, ["kafka1:9094"]);
  assert.deepEqual([config.redis.host, config.redis.port], ["redis", 6379]);
  assert.equal(config.clickhouse.url, "http://clickhouse:8124");
  assert.deepEqual([config.clickhouse.user, config.clickhouse.password], ["default", "pw"]);
  assert.deepEqual([config.mysql.host, config.mysql.password], ["mysql", ""]);
  assert.equal(config.worker.groupId, "other_group");
  assert.deepEqual([config.debug, config.logging.level], [false, "warn"]);
  assert.deepEqual(warnings, []);
});

test("a flag beats a variable, which beats the file, which beats the default", () => {
  const files = { "data_worker.yml": "worker:\n  batch_size: 3\n  retry_attempts: 7\nredis: {db: 3}\n" };
  const env = { GINKGO_WORKER_BATCH_SIZE: "4", GINKGO_REDIS_DB: "4" };
  const loaded = load({ files, env, flags: { "--worker-batch-size": "5" } });
  const { worker, redis } = loaded.config;
  assert.deepEqual([worker.batchSize, redis.db, worker.retryAttempts, worker.windowMessages], [5, 4, 7, 8192]);
  assert.deepEqual(
    ["worker.batch_size", "redis.db", "worker.retry_attempts", "worker.window_messages"].map(
      (name) => rowOf(loaded, name)?.from,
    ),
    ["flag --worker-batch-size", "environment GINKGO_REDIS_DB", "file data_worker.yml", "default"],
  );
});

test("Ginkgo's settings file is read whole", () => {
  const { config, warnings } = load(
    yml(`worker:
  group_id: g
  topic: t
  batch_size: 500
  retry_attempts: 5
  retry_backoff_factor: 1.5
  poll_timeout: 1.0
heartbeat: {interval: 5, ttl: 20, key_prefix: "hb"}
logging: {level: CRITICAL, file: logs/w.log, max_bytes: 1048576, backup_count: 2}
quality:
  enabled: "False"
  missing_threshold_warning: 0.01
  missing_threshold_error: 0.1
  delay_threshold_warning: 1
  delay_threshold_error: 2.5
  notification_topic: n
`),
  );
  const { worker, heartbeat, logging, quality, kafka } = config;
  assert.deepEqual(
    [worker.groupId, worker.topic, worker.batchSize, worker.retryAttempts, worker.retryBackoffFactor],
    ["g", "t", 500, 5, 1.5],
  );
  assert.deepEqual([kafka.topics, kafka.deadLetterTopic], [["t", "ginkgo.data.commands"], "t.dlq"]);
  assert.deepEqual(heartbeat, { intervalMs: 5000, ttlMs: 20_000, keyPrefix: "hb" });
  assert.deepEqual(
    [logging.level, logging.file, logging.maxBytes, logging.backupCount],
    ["error", "logs/w.log", 1_048_576, 2],
  );
  assert.deepEqual(quality, {
    enabled: false,
    missingThresholdWarning: 0.01,
    missingThresholdError: 0.1,
    delayMsWarning: 60_000,
    delayMsError: 150_000,
    notificationTopic: "n",
  });
  assert.equal(worker.pollTimeoutMs, 500);
  assert.deepEqual(warnings, ["worker.poll_timeout of 1 s from file data_worker.yml is capped at 0.5 s"]);
});

test("names in the file may be written either way", () => {
  assert.equal(load(yml("worker: {messageDeadlineMs: 5000}")).config.worker.messageDeadlineMs, 5000);
  assert.equal(load(yml("worker: {message_deadline_ms: 5000}")).config.worker.messageDeadlineMs, 5000);
  assert.deepEqual(problemsOf(yml("worker: {drain_ms: 1, drainMs: 2}")), [
    "setting worker.drain_ms stands twice in data_worker.yml",
  ]);
});

test("an empty file, an empty group and an empty value say nothing", () => {
  assert.equal(load(yml("")).config.worker.batchSize, 1000);
  assert.equal(load(yml("worker:\nkafka:\n  user:\nredis:\n  host: ''\n")).config.redis.host, undefined);
});

test("a list of brokers is read from text and from a list, each with a port", () => {
  assert.deepEqual(load({ env: { GINKGO_KAFKA_BROKERS: "a:1, b,[::1]:9093 ," } }).config.kafka.brokers, [
    "a:1",
    "b:9092",
    "[::1]:9093",
  ]);
  assert.deepEqual(load(yml("kafka:\n  brokers:\n    - a:1\n    - b\n")).config.kafka.brokers, ["a:1", "b:9092"]);
  assert.deepEqual(load({ env: { GINKGO_KAFKA_HOST: "a,b:1", GINKGO_KAFKA_PORT: "7" } }).config.kafka.brokers, [
    "a:7",
    "b:1",
  ]);
  assert.deepEqual(load({ env: { GINKGO_KAFKA_HOST: "a", GINKGO_KAFKA_BROKERS: "b:1" } }).config.kafka.brokers, [
    "b:1",
  ]);
});

test("a port that stands alone is pointed out", () => {
  const { config, warnings } = load({ env: { GINKGO_KAFKA_PORT: "9092", GINKGO_KAFKA_HOST: '""' } });
  assert.equal(config.mode, "embedded");
  assert.deepEqual(warnings, ["GINKGO_KAFKA_PORT is set without GINKGO_KAFKA_HOST and does nothing"]);
});

test("the address of ClickHouse follows from whatever was said closest to the start", () => {
  const url = "https://elsewhere:8443";
  assert.equal(load({ env: { GINKGO_CLICKHOUSE_URL: url, GINKGO_CLICKHOUSE_HOST: "h" } }).config.clickhouse.url, url);
  const files = { "data_worker.yml": `clickhouse: {url: "${url}"}` };
  const env = { GINKGO_CLICKHOUSE_HOST: "h" };
  assert.equal(load({ files }).config.clickhouse.url, url);
  assert.equal(load({ files, env }).config.clickhouse.url, "http://h:8123");
  const flags = { "--clickhouse-https": "true", "--clickhouse-port": "8443" };
  assert.equal(load({ env, flags }).config.clickhouse.url, "https://h:8443");
});

test("a secret is read from the file that a variable, a flag or the settings file names", () => {
  const files = { "/run/token": "tok-1\n" };
  assert.equal(load({ env: { TUSHARE_TOKEN: "tok-0" } }).config.tushare.token, "tok-0");
  assert.equal(load({ files, env: { TUSHARE_TOKEN_FILE: "/run/token" } }).config.tushare.token, "tok-1");
  assert.equal(load({ files, flags: { "--tushare-token-file": "/run/token" } }).config.tushare.token, "tok-1");
  const both = { ...files, "data_worker.yml": "tushare: {token_file: /run/token}" };
  const loaded = load({ files: both });
  assert.equal(loaded.config.tushare.token, "tok-1");
  assert.deepEqual(rowOf(loaded, "tushare.token")?.value, "******");
  assert.deepEqual(loaded.secrets, ["tok-1"]);
});

test("a secret said twice, or in a file that is not there, is an error", () => {
  assert.deepEqual(problemsOf({ env: { TUSHARE_TOKEN: "a", TUSHARE_TOKEN_FILE: "/b" } }), [
    "setting tushare.token is said twice, by environment TUSHARE_TOKEN and by environment TUSHARE_TOKEN_FILE: one is enough",
  ]);
  assert.deepEqual(problemsOf({ env: { TUSHARE_TOKEN_FILE: "/b" } }), [
    "setting tushare.token from environment TUSHARE_TOKEN_FILE: there is no file /b",
  ]);
});

test("a password of digits in the file keeps its zeros", () => {
  assert.equal(load(yml("redis: {password: 00120}")).config.redis.password, "00120");
});

test("no row shows a secret, and every secret is known to whoever has to leave it out", () => {
  const env = {
    TUSHARE_TOKEN: "hush-tushare",
    GINKGO_CLICKHOUSE_URL: "http://user:hush%21url@host:8123",
    GINKGO_REDIS_PASSWORD: "hush-redis",
    HTTPS_PROXY: "http://me:hush-proxy@proxy:3128",
  };
  const loaded = load({ env });
  assert.equal(/hush/.exec(JSON.stringify(describeConfig(loaded))), null);
  assert.deepEqual([...loaded.secrets].toSorted(), [
    "hush!url",
    "hush%21url",
    "hush-proxy",
    "hush-redis",
    "hush-tushare",
  ]);
});

test("an unknown name in the file is an error with the nearest name", () => {
  assert.deepEqual(problemsOf(yml("kafka: {broker: a}\nwrker: {}\nnonsense: 1\ndrain_ms: 4\n")), [
    "unknown setting kafka.broker in data_worker.yml, did you mean kafka.brokers?",
    "unknown setting wrker in data_worker.yml, did you mean worker?",
    "unknown setting nonsense in data_worker.yml",
    "unknown setting drain_ms in data_worker.yml, did you mean worker.drain_ms?",
  ]);
  assert.deepEqual(problemsOf(yml("worker: 5")), ["group worker in data_worker.yml: expected settings, got a string"]);
});

test("a host that is a whole address is refused, and the problem says where it belongs", () => {
  const problems = problemsOf({
    env: {
      GINKGO_CLICKHOUSE_HOST: "http://ch:8123",
      GINKGO_REDIS_HOST: "redis:6379",
      GINKGO_MYSQL_HOST: '"mysql"',
      GINKGO_KAFKA_HOST: "http://kafka",
    },
  });
  const expected = "expected a host name or address without scheme and port, got";
  assert.deepEqual(problems, [
    'setting kafka.brokers from environment GINKGO_KAFKA_HOST: expected a list of brokers such as kafka1:9092,kafka2:9092, got "http://kafka"; leave out what stands before the host, such as http://',
    `setting clickhouse.host from environment GINKGO_CLICKHOUSE_HOST: ${expected} "http://ch:8123"; give an address with http:// as clickhouse.url, or the host alone and clickhouse.port`,
    `setting redis.host from environment GINKGO_REDIS_HOST: ${expected} "redis:6379"; give the host alone, and redis.port and redis.tls besides`,
    `setting mysql.host from environment GINKGO_MYSQL_HOST: ${expected} "\\"mysql\\""; remove the quotes, they are part of the value`,
  ]);
});

test("names and addresses are hosts, an IPv6 address with brackets or without", () => {
  const { config } = load({
    env: {
      GINKGO_CLICKHOUSE_HOST: "[::1]",
      GINKGO_REDIS_HOST: "fe80::1",
      GINKGO_MYSQL_HOST: "db_1.example",
      GINKGO_KAFKA_BROKERS: "10.0.0.1,[::1]:9093",
    },
  });
  assert.equal(config.clickhouse.url, "http://[::1]:8123");
  assert.deepEqual([config.redis.host, config.mysql.host], ["fe80::1", "db_1.example"]);
  assert.deepEqual(config.kafka.brokers, ["10.0.0.1:9092", "[::1]:9093"]);
  assert.match(problemsOf({ env: { GINKGO_KAFKA_BROKERS: "a:70000" } })[0] ?? "", /^setting kafka\.brokers/);
});

test("a bad value names the setting, the value, where it came from and what is expected", () => {
  assert.deepEqual(problemsOf({ env: { GINKGO_KAFKA_PARTITIONS: "many", GINKGO_HEALTH_PORT: "99999" } }), [
    'setting kafka.partitions from environment GINKGO_KAFKA_PARTITIONS: expected a whole number from 1 to 1000, got "many"',
    'setting health.port from environment GINKGO_HEALTH_PORT: expected a whole number from 0 to 65535, got "99999"',
  ]);
  assert.deepEqual(problemsOf({ flags: { "--mode": "cloud" } }), [
    'setting mode from flag --mode: expected one of embedded, servers, got "cloud"',
  ]);
  assert.match(problemsOf({ env: { GINKGO_DEBUG_MODE: "maybe" } })[0] ?? "", /expected true or false, got "maybe"/);
  assert.match(problemsOf({ env: { GINKGO_KAFKA_BROKERS: "http://a:1" } })[0] ?? "", /expected a list of brokers/);
  assert.match(
    problemsOf(yml("worker: {batch_size: 1.5}"))[0] ?? "",
    /expected a whole number from 1 to 1000000, got "1.5"/,
  );
});

test("a bad value that holds a secret does not show it", () => {
  assert.deepEqual(problemsOf(yml("tushare: {token: [hush]}")), [
    "setting tushare.token from file data_worker.yml: expected a text, got ******",
  ]);
  assert.equal(/hush/.exec(problemsOf({ env: { GINKGO_CLICKHOUSE_URL: "ftp://me:hush@host" } }).join()), null);
});

test("a settings file that is not YAML, no mapping or missing is an error without an excerpt", () => {
  const [problem = ""] = problemsOf(yml("redis:\n  password: 'hush\n"));
  assert.match(problem, /^settings file data_worker.yml is not YAML: .* line \d+, column \d+$/);
  assert.equal(/hush/.exec(problem), null);
  assert.deepEqual(problemsOf(yml("- a\n- b\n")), [
    "settings file data_worker.yml: expected groups of settings, got a list",
  ]);
  assert.deepEqual(problemsOf({ file: "x.yml" }), ["there is no settings file x.yml, which flag --config names"]);
  assert.deepEqual(problemsOf({ env: { GINKGO_DATA_WORKER_CONFIG: "y.yml" } }), [
    "there is no settings file y.yml, which environment GINKGO_DATA_WORKER_CONFIG names",
  ]);
});

test("a variable with our prefix that is no setting is only pointed out", () => {
  const { warnings } = load({
    env: { GINKGO_KAFKA_BROKER: "a", GINKGO_TEST_KAFKA: "b", GINKGO_WEB_THEME: "c", PATH: "d" },
  });
  assert.deepEqual(warnings, [
    "environment GINKGO_KAFKA_BROKER is no setting of ours, did you mean GINKGO_KAFKA_BROKERS?",
    "environment GINKGO_WEB_THEME is no setting of ours",
  ]);
});

test("settings that contradict each other are an error", () => {
  assert.deepEqual(problemsOf({ env: { GINKGO_MODE: "servers" } }), [
    "setting mode is servers, but kafka.brokers names no broker",
  ]);
  assert.equal(
    problemsOf({ env: { GINKGO_HEARTBEAT_TTL: "5", GINKGO_KAFKA_TLS: "true", GINKGO_KAFKA_TLS_CERT: "c" } }).length,
    2,
  );
});

test("every setting has a name, a variable, a flag and a help of its own", () => {
  for (const names of [
    NAMED_SETTINGS.flatMap(({ name }) => [name]),
    NAMED_SETTINGS.flatMap(({ flag }) => [flag]),
    NAMED_SETTINGS.flatMap(({ variables }) => variables),
    NAMED_SETTINGS.flatMap(({ name, setting }) => [
      `${setting.help}${/tls_|password|user|port|host/.test(name) ? name : ""}`,
    ]),
  ]) {
    assert.equal(
      new Set(names).size,
      names.length,
      names.filter((name, index) => names.indexOf(name) !== index).join(),
    );
  }
});

test("the schedule is off unless it is asked for, and its times are read and refused by name", () => {
  const { config } = load({});
  assert.deepEqual(config.schedule, {
    enabled: false,
    list: { days: "daily", time: "20:30" },
    factors: { days: "trading-days", time: "09:25" },
    bars: { days: "trading-days", time: "17:30" },
    calendar: { days: [7], time: "20:00" },
    catchUpDays: 7,
  });
  const said = load({
    ...yml("schedule:\n  bars: 18:00\n  calendar: off\n"),
    env: { GINKGO_SCHEDULE_LIST: "mon-fri 21:00" },
  });
  assert.deepEqual(
    [said.config.schedule.bars, said.config.schedule.calendar, said.config.schedule.list],
    [{ days: "trading-days", time: "18:00" }, undefined, { days: [1, 2, 3, 4, 5], time: "21:00" }],
  );
  assert.deepEqual(
    ["schedule.bars", "schedule.calendar"].map((name) => rowOf(said, name)?.value),
    ["trading-days 18:00", "off"],
  );
  const expected =
    "expected a time such as 17:30, with days before it such as daily, trading-days, mon-fri or mon,thu, or off";
  assert.deepEqual(problemsOf(yml("schedule:\n  bars: 25:00\n  list: funday 20:30\n  catch_up_days: 90\n")), [
    `setting schedule.list from file data_worker.yml: ${expected}, got "funday 20:30"; "funday" is none of daily, trading-days, mon, tue, wed, thu, fri, sat, sun`,
    `setting schedule.bars from file data_worker.yml: ${expected}, got "25:00"; "25:00" is no time from 00:00 to 23:59 with two digits each`,
    'setting schedule.catch_up_days from file data_worker.yml: expected a whole number from 0 to 60, got "90"',
  ]);
});

test("workers that share servers need Redis to agree on the schedule", () => {
  const servers = { GINKGO_KAFKA_HOST: "kafka", GINKGO_CLICKHOUSE_HOST: "ch", GINKGO_SCHEDULE_ENABLED: "true" };
  assert.deepEqual(problemsOf({ env: servers }), [
    "setting schedule.enabled is true, but redis.host is missing: there the workers agree who does the runs",
  ]);
  assert.equal(load({ env: { ...servers, GINKGO_REDIS_HOST: "redis" } }).config.schedule.enabled, true);
  assert.equal(load({ env: { GINKGO_SCHEDULE_ENABLED: "true" } }).config.schedule.enabled, true);
});

test("a chain rule that is none is told what is wrong with it, and two of the same contradict each other", () => {
  const ofRules = (chains: string) => problemsOf({ env: { GINKGO_PROVIDERS_CHAINS: chains } }).join("\n");
  for (const [chains, told] of [
    ["ticks=tdx,bars=baostok", "in bars=baostok baostok is no provider, did you mean baostock"],
    ["tick=tdx", "in tick=tdx tick is no data set, did you mean ticks"],
    ["bars/mars=yahoo", "in bars/mars=yahoo mars is neither a market (CN, HK, US) nor a kind"],
    ["bars=baostock,akshare", "in akshare there is a provider alone: several providers of one rule are joined by +"],
    ["ticks", "there should be one = between what is asked for and who is asked"],
    ["bars/HK/CN=yahoo", "a market, a kind or a provider stands twice"],
    ["ticks=tdx,ticks=akshare", "has two rules for the same, the second is ticks=akshare"],
  ] as const) {
    assert.ok(ofRules(chains).includes(told), ofRules(chains));
  }
});
