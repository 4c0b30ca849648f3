import { EventEmitter } from "node:events";
import { isIP } from "node:net";

import type { AdminOptions } from "@platformatic/kafka";

export const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** How brokers are reached; the same for consumer, producer and admin. */
export interface KafkaConnection {
  /** `host:port`, asked in turn until one answers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls?: {
    /** PEM text of the authorities to trust; the system's when absent. */
    readonly ca?: string;
    /** PEM text of our own certificate and key, where brokers ask for one. */
    readonly cert?: string;
    readonly key?: string;
  };
  readonly sasl?: {
    readonly mechanism: SaslMechanism;
    readonly username: string;
    readonly password: string;
  };
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

export const CONNECT_TIMEOUT_MS = 5_000;
/** Must be longer than the longest fetch wait. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** The options that every client of the library shares. */
export function toClientOptions(connection: KafkaConnection): AdminOptions {
  const { brokers, clientId, tls, sasl } = connection;
  // A server name is a name; an address in its place is refused by TLS.
  const hasNames = brokers.some((broker) => isIP(broker.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")) === 0);
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connection.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    requestTimeout: connection.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    ...(tls === undefined ? {} : { tls: { ...tls }, ...(hasNames ? { tlsServerName: true } : {}) }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
  };
}

/** Waits of the client's own retries: 50 ms doubled up to 1.6 s, less up to a quarter at random; some 3 s for five. */
export function retryDelayMs(client: object, _operation: string, attempt: number): number {
  endRetriesOfClosed(client);
  return Math.min(1_600, 50 * 2 ** attempt) * (0.75 + Math.random() / 4);
}

/**
 * A client that is closed while the brokers are away can go on asking for them for ever, and keeps its process alive: a
 * retry that begins after the closing has missed the event that would have ended it. So it is told again.
 */
export function endRetriesOfClosed(client: object): void {
  if (client instanceof EventEmitter && "closed" in client && client.closed === true) {
    setImmediate(() => client.emit("client:close"));
  }
}
