import { createClient } from "redis";

import type { Log } from "../base/log.ts";
import { explainOpening, speaksPlainRedis } from "./explain-opening.ts";

export type RedisClient = ReturnType<typeof createClient>;

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  /** Default 0. */
  readonly database?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean;
  /** PEM text of the authorities to trust; the system's when absent. */
  readonly tlsCa?: string;
  /** How long the first connection may take until Redis has answered. Default 5 s. */
  readonly connectMsMax?: number;
  readonly log: Log;
}

export interface RedisConnection extends AsyncDisposable {
  readonly client: RedisClient;
}

const RECONNECT_MS_MAX = 1_000;
const CONNECT_MS_MAX = 5_000;
/** A greeting of TLS that is not answered by then makes us ask whether the port speaks TLS at all. */
const GREETING_MS_MAX = 1_500;

/**
 * Connects to Redis with one attempt. Afterwards the client reconnects by itself for ever; while Redis is away commands
 * are refused at once rather than queued. Throws TransientError when nothing answers, or something that is not Redis;
 * PermanentError with scope "budget" when the password or the certificate is refused; the signal's reason when it aborts.
 */
export async function openRedis(options: RedisOptions, signal: AbortSignal): Promise<RedisConnection> {
  signal.throwIfAborted();
  const { host, port, log } = options;
  const doing = `connecting to redis at ${host}:${port}`;
  const connectMsMax = options.connectMsMax ?? CONNECT_MS_MAX;
  let isOpened = false;
  let isAway = false;
  let strange: Error | undefined;
  const socket = {
    host,
    port,
    connectTimeout: connectMsMax,
    // The caller tries again at the start; later a password that is refused is being changed, and waits for whoever does it.
    reconnectStrategy: (retries: number, cause: Error) =>
      isOpened ? Math.min(20 * 2 ** Math.min(retries, 10), RECONNECT_MS_MAX) : cause,
  };
  const client: RedisClient = createClient({
    socket: options.tls === true ? { ...socket, tls: true, ...authority(options.tlsCa) } : socket,
    database: options.database ?? 0,
    disableOfflineQueue: true,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
  });
  // Longer than the socket may take, which has an error of its own.
  const late = AbortSignal.timeout(connectMsMax * 1.2);
  let isConnected = false;
  let isGivenUp = false;
  const { promise: givenUp, reject: endWaiting } = Promise.withResolvers<never>();
  givenUp.catch(() => undefined);
  const giveUp = (): void => {
    isGivenUp = true;
    endWaiting(new Error("given up"));
    // Destroyed while its socket is still connecting, the client would go on with it and wait for an answer for ever.
    if (isConnected && client.isOpen) {
      client.destroy();
    }
  };
  client.on("connect", () => {
    isConnected = true;
    if (isGivenUp && client.isOpen) {
      client.destroy();
    }
  });
  client.on("error", (error: unknown) => {
    if (!isOpened && error instanceof Error && error.message.startsWith("Unknown RESP type")) {
      // Nothing that comes after this will make sense.
      strange = error;
      giveUp();
    }
    if (isOpened && !isAway) {
      isAway = true;
      log.warn("redis is away", { host, port, error: error instanceof Error ? error.message : String(error) });
    }
  });
  client.on("ready", () => {
    if (isAway) {
      isAway = false;
      log.info("redis is back", { host, port });
    }
  });
  // Redis without TLS takes a greeting of TLS for the beginning of a command, and waits for the rest of it.
  let isPlain = false;
  const askPlainly = async (): Promise<void> => {
    const isRedis = options.tls === true && !isConnected && (await speaksPlainRedis(host, port));
    if (isRedis && !isConnected) {
      isPlain = true;
      giveUp();
    }
  };
  const doubt = setTimeout(() => void askPlainly(), GREETING_MS_MAX);
  signal.addEventListener("abort", giveUp, { once: true });
  late.addEventListener("abort", giveUp, { once: true });
  try {
    const connecting = client.connect();
    connecting.catch(() => undefined);
    await Promise.race([connecting, givenUp]);
    isOpened = true;
  } catch (error) {
    giveUp();
    signal.throwIfAborted();
    const failure = { error, strange, isLate: late.aborted, isPlain, doing };
    throw await explainOpening(failure, { host, port, isTlsOn: options.tls === true });
  } finally {
    clearTimeout(doubt);
    signal.removeEventListener("abort", giveUp);
    late.removeEventListener("abort", giveUp);
  }
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      // Whatever is in flight is nobody's any more; a polite close would wait for a server that may be away.
      if (client.isOpen) {
        client.destroy();
      }
    },
  };
}

function authority(ca: string | undefined): { readonly ca?: string } {
  return ca === undefined ? {} : { ca };
}
