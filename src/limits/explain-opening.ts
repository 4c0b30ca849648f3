import { connect } from "node:net";

import { TransientError } from "../base/errors.ts";
import { speaksTls } from "../base/speaks-tls.ts";
import { isStranger, notRedis, tlsMismatch, translateOpening } from "./errors.ts";

export interface OpeningFailure {
  readonly error: unknown;
  /** What the client said of an answer that is none of Redis. */
  readonly strange: Error | undefined;
  /** The answer did not come in time. */
  readonly isLate: boolean;
  /** TLS is on, and the port answers without. */
  readonly isPlain: boolean;
  readonly doing: string;
}

export interface OpeningPlace {
  readonly host: string;
  readonly port: number;
  readonly isTlsOn: boolean;
}

const PING_MS_MAX = 1_000;

/**
 * The error of a connection that never was there. Where something took it and gave no answer of Redis, the port is asked
 * once more in the other way: a wrong `redis.tls` is not worth waiting for.
 */
export async function explainOpening(failure: OpeningFailure, place: OpeningPlace): Promise<unknown> {
  const { error, strange, isLate, isPlain, doing } = failure;
  const isStrange = strange !== undefined || isLate || isPlain;
  const translated = isStrange ? notRedis(doing, strange) : translateOpening(error, doing);
  if (!(translated instanceof TransientError) || !(isStrange || isStranger(error))) {
    return translated;
  }
  const { host, port, isTlsOn } = place;
  // With TLS on that was looked at while we waited.
  const isOther = !isTlsOn && (await speaksTls(host, port));
  return isPlain || isOther ? tlsMismatch(doing, isTlsOn, error) : translated;
}

/** Whether a port answers PING as Redis does. No name and no password is sent. Never throws. */
export async function speaksPlainRedis(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const late = setTimeout(() => resolve(false), PING_MS_MAX);
  const socket = connect({ host, port });
  try {
    socket.on("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (piece: Buffer) =>
      resolve(/^(?:\+PONG|-(?:NOAUTH|DENIED|LOADING))/.test(piece.toString("latin1"))),
    );
    return await promise;
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}
