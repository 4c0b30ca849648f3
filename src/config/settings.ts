import { hostname } from "node:os";
import { join } from "node:path";

import { CODES_MAX, MESSAGE_BYTES_MAX } from "../domain/parse-message.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";
import * as read from "./reader.ts";
import { SCHEDULE_SETTINGS } from "./schedule-settings.ts";
import { optional, setting, type SettingsTree } from "./setting.ts";

const MEBIBYTE = 1024 * 1024;
const UPDATE_TOPIC = "ginkgo.data.update";
const COMMANDS_TOPIC = "ginkgo.data.commands";
const EMBEDDED_FOLDER = ".ginkgo";
const PORT = { min: 1, max: 65_535 };

/** The words of Python's logging beside ours; nothing of ours is worse than an error. */
const PYTHON_LEVELS = { warning: "warn", critical: "error", fatal: "error", notset: "debug", trace: "debug" } as const;

/**
 * Every setting, once. The place in the tree makes the name (`worker.drainMs` is `worker.drain_ms` in the file), the
 * variable (`GINKGO_WORKER_DRAIN_MS`) and the flag (`--worker-drain-ms`). A secret has `…_FILE`, `…_file` and a flag
 * that names a file, and no flag that shows it to everybody on the machine.
 */
export const SETTINGS = {
  mode: setting(
    read.oneOf(["embedded", "servers"]),
    {
      words: "servers when a Kafka broker is set, else embedded",
      derive: (said) => (said.get("kafka.brokers") === undefined ? "embedded" : "servers"),
    },
    "what the worker runs on: servers, or parts inside the process",
  ),
  debug: setting(read.boolean(), false, "log everything and show the stack of every error", {
    variables: ["GINKGO_DEBUG_MODE"],
  }),
  node: {
    id: setting(
      read.text(),
      { words: "host name:process id", derive: () => `${hostname()}:${process.pid}` },
      "who this worker is in heartbeats and logs; two live workers must not share one",
    ),
  },
  embedded: {
    folder: setting(
      read.text("the path of a folder"),
      EMBEDDED_FOLDER,
      "folder of everything that is kept without servers: the queue, the engine, where the running worker is found",
    ),
    storePort: setting(
      read.integer({ min: 0, max: 65_535 }),
      0,
      "port at which a running worker serves its engine to ClickHouse's clients on this machine; 0 takes a free one",
    ),
    retentionDays: setting(
      read.integer({ min: 1, max: 3650 }),
      7,
      "how long the queue in the file keeps messages that are settled",
    ),
  },
  kafka: {
    brokers: setting(
      read.list(read.hostAndPort(9092), "a list of brokers such as kafka1:9092,kafka2:9092"),
      [],
      "brokers to ask first",
      {
        hostAndPort: { host: "GINKGO_KAFKA_HOST", port: "GINKGO_KAFKA_PORT" },
      },
    ),
    topics: setting(
      read.list(read.text(), "a list of topics"),
      {
        words: `worker.topic and ${COMMANDS_TOPIC}`,
        derive: (said) => [...new Set([textOr(said.get("worker.topic"), UPDATE_TOPIC), COMMANDS_TOPIC])],
      },
      "topics the worker reads; one that does not exist is looked for each minute",
    ),
    deadLetterTopic: setting(
      read.text(),
      {
        words: "worker.topic with .dlq",
        derive: (said) => `${mainTopic(said.get("worker.topic"), said.get("kafka.topics"))}.dlq`,
      },
      "where messages are set aside",
    ),
    partitions: setting(
      read.integer({ min: 1, max: 1000 }),
      24,
      "partitions of topics that are created; Ginkgo counts on 24",
    ),
    replication: setting(read.integer({ min: 1, max: 9 }), 1, "replicas of topics that are created; 3 in production"),
    deadLetterRetentionDays: setting(
      read.integer({ min: 1, max: 3650 }),
      90,
      "how long a created dead-letter topic keeps its messages",
    ),
    clientId: setting(read.text(), "ginkgo-data-worker", "the name brokers see in their logs and quotas"),
    sessionMs: setting(
      read.integer({ min: 1000, max: 1_800_000 }),
      30_000,
      "a worker silent for so long loses its partitions",
    ),
    heartbeatMs: setting(
      read.integer({ min: 100, max: 600_000 }),
      3_000,
      "how often the worker tells its group that it lives",
    ),
    requestTimeoutMs: setting(
      read.integer({ min: 1000, max: 600_000 }),
      30_000,
      "how long one request to a broker may take",
    ),
    saslMechanism: optional(read.oneOf(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]), "how to log in to the brokers"),
    user: optional(read.text(), "user of the brokers"),
    password: optional(read.text(), "password of the brokers", { secret: true }),
    tls: setting(read.boolean(), false, "speak TLS with the brokers"),
    tlsCa: optional(read.text("the path of a PEM file"), "certificates to trust instead of the system's (path)"),
    tlsCert: optional(read.text("the path of a PEM file"), "our own certificate (path)"),
    tlsKey: optional(read.text("the path of a PEM file"), "key of our own certificate (path)"),
  },
  clickhouse: {
    url: setting(
      read.optionalUrl(),
      {
        words: "from clickhouse.host, port and https; without a host the engine runs in the process",
        derive: (said) =>
          clickhouseUrl(said.get("clickhouse.host"), said.get("clickhouse.port"), said.get("clickhouse.https")),
      },
      "address of the server's HTTP interface",
      { yieldsTo: ["clickhouse.host"] },
    ),
    host: optional(
      read.host("give an address with http:// as clickhouse.url, or the host alone and clickhouse.port"),
      "server, where clickhouse.url is not set",
    ),
    port: setting(read.integer(PORT), 8123, "port of the HTTP interface"),
    https: setting(read.boolean(), false, "use https with clickhouse.host"),
    tlsCa: optional(read.text("the path of a PEM file"), "certificates to trust instead of the system's (path)"),
    user: setting(read.text(), "default", "user of the server"),
    password: setting(read.text(), "", "password of the server", { secret: true }),
    database: setting(read.identifier(), "ginkgo", "database of all our tables"),
    embeddedPath: setting(
      read.text("the path of a folder"),
      {
        words: "clickhouse in embedded.folder",
        derive: (said) => join(textOr(said.get("embedded.folder"), EMBEDDED_FOLDER), "clickhouse"),
      },
      "folder of the engine inside the process",
    ),
    cluster: optional(read.identifier(), "cluster that tables are created on"),
    replicated: setting(read.boolean(), false, "create replicated tables"),
    asyncInsert: setting(read.boolean(), false, "let the server gather inserts before it writes them"),
    requestTimeoutMs: setting(
      read.integer({ min: 100, max: 3_600_000 }),
      60_000,
      "how long one question or command to the server may take",
    ),
    insertTimeoutMs: setting(
      read.integer({ min: 100, max: 3_600_000 }),
      60_000,
      "how long one insert may take until it is acknowledged; then it is repeated, a large one in smaller pieces",
    ),
  },
  schema: {
    auto: setting(read.boolean(), true, "create and migrate tables at start"),
  },
  redis: {
    host: optional(
      read.host("give the host alone, and redis.port and redis.tls besides"),
      "server of budget and heartbeat; without it both stay in the process",
    ),
    port: setting(read.integer(PORT), 6379, "port of Redis"),
    user: optional(read.text(), "user of Redis"),
    password: optional(read.text(), "password of Redis", { secret: true }),
    tls: setting(read.boolean(), false, "speak TLS with Redis"),
    tlsCa: optional(read.text("the path of a PEM file"), "certificates to trust instead of the system's (path)"),
    db: setting(read.integer({ min: 0, max: 1023 }), 0, "number of the Redis database"),
  },
  mysql: {
    host: optional(
      read.host("give the host alone, and mysql.port besides"),
      "server of stock_info and trade_day; without it they are in ClickHouse",
    ),
    port: setting(read.integer(PORT), 3306, "port of MySQL"),
    user: setting(read.text(), "root", "user of MySQL"),
    password: setting(read.text(), "", "password of MySQL", { secret: true }),
    tls: setting(read.boolean(), false, "speak TLS with MySQL"),
    tlsCa: optional(read.text("the path of a PEM file"), "certificates to trust instead of the system's (path)"),
    database: setting(read.text(), "ginkgo", "database of stock_info and trade_day"),
  },
  ...PROVIDER_SETTINGS,
  history: {
    start: optional(read.day(), "first day wanted where a message names none; default is the listing day"),
    tickDays: setting(
      read.integer({ min: 1, max: 10_000 }),
      10,
      "trading days of ticks that are meant where a message for ticks names no days",
    ),
  },
  worker: {
    groupId: setting(read.text(), "data_worker_group", "consumer group", { variables: ["WORKER_GROUP_ID"] }),
    topic: setting(
      read.text(),
      {
        words: `the first of kafka.topics, else ${UPDATE_TOPIC}`,
        derive: (said) => mainTopic(undefined, said.get("kafka.topics")),
      },
      "topic that `request` publishes to",
    ),
    windowMessages: setting(
      read.integer({ min: 1, max: 1_000_000 }),
      8192,
      "messages in hand at most; 1 takes one after the other",
    ),
    windowBytes: setting(read.integer({ min: 65_536 }), 64 * MEBIBYTE, "bytes of messages in hand at most"),
    gatherMs: setting(
      read.integer({ min: 0, max: 60_000 }),
      20,
      "how long messages are gathered before their calls are planned together",
    ),
    messageBytesMax: setting(read.integer({ min: 1024 }), MESSAGE_BYTES_MAX, "a larger message is set aside"),
    codesMax: setting(read.integer({ min: 1, max: 1_000_000 }), CODES_MAX, "codes one message may name"),
    messageDeadlineMs: setting(
      read.integer({ min: 1000 }),
      30 * 60_000,
      "a message that holds up its partition and makes no progress for so long is set aside; outages do not count",
    ),
    outageDeadlineMs: setting(
      read.integer({ min: 0 }),
      6 * 3_600_000,
      "a message that a provider's outage holds up for longer is set aside as `outage`; 0 waits for ever",
    ),
    autoRedrive: setting(
      read.boolean(),
      true,
      "send messages set aside as `outage` back by itself when the provider answers again",
    ),
    drainMs: setting(
      read.integer({ min: 0, max: 3_600_000 }),
      25_000,
      "time to finish what is in hand after the first signal to stop",
    ),
    notify: setting(
      read.boolean(),
      true,
      "tell quality.notification_topic when the worker starts, stops or is in error",
    ),
    startWaitMs: setting(
      read.integer({ min: 0, max: 3_600_000 }),
      60_000,
      "how long a missing dependency is waited for at start",
    ),
    retryAttempts: setting(
      read.integer({ min: 1, max: 100 }),
      3,
      "attempts of a message's own work before it is set aside",
    ),
    retryBackoffFactor: setting(
      read.decimal({ min: 1, max: 10 }),
      2,
      "each wait between attempts may be so many times as long as the one before",
    ),
    retryWaitMs: setting(read.integer({ min: 1, max: 600_000 }), 1000, "longest first wait between attempts"),
    retryWaitMsMax: setting(read.integer({ min: 1, max: 3_600_000 }), 30_000, "longest wait between attempts"),
    pollTimeoutMs: setting(
      read.seconds({ min: 0, max: 3600 }),
      500,
      "longest wait for new messages, in seconds; capped at 0.5",
      { key: "poll_timeout" },
    ),
    batchSize: setting(
      read.integer({ min: 1, max: 1_000_000 }),
      1000,
      "rows at which a batch is ready; about twice as many go out at once",
    ),
    batchRowsMax: setting(read.integer({ min: 1, max: 10_000_000 }), 100_000, "rows a batch has at most"),
    batchBytesMax: setting(read.integer({ min: 1024 }), 16 * MEBIBYTE, "bytes a batch has at most"),
    batchAgeIdleMs: setting(
      read.integer({ min: 0, max: 60_000 }),
      100,
      "age at which a batch goes out when little is to be done",
    ),
    batchAgeMs: setting(read.integer({ min: 0, max: 600_000 }), 1000, "age at which a batch goes out under load"),
  },
  schedule: SCHEDULE_SETTINGS,
  heartbeat: {
    intervalMs: setting(read.seconds({ min: 0.1, max: 3600 }), 10_000, "seconds between two beats", {
      key: "interval",
    }),
    ttlMs: setting(read.seconds({ min: 1, max: 86_400 }), 30_000, "seconds after which a beat is gone", { key: "ttl" }),
    keyPrefix: setting(read.text(), "heartbeat:data_worker", "the key is this, a colon and node.id"),
  },
  health: {
    host: setting(
      read.text("an address to bind to"),
      "127.0.0.1",
      "address the health port is bound to; 0.0.0.0 in a container",
    ),
    port: setting(
      read.integer({ min: 0, max: 65_535 }),
      8080,
      "port of /livez, /readyz, /health, /status and /metrics; 0 takes a free one",
    ),
  },
  metrics: {
    lagEveryMs: setting(
      read.integer({ min: 100, max: 3_600_000 }),
      15_000,
      "how often the ends of the partitions are asked for, from which the lag in /metrics and in the heartbeat comes",
    ),
    coverageEveryMs: setting(
      read.integer({ min: 0, max: 86_400_000 }),
      900_000,
      "how often coverage is read for /metrics, beside the work; 0 never",
    ),
  },
  traces: {
    endpoint: setting(
      read.optionalUrl(),
      undefined,
      "collector that spans are sent to by OTLP over HTTP, /v1/traces is added; without it none are made",
      { variables: ["OTEL_EXPORTER_OTLP_ENDPOINT"] },
    ),
    headers: optional(read.text(), "headers for the collector, as name=value with commas between", {
      secret: true,
      variables: ["OTEL_EXPORTER_OTLP_HEADERS"],
    }),
    sampleRatio: setting(
      read.decimal({ max: 1 }),
      1,
      "part of the messages that are traced, 0 to 1; a producer that sends a trace context decides itself",
    ),
  },
  logging: {
    level: setting(
      read.oneOf(["debug", "info", "warn", "error", "silent"], PYTHON_LEVELS),
      { words: "info; debug when debug is true", derive: (said) => (said.get("debug") === true ? "debug" : "info") },
      "least important events that are logged",
      { variables: ["LOG_LEVEL"] },
    ),
    format: setting(read.oneOf(["auto", "json", "pretty"]), "auto", "auto is pretty on a terminal and JSON elsewhere"),
    file: optional(read.text("the path of a file"), "a file that gets the log as well, rotated"),
    maxBytes: setting(read.integer({ min: 1024 }), 10 * MEBIBYTE, "size at which the log file is rotated"),
    backupCount: setting(read.integer({ min: 0, max: 1000 }), 5, "rotated log files that are kept"),
  },
  quality: {
    enabled: setting(read.boolean(), true, "warn about missing and late data"),
    missingThresholdWarning: setting(read.decimal({ max: 1 }), 0.05, "share of missing days that is worth a warning"),
    missingThresholdError: setting(read.decimal({ max: 1 }), 0.2, "share of missing days that is an error"),
    delayMsWarning: setting(read.minutes(), 5 * 60_000, "minutes of delay that are worth a warning", {
      key: "delay_threshold_warning",
    }),
    delayMsError: setting(read.minutes(), 10 * 60_000, "minutes of delay that are an error", {
      key: "delay_threshold_error",
    }),
    notificationTopic: setting(read.text(), "ginkgo.notifications", "topic that alerts go to"),
  },
  compat: {
    ginkgoUnits: setting(
      read.boolean(),
      false,
      "views answer in lots and thousand yuan as the original did; rows never do",
    ),
  },
  proxy: {
    http: optional(read.url(), "proxy for http calls to providers", { variables: ["HTTP_PROXY", "http_proxy"] }),
    https: optional(read.url(), "proxy for https calls to providers", { variables: ["HTTPS_PROXY", "https_proxy"] }),
    except: optional(read.text(), "hosts that are reached without proxy, commas between", {
      variables: ["NO_PROXY", "no_proxy"],
    }),
  },
} as const satisfies SettingsTree;

function mainTopic(topic: unknown, topics: unknown): string {
  return textOr(topic, textOr(Array.isArray(topics) ? topics[0] : undefined, UPDATE_TOPIC));
}

function clickhouseUrl(host: unknown, port: unknown, isHttps: unknown): string | undefined {
  if (typeof host !== "string") {
    return undefined;
  }
  const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${isHttps === true ? "https" : "http"}://${bare}:${typeof port === "number" ? port : 8123}`;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
