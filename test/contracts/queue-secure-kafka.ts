import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { findExecutable } from "../../scripts/lib/find-executable.ts";
import { findKafkaParts, kafkaSettings } from "../../scripts/lib/kafka-parts.ts";
import { runCommand } from "../../scripts/lib/run-command.ts";
import { plantSecret } from "../support/planted-secrets.ts";
import { startChild } from "../support/services/child-service.ts";
import { withFreePorts } from "../support/services/free-port.ts";
import { openGuardedFolder } from "../support/services/guarded-folder.ts";
import { askKafka } from "../support/services/kafka.ts";

/** A broker with TLS, passwords and access control: `worker` may do everything, `reader` may only read. */
export interface SecureKafka extends AsyncDisposable {
  /** Plaintext, without a password: may do everything. */
  readonly open: string;
  /** TLS and a password. */
  readonly secured: string;
  /** PEM text of the certificate to trust. */
  readonly ca: string;
  readonly password: string;
}

const STORE_PASSWORD = "test-store";

export interface SecureKafkaOptions {
  /** PEM file of key and certificate, and PEM text of who is to be trusted; one is made when absent. */
  readonly certificate?: { readonly bothFile: string; readonly ca: string };
}

export async function startSecureKafka({ certificate: given }: SecureKafkaOptions = {}): Promise<SecureKafka> {
  const password = plantSecret();
  const parts = findKafkaParts();
  const keytool = findExecutable("keytool");
  if (parts === undefined || keytool === undefined) {
    throw new Error("cannot start a secured Kafka: its jars, a Java or its keytool are not installed");
  }
  return withFreePorts(3, async ([port = 0, controllerPort = 0, securePort = 0]) => {
    const folder = await openGuardedFolder("kafka-secured");
    const dataFolder = path.join(folder.path, "data");
    const store = path.join(folder.path, "broker.p12");
    const certificate = path.join(folder.path, "ca.pem");
    const entry = ["-alias", "broker", "-keystore", store, "-storepass", STORE_PASSWORD];
    if (given === undefined) {
      await run(keytool, ["-genkeypair", ...entry, ...CERTIFICATE]);
      await run(keytool, ["-exportcert", "-rfc", ...entry, "-file", certificate]);
    }
    const keystore =
      given === undefined
        ? { type: "PKCS12", location: store, password: STORE_PASSWORD }
        : { type: "PEM", location: given.bothFile };
    const settingsFile = path.join(folder.path, "server.properties");
    const settings =
      kafkaSettings({ port, controllerPort, dataFolder }) +
      secured({ port, controllerPort, securePort }, keystore, password);
    await writeFile(settingsFile, settings);
    const clusterId = randomBytes(16).toString("base64url");
    const scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      "--add-scram",
      `${mechanism}=[name=worker,password=${password}]`,
    ]);
    const tool = [...parts.javaArgs, "kafka.tools.StorageTool"];
    await run(parts.java, [...tool, "format", "-t", clusterId, "-c", settingsFile, ...scram]);
    const open = `127.0.0.1:${port}`;
    const child = await startChild({
      name: "kafka",
      folder,
      command: parts.java,
      args: [...parts.javaArgs, "kafka.Kafka", settingsFile],
      isReady: async () => (await askKafka(open)).clusterId === clusterId,
    });
    return {
      open,
      secured: `127.0.0.1:${securePort}`,
      ca: given?.ca ?? (await readFile(certificate, "utf8")),
      password,
      [Symbol.asyncDispose]: () => child.stop(),
    };
  });
}

const CERTIFICATE =
  "-keyalg RSA -keysize 2048 -validity 30 -dname CN=127.0.0.1 -ext san=ip:127.0.0.1 -storetype PKCS12".split(" ");

interface Keystore {
  readonly type: string;
  readonly location: string;
  readonly password?: string;
}

function secured(
  { port, controllerPort, securePort }: Readonly<Record<"port" | "controllerPort" | "securePort", number>>,
  keystore: Keystore,
  password: string,
): string {
  const listener = "listener.name.sasl_ssl";
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  return `
listeners=PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${securePort},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${securePort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
ssl.keystore.type=${keystore.type}
ssl.keystore.location=${keystore.location}
${keystore.password === undefined ? "" : `ssl.keystore.password=${keystore.password}`}
${listener}.scram-sha-256.sasl.jaas.config=${scram}
${listener}.scram-sha-512.sasl.jaas.config=${scram}
${listener}.plain.sasl.jaas.config=${plain} user_worker="${password}" user_reader="${password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:worker
`;
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runCommand(command, [...args]);
  if (code !== 0) {
    throw new Error(`${path.basename(command)} ended with ${code}: ${output.slice(-1_000)}`);
  }
}
