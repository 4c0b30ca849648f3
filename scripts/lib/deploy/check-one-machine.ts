import path from "node:path";

import type { Config } from "../../../src/config.ts";
import { type Check, check, differs, unless } from "./check.ts";
import { type ComposeFile, type ComposeService, environmentIn, secretPathsOf } from "./compose.ts";
import { interpolate } from "./interpolate.ts";
import { kafkaProperties, listenersOf } from "./kafka-environment.ts";

export interface OneMachine {
  readonly file: string;
  readonly compose: ComposeFile;
  /** What the worker of the file would run with. */
  readonly config: Config | undefined;
  /** The version of Kafka that the tests run on. */
  readonly kafkaVersion: string;
  /** The image's ENV default of a build argument, by name. */
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** The servers around the worker in the file for one machine. */
export function checkOneMachine({ file, compose, config, kafkaVersion, buildArgs }: OneMachine): readonly Check[] {
  const { services } = compose;
  const { kafka, clickhouse, redis, worker } = services;
  if (kafka === undefined || clickhouse === undefined || redis === undefined || worker === undefined) {
    return [check(`${file}: has kafka, clickhouse, redis and worker`, ["one of them is missing"])];
  }
  return [
    check(`${file}: the worker waits until each server is healthy, and each says when it is`, [
      ...["kafka", "clickhouse", "redis"].map((name) =>
        differs(`the condition of ${name}`, worker.depends_on[name]?.condition, "service_healthy"),
      ),
      ...Object.entries(services).map(([name, { healthcheck }]) =>
        unless(healthcheck !== undefined, `${name} has no health check`),
      ),
    ]),
    check(`${file}: the addresses the worker gets are those of the services`, addressProblems(config)),
    check(`${file}: what is published is for this machine only, and each port once`, publishedProblems(services)),
    ...kafkaChecks(file, kafka, compose, config, kafkaVersion),
    check(
      `${file}: ClickHouse has a password, and the worker the same one`,
      passwordProblems(clickhouse, worker, config),
    ),
    check(`${file}: ClickHouse keeps its data in a volume and is healthy only when somebody can log in`, [
      volumeProblem(clickhouse, "/var/lib/clickhouse", compose),
      unless(
        clickhouse.environment["CLICKHOUSE_DB"] === undefined,
        "with CLICKHOUSE_DB a first start answers from inside before it serves anybody else",
      ),
      unless(
        clickhouse.healthcheck?.test.join(" ").includes("--password") === true,
        "its health check does not log in; /ping answers a server that lets nobody in",
      ),
    ]),
    check(`${file}: Redis forgets no limit by itself`, [
      unless(
        pairIn(redis.command ?? [], "--maxmemory-policy") === "noeviction",
        "--maxmemory-policy is not noeviction",
      ),
      unless(pairIn(redis.command ?? [], "--maxmemory") !== undefined, "--maxmemory is not set"),
    ]),
    check(`${file}: every secret and volume that is used is declared, and the image is built from this project`, [
      ...Object.entries(services).flatMap(([name, service]) =>
        service.secrets.map((secret) =>
          unless(compose.secrets[secret]?.file !== undefined, `${name} uses the secret ${secret}, which names no file`),
        ),
      ),
      // Compose copies a secret that is no file into the container, which a read-only root refuses.
      ...Object.entries(compose.secrets).map(([name, { file: from }]) =>
        unless(from?.startsWith("./secrets/") === true, `the secret ${name} is not in ./secrets`),
      ),
      differs("build.context", worker.build?.context, ".."),
      differs("build.dockerfile", worker.build?.dockerfile, "deploy/Dockerfile"),
      ...Object.entries(worker.build?.args ?? {}).map(([name, raw]) =>
        differs(`the build argument ${name}`, interpolate(raw), buildArgs[name] ?? ""),
      ),
    ]),
  ];
}

function kafkaChecks(
  file: string,
  kafka: ComposeService,
  compose: ComposeFile,
  config: Config | undefined,
  kafkaVersion: string,
): readonly Check[] {
  const settings = kafkaProperties(environmentIn(kafka));
  const listeners = listenersOf(settings.get("listeners"));
  const advertised = listenersOf(settings.get("advertised.listeners"));
  const controllers = (settings.get("controller.listener.names") ?? "").split(",");
  const published = new Set(kafka.ports.map((port) => Number.parseInt(port.split(":").at(-1) ?? "", 10)));
  const forClients = listeners.filter(({ name }) => !controllers.includes(name));
  const isPublic = ({ port }: { readonly port: number }): boolean => published.has(port);
  const ownAddress = config?.kafka.brokers[0];
  return [
    check(`${file}: one broker, so one replica of everything it keeps for itself and for us`, [
      ...[
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.min.isr",
      ].map((name) => differs(name, settings.get(name), "1")),
      config === undefined ? undefined : differs("kafka.replication of the worker", config.kafka.replication, 1),
    ]),
    check(`${file}: Kafka makes no topic by accident`, [
      differs("auto.create.topics.enable", settings.get("auto.create.topics.enable"), "false"),
    ]),
    check(`${file}: Kafka has a listener for the network and one for this machine, each announced as it is reached`, [
      differs("listeners for clients", forClients.length, 2),
      ...forClients.map((listener) => {
        const said = advertised.find(({ name }) => name === listener.name);
        const wanted = isPublic(listener) ? `127.0.0.1:${listener.port}` : ownAddress;
        return differs(`what ${listener.name} announces`, `${said?.host}:${said?.port}`, wanted);
      }),
      differs("listeners that are published", forClients.filter(isPublic).length, 1),
      unless(
        forClients.some(
          (listener) => listener.name === settings.get("inter.broker.listener.name") && !isPublic(listener),
        ),
        "inter.broker.listener.name is not the listener of the network",
      ),
    ]),
    check(`${file}: Kafka is the version the tests run on, with its messages in a volume`, [
      differs("image", kafka.image, `apache/kafka:${kafkaVersion}`),
      volumeProblem(kafka, settings.get("log.dirs") ?? "", compose),
      unless(/^[\w-]{22}$/.test(kafka.environment["CLUSTER_ID"] ?? ""), "CLUSTER_ID is not 22 characters of base64"),
    ]),
  ];
}

/** Servers' own ports, by service. */
const PORTS = { kafka: 9092, clickhouse: 8123, redis: 6379 } as const;

function addressProblems(config: Config | undefined): readonly (string | undefined)[] {
  if (config === undefined) {
    return [];
  }
  return [
    differs("kafka.brokers", config.kafka.brokers, [`kafka:${PORTS.kafka}`]),
    differs("clickhouse.url", config.clickhouse.url, `http://clickhouse:${PORTS.clickhouse}`),
    differs("redis", `${config.redis.host}:${config.redis.port}`, `redis:${PORTS.redis}`),
  ];
}

function publishedProblems(services: ComposeFile["services"]): readonly (string | undefined)[] {
  const all = Object.entries(services).flatMap(([name, { ports }]) => ports.map((port) => ({ name, port })));
  const outer = all.map(({ port }) => port.split(":").slice(0, -1).join(":"));
  return [
    ...all.map(({ name, port }) =>
      unless(/^127\.0\.0\.1:\d+:\d+$/.test(port), `${name} publishes ${port}, which others can reach`),
    ),
    unless(new Set(outer).size === outer.length, `one port is published twice: ${outer.join(", ")}`),
  ];
}

function passwordProblems(
  clickhouse: ComposeService,
  worker: ComposeService,
  config: Config | undefined,
): readonly (string | undefined)[] {
  const file = clickhouse.environment["CLICKHOUSE_PASSWORD_FILE"] ?? "";
  return [
    unless(
      secretPathsOf(clickhouse).has(file),
      `CLICKHOUSE_PASSWORD_FILE is ${file || "not set"}, no secret of the service`,
    ),
    differs("GINKGO_CLICKHOUSE_PASSWORD_FILE", worker.environment["GINKGO_CLICKHOUSE_PASSWORD_FILE"], file),
    config === undefined
      ? undefined
      : differs("clickhouse.user", config.clickhouse.user, clickhouse.environment["CLICKHOUSE_USER"] ?? "default"),
  ];
}

function volumeProblem(service: ComposeService, folder: string, compose: ComposeFile): string | undefined {
  const found = service.volumes
    .map((volume) => volume.split(":"))
    .find(([name = "", mount = ""]) => name in compose.volumes && isWithin(folder, mount));
  return unless(found !== undefined, `${folder || "the folder of its data"} is in no named volume`);
}

function isWithin(folder: string, mount: string): boolean {
  const relative = path.posix.relative(mount, folder);
  return folder !== "" && relative !== ".." && !relative.startsWith("../");
}

function pairIn(words: readonly string[], flag: string): string | undefined {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + 1];
}
