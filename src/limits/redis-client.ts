import { createClient } from "redis";

import type { Log } from "../base/log.ts";
import { isRefusal, translate } from "./errors.ts";

export type RedisClient = ReturnType<typeof createClient>;

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  /** Default 0. */
  readonly database?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: boolean;
  /** One attempt to connect. Default 5 s. */
  readonly connectMsMax?: number;
  readonly log: Log;
}

export interface RedisConnection extends AsyncDisposable {
  readonly client: RedisClient;
}

const RECONNECT_MS_MAX = 1_000;

/**
 * Connects to Redis, trying until it answers or the signal aborts (then it rejects with the signal's reason, the last
 * failure in the log). Afterwards it reconnects by itself for ever; while it is away commands are refused at once rather
 * than queued. Throws PermanentError with scope "budget" when the password is refused.
 */
export async function openRedis(options: RedisOptions, signal: AbortSignal): Promise<RedisConnection> {
  signal.throwIfAborted();
  const { host, port, log } = options;
  const doing = `connecting to redis at ${host}:${port}`;
  let isOpened = false;
  let isAway = false;
  const socket = {
    host,
    port,
    connectTimeout: options.connectMsMax ?? 5_000,
    // A password that is refused at the start is a setting; later it is being changed, and waits for whoever does it.
    reconnectStrategy: (retries: number, cause: Error) =>
      !isOpened && isRefusal(cause) ? cause : Math.min(20 * 2 ** Math.min(retries, 10), RECONNECT_MS_MAX),
  };
  const client: RedisClient = createClient({
    socket: options.tls === true ? { ...socket, tls: true } : socket,
    database: options.database ?? 0,
    disableOfflineQueue: true,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
  });
  client.on("error", (error: unknown) => {
    if (!isAway) {
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
  const giveUp = (): void => client.destroy();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await client.connect();
    isOpened = true;
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, doing);
  } finally {
    signal.removeEventListener("abort", giveUp);
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
