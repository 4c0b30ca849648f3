import { once } from "node:events";
import { connect, type Socket } from "node:net";

import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import { TransientError } from "../../base/errors.ts";
import { FrameReader, type Frame, type FrameLimits } from "./frame.ts";

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly connectMsMax: number;
  /** From a request to the last byte of its answer. */
  readonly callMsMax: number;
  readonly limits: FrameLimits;
}

/** The connection went away before the answer was whole. */
export class LostConnectionError extends TransientError {
  /** False when not a byte of the answer came: the server may have closed before it saw the request. */
  readonly hasBegun: boolean;

  constructor(message: string, hasBegun: boolean, cause: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.hasBegun = hasBegun;
  }
}

interface Waiting {
  take(piece: Buffer): void;
  lose(cause: unknown): void;
}

/**
 * One TCP connection, one request at a time. States: idle, waiting for an answer, closed. Whatever goes wrong closes it,
 * since an answer has no number and the next one could be that of an earlier request; so does a byte nobody waits for.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #waiting: Waiting | undefined;
  #cause: unknown;

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (piece: Buffer) => {
      if (this.#waiting === undefined) {
        socket.destroy();
      } else {
        this.#waiting.take(piece);
      }
    });
    socket.on("error", (error) => {
      this.#cause = error;
    });
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#waiting?.lose(this.#cause));
  }

  /** Throws what the socket throws, TransientError after `connectMsMax`, the signal's reason. */
  static async open(options: ConnectionOptions, doing: string, signal: AbortSignal): Promise<Connection> {
    const { host, port, clock, connectMsMax } = options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const connection = new Connection(socket, options);
    try {
      await withDeadline(once(socket, "connect"), connectMsMax, `${doing}: connecting`, clock, signal);
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Throws LostConnectionError, what the reader throws, TransientError after `callMsMax`, the signal's reason. */
  async ask(request: Buffer, doing: string, signal: AbortSignal, msMax?: number): Promise<Frame> {
    const { clock, callMsMax, limits } = this.#options;
    const reader = new FrameReader(limits, doing);
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const waiting: Waiting = {
      take: (piece) => {
        try {
          const frame = reader.push(piece);
          if (frame !== undefined) {
            this.#waiting = undefined;
            resolve(frame);
          }
        } catch (error) {
          reject(error);
          this.destroy();
        }
      },
      lose: (cause) => {
        const what = reader.hasBegun ? "the connection was lost within the answer" : "the connection was lost";
        reject(new LostConnectionError(`${doing}: ${what}`, reader.hasBegun, cause));
      },
    };
    this.#waiting = waiting;
    try {
      if (this.isOpen) {
        this.#socket.write(request);
      } else {
        waiting.lose(this.#cause);
      }
      return await withDeadline(promise, msMax ?? callMsMax, doing, clock, signal);
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      this.#waiting = undefined;
    }
  }

  /** What waits for an answer loses it. */
  destroy(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("close", () => resolve());
    this.#socket.destroy();
    await promise;
  }
}
