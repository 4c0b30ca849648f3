import { Admin, type ClusterMetadata } from "@platformatic/kafka";

import { type KafkaConnection, toClientOptions } from "./connection.ts";
import { translate } from "./errors.ts";

export interface KafkaCluster {
  readonly clusterId: string;
  readonly brokers: number;
}

/**
 * Asks once who is there, before a consumer is built that would hide a wrong password behind its retries.
 * PermanentError: credentials or TLS are refused. TransientError: nobody answers.
 */
export async function probeKafka(connection: KafkaConnection, signal?: AbortSignal): Promise<KafkaCluster> {
  const metadata = await withAdmin(connection, (admin) => admin.metadata({}), connectingTo(connection), signal);
  return toCluster(metadata);
}

/** Runs `ask` with an administrator that tries twice, and closes it. Errors are translated. */
export async function withAdmin<T>(
  connection: KafkaConnection,
  ask: (admin: Admin) => Promise<T>,
  doing: string,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const admin = new Admin({ ...toClientOptions(connection), retries: 1, retryDelay: 200 });
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
