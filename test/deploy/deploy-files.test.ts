import assert from "node:assert/strict";
import { test } from "node:test";

import { checkDeployFiles, type DeployFile, readDeployFiles } from "../../scripts/lib/deploy/check-all.ts";
import { programWords, whyNoCommand } from "../../scripts/lib/deploy/program-words.ts";

const texts = readDeployFiles();
const words = programWords();

test("nothing is wrong with the files of deploy/", () => {
  const wrong = checkDeployFiles(texts, words).filter(({ problems }) => problems.length > 0);
  assert.deepEqual(wrong, []);
});

/** What a hand could change in the files, and what is said then. */
const CHANGES: readonly (readonly [file: DeployFile, from: string | RegExp, to: string, said: RegExp])[] = [
  ["deploy/Dockerfile", "npm ci --omit=dev", "npm ci", /node_modules comes from stage dependencies/],
  ["deploy/Dockerfile", "--from=dependencies", "--from=build", /node_modules comes from stage build/],
  ["deploy/Dockerfile", "USER 1000:1000", "USER node", /USER is node/],
  ["deploy/Dockerfile", "USER 1000:1000\n", "", /USER is not set/],
  ["deploy/Dockerfile", "EXPOSE 8080", "EXPOSE 8080\nRUN touch here", /made after USER/],
  ["deploy/Dockerfile", "EXPOSE 8080", "EXPOSE 8081", /EXPOSE is "8081", expected "8080"/],
  ["deploy/Dockerfile", "--start-period=60s", "--start-period=5s", /--start-period is 5, expected 60/],
  ["deploy/Dockerfile", '["gdw", "health"]', '["gdw", "helth"]', /the program has no command helth/],
  ["deploy/Dockerfile", 'CMD ["start"]', 'CMD ["run"]', /the program has no command run/],
  ["deploy/Dockerfile", 'ENTRYPOINT ["gdw"]', "ENTRYPOINT gdw", /ENTRYPOINT is missing/],
  ["deploy/Dockerfile", "--max-old-space-size=256", "--max-old-space-size=512", /to 524 MiB, at most 307.2 fit/],
  ["deploy/Dockerfile", " --max-semi-space-size=4", "", /to NaN MiB/],
  ["deploy/Dockerfile", "COPY src src", "COPY sources src", /copies sources, which does not exist/],
  ["deploy/Dockerfile", "ARG NPM_CONFIG_REGISTRY\n", "", /without ARG NPM_CONFIG_REGISTRY/],
  ["deploy/Dockerfile", "AS dependencies", "AS dependencies\nENV A=https://x", /line \d+ has an address in it/],
  ["deploy/Dockerfile", "GINKGO_HEALTH_HOST=0.0.0.0", "GINKGO_HEALTH_HOST=", /GINKGO_HEALTH_HOST/],
  ["deploy/Dockerfile.dockerignore", "*\n", "", /does not begin with \*/],
  ["deploy/Dockerfile.dockerignore", "!src\n", "", /copies src, which the ignore file hides/],
  ["deploy/Dockerfile.dockerignore", "!src\n", "!src\n!test\n", /sees test and copies it nowhere/],
  ["deploy/docker-compose.yml", "GINKGO_KAFKA_BROKERS", "GINKGO_KAFKA_BROKER", /GINKGO_KAFKA_BROKER is no setting/],
  ["deploy/docker-compose.yml", "LOG_LEVEL:-info", "LOG_LEVEL:-loud", /logging.level .* got "loud"/],
  ["deploy/docker-compose.yml", "BROKERS: kafka:9092", "BROKERS: http://kafka:9092", /kafka.brokers .*expected/],
  ["deploy/docker-compose.yml", "BROKERS: kafka:9092", "BROKERS: kafka:9094", /kafka.brokers is \["kafka:9094"\]/],
  ["deploy/docker-compose.yml", "GINKGO_REDIS_HOST: redis", "GINKGO_REDIS_DB: 0", /redis.host is missing/],
  ["deploy/docker-compose.yml", "TUSHARE_TOKEN_FILE: /run", "TUSHARE_TOKEN_FILE: /var", /there is no file/],
  [
    "deploy/docker-compose.yml",
    /TUSHARE_TOKEN_FILE: .*/,
    "TUSHARE_TOKEN: abc",
    /TUSHARE_TOKEN has a value in the file/,
  ],
  ["deploy/docker-compose.yml", "replicas: 3", "replicas: 2", /deploy.replicas is 2, expected 3/],
  ["deploy/docker-compose.yml", "memory: 512M", "memory: 1g", /limit of memory in MiB is 1024, expected 512/],
  ["deploy/docker-compose.yml", 'cpus: "0.25"', 'cpus: "0.5"', /reserved cpus is 0.5/],
  ["deploy/docker-compose.yml", "read_only: true", "container_name: worker", /container_name forbids/],
  ["deploy/docker-compose.yml", "read_only: true", "ports: ['127.0.0.1:8080:8080']", /published by one copy only/],
  ["deploy/docker-compose.yml", "read_only: true", "", /read_only is not set/],
  ["deploy/docker-compose.yml", "stop_grace_period: 40s", "stop_grace_period: 20s", /drains for 25000 ms/],
  ["deploy/docker-compose.yml", "- ALL", "- KILL", /cap_drop does not say ALL/],
  ["deploy/docker-compose.yml", "condition: service_healthy", "condition: service_started", /condition of kafka/],
  ["deploy/docker-compose.yml", "127.0.0.1:8123:8123", "8123:8123", /others can reach/],
  ["deploy/docker-compose.yml", "127.0.0.1:9094:9094", "127.0.0.1:8123:9094", /published twice/],
  [
    "deploy/docker-compose.yml",
    "OFFSETS_TOPIC_REPLICATION_FACTOR: 1",
    "X: 1",
    /offsets.topic.replication.factor is missing/,
  ],
  ["deploy/docker-compose.yml", "STATE_LOG_MIN_ISR: 1", "STATE_LOG_MIN_ISR: 2", /transaction.state.log.min.isr is "2"/],
  ["deploy/docker-compose.yml", 'ENABLE: "false"', 'ENABLE: "true"', /auto.create.topics.enable is "true"/],
  ["deploy/docker-compose.yml", "HOST://127.0.0.1:9094", "HOST://kafka:9094", /what HOST announces is "kafka:9094"/],
  ["deploy/docker-compose.yml", "NETWORK://kafka:9092,HOST", "NETWORK://localhost:9092,HOST", /what NETWORK announces/],
  ["deploy/docker-compose.yml", "_LOG_DIRS: /var/lib/kafka/data", "_LOG_DIRS: /tmp/logs", /\/tmp\/logs is in no named/],
  ["deploy/docker-compose.yml", /apache\/kafka:\S+/, "apache/kafka:3.9.0", /image is "apache\/kafka:3.9.0"/],
  ["deploy/docker-compose.yml", "      CLICKHOUSE_PASSWORD_FILE", "      X", /CLICKHOUSE_PASSWORD_FILE is not set/],
  ["deploy/docker-compose.yml", "# No CLICKHOUSE_DB", "CLICKHOUSE_DB: x #", /with CLICKHOUSE_DB a first start/],
  ["deploy/docker-compose.yml", "noeviction", "allkeys-lru", /not noeviction/],
  ["deploy/docker-compose.yml", "file: ./secrets/tushare_token", "environment: TUSHARE_TOKEN", /names no file/],
  ["deploy/docker-compose.yml", "- clickhouse-data:", "- /srv:", /\/var\/lib\/clickhouse is in no named volume/],
  ["deploy/ginkgo.compose.yml", "GINKGO_DEBUG_MODE", "GINKGO_MONGODB_HOST", /GINKGO_MONGODB_HOST is no setting/],
  ["deploy/ginkgo.compose.yml", "${MYSQL_PASSWORD:-}", "${MYSQL_PASSWORD:-root}", /GINKGO_MYSQL_PASSWORD has a value/],
  ["deploy/ginkgo.compose.yml", "interval: 30s", "interval: 5s", /interval in seconds is 5, expected 30/],
  ["deploy/kubernetes.yaml", "path: /readyz", "path: /ready", /serves nothing at \/ready$/],
  ["deploy/kubernetes.yaml", "failureThreshold: 2", "failureThreshold: 3", /failureThreshold of readinessProbe is 3/],
  ["deploy/kubernetes.yaml", "containerPort: 8080", "containerPort: 80", /containerPort is \[80\], expected \[8080\]/],
  ["deploy/kubernetes.yaml", "- name: http\n", "- name: web\n", /asks the port http/],
  ["deploy/kubernetes.yaml", "args: [start]", "args: [serve]", /no command serve/],
  ["deploy/kubernetes.yaml", "memory: 512Mi", "memory: 1Gi", /limit of memory in MiB is 1024/],
  ["deploy/kubernetes.yaml", "cpu: 250m", "cpu: 500m", /requested cpus is 0.5/],
  ["deploy/kubernetes.yaml", "terminationGracePeriodSeconds: 40", "x: 1", /PeriodSeconds is 30, expected 40/],
  ["deploy/kubernetes.yaml", "enableServiceLinks: false", "x: 1", /enableServiceLinks is on/],
  ["deploy/kubernetes.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", /readOnlyRoot/],
  ["deploy/kubernetes.yaml", "runAsUser: 1000", "runAsUser: 0", /may run as root/],
  ["deploy/kubernetes.yaml", "defaultMode: 288", "defaultMode: 440", /defaultMode of ginkgo-data-worker is 440/],
  ["deploy/kubernetes.yaml", "path: tushare_token", "path: token", /there is no file/],
  ["deploy/kubernetes.yaml", "maxReplicas: 8", "maxReplicas: 48", /48, and 24 partitions/],
  ["deploy/kubernetes.yaml", "maxUnavailable: 1\n", "maxUnavailable: 3\n", /maxUnavailable is 3 of 3/],
];

