import { Admin, type ClusterMetadata } from "@platformatic/kafka";

import { systemClock } from "../../base/clock.ts";
import { PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { type KafkaConnection, toClientOptions } from "./connection.ts";
import { withDeadline } from "../../base/deadline.ts";
import { speaksTls } from "../../base/speaks-tls.ts";
import { isStranger, TLS_EXPECTED, translate } from "./errors.ts";

export interface KafkaCluster {
  readonly clusterId: string;
  readonly brokers: number;
}

/** One question, and how long connecting and answering may take each. */
const PROBE_MS = 5_000;

/**
 * Asks once who is there, before a consumer is built that would hide a wrong password behind its retries. Takes some
 * seconds at most. PermanentError: credentials or TLS are refused. TransientError: nobody answers, or no Kafka does.
 */
export async function probeKafka(connection: KafkaConnection, signal?: AbortSignal): Promise<KafkaCluster> {
  const doing = connectingTo(connection);
  const { connectTimeoutMs = PROBE_MS, requestTimeoutMs = PROBE_MS } = connection;
  const hurried = {
    ...connection,
    connectTimeoutMs: Math.min(connectTimeoutMs, PROBE_MS),
    requestTimeoutMs: Math.min(requestTimeoutMs, PROBE_MS),
  };
  const ask = (admin: Admin): Promise<ClusterMetadata> =>
    withDeadline(admin.metadata({}), 2 * PROBE_MS + 1_000, doing, systemClock, signal);
  try {
    return toCluster(await withAdmin(hurried, ask, doing, signal, 0));
  } catch (error) {
    if (connection.tls === undefined && isMisunderstood(error) && (await expectsTls(connection))) {
      throw tellingWhatToDo(new PermanentError(`${doing}: ${TLS_EXPECTED}`, "queue", { cause: error }));
    }
    if (error instanceof TransientError && isStranger(error.cause)) {
      const text = `${doing}: something answers there, but it is not Kafka, or it expects TLS, or it hangs`;
      throw tellingWhatToDo(new TransientError(`${text}: check kafka.brokers and kafka.tls`, { cause: error.cause }));
    }
    throw error;
  }
}

/** The client may take a TLS server's refusal for an answer of Kafka's, such as a list of no mechanism to log in by. */
function isMisunderstood(error: unknown): boolean {
  return error instanceof PermanentError
    ? error.isCredentials
    : error instanceof TransientError && isStranger(error.cause);
}

async function expectsTls({ brokers }: KafkaConnection): Promise<boolean> {
  const answers = await Promise.all(
    brokers.map(async (broker) => {
      const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(broker) ?? [];
      return port !== "" && (await speaksTls(host.replaceAll(/^\[|\]$/g, ""), parseInt(port, 10)));
    }),
  );
  return answers.includes(true);
}

/** Runs `ask` with an administrator that tries twice unless told otherwise, and closes it. Errors are translated. */
export async function withAdmin<T>(
  connection: KafkaConnection,
  ask: (admin: Admin) => Promise<T>,
  doing: string,
  signal?: AbortSignal,
  retries = 1,
): Promise<T> {
  signal?.throwIfAborted();
  const admin = new Admin({ ...toClientOptions(connection), retries, retryDelay: 200 });
  const close = (): void => void admin.close().catch(() => undefined);
  signal?.addEventListener("abort", close, { once: true });
  try {
    return await ask(admin);
  } catch (error) {
    signal?.throwIfAborted();
    throw translate(error, doing);
  } finally {
    signal?.removeEventListener("abort", close);
    close();
  }
}

export function connectingTo({ brokers }: KafkaConnection): string {
  return `connecting to Kafka at ${brokers.join(", ")}`;
}

function toCluster(metadata: ClusterMetadata): KafkaCluster {
  return { clusterId: metadata.id, brokers: metadata.brokers.size };
}