for (const [file, from, to, said] of CHANGES) {
  test(`${file}: ${String(from).trim()} → ${to.trim()} is noticed`, () => {
    const text = texts[file].replace(from, to);
    assert.notEqual(text, texts[file], "the change applies");
    const problems = checkDeployFiles({ ...texts, [file]: text }, words).flatMap(({ problems }) => problems);
    assert.match(problems.join("\n"), said);
  });
}

test("labels that do not fit, and an object of another version, are noticed", () => {
  const file = "deploy/kubernetes.yaml";
  const label = "app.kubernetes.io/name: ginkgo-data-worker";
  const at = texts[file].indexOf(label, texts[file].indexOf("template:"));
  const text = `${texts[file].slice(0, at)}app.kubernetes.io/name: other${texts[file].slice(at + label.length)}`;
  const problems = checkDeployFiles({ ...texts, [file]: text }, words).flatMap(({ problems }) => problems);
  assert.deepEqual(problems, [
    "the Deployment's selector does not select its own pods",
    "the PodDisruptionBudget selects other pods",
  ]);
  const older = texts[file].replace("policy/v1", "policy/v1beta1");
  assert.throws(() => checkDeployFiles({ ...texts, [file]: older }, words), /policy\/v1/);
});

test("a command that the program lacks is noticed, with its subcommand or without", () => {
  const some = { ...words, commands: new Set(["start", "topics", "topics ensure"]) };
  assert.equal(whyNoCommand(["topics", "ensure"], some), undefined);
  assert.equal(whyNoCommand(["start", "--port"], some), undefined);
  assert.match(whyNoCommand(["health", "--live"], some) ?? "", /no command health/);
});
