import { connect, type Socket } from "node:net";

import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import { TransientError } from "../../base/errors.ts";
import { orAbort } from "../../base/or-abort.ts";
import { Semaphore } from "../../base/semaphore.ts";
import type { Command } from "./command.ts";
import { GarbledAnswerError, HollowAnswerError, translate } from "./errors.ts";
import { encodeRequest, FrameReader, unpackBody, type Frame } from "./frame.ts";
import { decodeGbk } from "./primitives.ts";
import { HANDSHAKE, HEARTBEAT } from "./session-commands.ts";

export interface TdxServer {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionTimes {
  readonly clock: Clock;
  /** Until the server has taken the connection. */
  readonly connectMsMax: number;
  /** Until an answer is there; after it the connection is dropped. */
  readonly answerMsMax: number;
  /** Between an answer and the next request. */
  readonly pauseMs: number;
  /** Of silence, after which a heartbeat is sent: servers drop a connection that is silent for about 60 s. */
  readonly heartbeatMs: number;
}

/** Answers of nobody that one answer of ours may have before it; beyond it the server talks nonsense. */
const STRAY_FRAMES_MAX = 64;
const SEQUENCES = 2 ** 32;

interface Waiting {
  readonly sequence: number;
  readonly type: number;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection to one server, greeted. States: open, on which one request at a time is under way and the others wait
 * their turn; closed, for good, as soon as the socket fails, an answer is late or bytes are no answer. While it is open
 * and nobody asks, it sends heartbeats.
 *
 * An aborted request is given up at once; its answer may still come and is known by its sequence number as nobody's.
 */
export class TdxConnection implements AsyncDisposable {
  readonly server: TdxServer;
  /** How long the server took to accept. */
  readonly connectMs: number;
  readonly #times: ConnectionTimes;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #closed = new AbortController();
  /** The server's current day, as it last said. */
  #seenDay: string | undefined;
  #sequence = 0;
  #strays = 0;
  #waiting: Waiting | undefined;
  /** Ends when the request before has. */
  readonly #turns = new Semaphore(1);
  #lastTrafficMs: number;

  private constructor(server: TdxServer, socket: Socket, times: ConnectionTimes, connectMs: number) {
    this.server = server;
    this.connectMs = connectMs;
    this.#socket = socket;
    this.#times = times;
    this.#lastTrafficMs = times.clock.elapsedMs() - times.pauseMs;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#close(translate(error, `talking to ${nameOf(server)}`)));
    const hungUp = (): void => this.#close(new TransientError(`talking to ${nameOf(server)}: the server hung up`));
    // A server that ends its side answers no more, and a request written after that would fail in the socket.
    socket.on("end", hungUp);
    socket.on("close", hungUp);
  }

  /** Connects and greets; throws TransientError, or the signal's reason. */
  static async open(server: TdxServer, times: ConnectionTimes, signal: AbortSignal): Promise<TdxConnection> {
    signal.throwIfAborted();
    const startedMs = times.clock.elapsedMs();
    const socket = connect({ host: server.host, port: server.port, noDelay: true });
    const doing = `connecting to ${nameOf(server)}`;
    try {
      await withDeadline(connected(socket), times.connectMsMax, doing, times.clock, signal);
    } catch (error) {
      socket.on("error", () => undefined);
      socket.destroy();
      signal.throwIfAborted();
      throw translate(error, doing);
    }
    const connection = new TdxConnection(server, socket, times, times.clock.elapsedMs() - startedMs);
    try {
      await connection.ask(HANDSHAKE, signal);
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
    void connection.#beat();
    return connection;
  }

  get isOpen(): boolean {
    return !this.#closed.signal.aborted;
  }

  get seenDay(): string | undefined {
    return this.#seenDay;
  }

  /** The server's current trading date, as ISO text, which it says with every heartbeat. */
  async currentDay(signal: AbortSignal): Promise<string> {
    this.#seenDay = await this.ask(HEARTBEAT, signal);
    return this.#seenDay;
  }

  /** The answer of `command`; throws TransientError (also for a hollow or garbled answer) or the signal's reason. */
  async ask<Answer>(command: Command<Answer>, signal: AbortSignal): Promise<Answer> {
    const stop = AbortSignal.any([signal, this.#closed.signal]);
    try {
      using _ = await this.#turns.enter(stop);
      const silentMs = this.#times.clock.elapsedMs() - this.#lastTrafficMs;
      if (silentMs < this.#times.pauseMs) {
        await this.#times.clock.sleep(this.#times.pauseMs - silentMs, stop);
      }
      return readAnswer(command, await this.#exchange(command, signal));
    } catch (error) {
      signal.throwIfAborted();
      // Nothing after such an answer can be trusted on this connection.
      this.#close(error);
      throw named(error, `asking ${nameOf(this.server)} for ${command.name}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isGone = this.#socket.closed;
    this.#close(new TransientError(`talking to ${nameOf(this.server)}: the connection was closed`));
    if (!isGone) {
      await new Promise<void>((resolve) => {
        if (this.#socket.closed) {
          resolve();
        } else {
          this.#socket.once("close", () => resolve());
        }
      });
    }
  }

  async #exchange({ name, type, body }: Command<unknown>, signal: AbortSignal): Promise<Buffer> {
    this.#closed.signal.throwIfAborted();
    signal.throwIfAborted();
    const { clock, answerMsMax } = this.#times;
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    this.#strays = 0;
    const sequence = this.#sequence;
    const answer = new Promise<Buffer>((resolve, reject) => {
      this.#waiting = { sequence, type, resolve, reject };
    });
    answer.catch(() => undefined);
    this.#lastTrafficMs = clock.elapsedMs();
    this.#socket.write(encodeRequest({ sequence, type, body }));
    const over = new AbortController();
    const doing = `asking ${nameOf(this.server)} for ${name}`;
    const late = clock.sleep(answerMsMax, AbortSignal.any([over.signal, this.#closed.signal])).then(
      () => this.#close(new TransientError(`${doing}: no answer within ${answerMsMax} ms`)),
      () => undefined,
    );
    try {
      return await orAbort(answer, signal);
    } finally {
      over.abort();
      await late;
      this.#waiting = undefined;
      this.#lastTrafficMs = clock.elapsedMs();
    }
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        this.#deliver(frame);
      }
    } catch (error) {
      this.#close(error);
    }
  }

  #deliver(frame: Frame): void {
    const waiting = this.#waiting;
    if (waiting === undefined || frame.sequence !== waiting.sequence) {
      this.#strays += 1;
      if (this.#strays > STRAY_FRAMES_MAX) {
        throw new GarbledAnswerError(`talking to ${nameOf(this.server)}: ${this.#strays} answers to no question`);
      }
      return;
    }
    if (frame.type !== waiting.type) {
      const types = `0x${frame.type.toString(16)} instead of 0x${waiting.type.toString(16)}`;
      throw new GarbledAnswerError(`talking to ${nameOf(this.server)}: an answer of type ${types}`);
    }
    waiting.resolve(unpackBody(frame));
  }

  /** The first reason stands. */
  #close(reason: unknown): void {
    if (this.#closed.signal.aborted) {
      return;
    }
    this.#closed.abort(reason);
    this.#socket.destroy();
    this.#waiting?.reject(reason);
  }

  /** Ends with the connection. A heartbeat that fails closes it, as any request does. */
  async #beat(): Promise<void> {
    const { clock, heartbeatMs } = this.#times;
    const closed = this.#closed.signal;
    try {
      while (!closed.aborted) {
        const silentMs = clock.elapsedMs() - this.#lastTrafficMs;
        if (silentMs >= heartbeatMs) {
          await this.currentDay(closed);
        } else {
          await clock.sleep(heartbeatMs - silentMs, closed);
        }
      }
    } catch (error) {
      this.#close(error);
    }
  }
}

export function nameOf({ host, port }: TdxServer): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
}

/** What most hosts say to clients they do not want, whatever was asked. */
const REFUSAL = /不匹配|不能使用/;

function readAnswer<Answer>(command: Command<Answer>, body: Buffer): Answer {
  try {
    return command.read(body);
  } catch (error) {
    const text = decodeGbk(body.subarray(0, 200));
    if (REFUSAL.test(text)) {
      throw new HollowAnswerError(`the server refuses us, it says ${JSON.stringify(text)}`, { cause: error });
    }
    throw error;
  }
}

function named(error: unknown, doing: string): unknown {
  if (error instanceof HollowAnswerError) {
    return new HollowAnswerError(`${doing}: ${error.message}`, { cause: error });
  }
  return error instanceof GarbledAnswerError
    ? new GarbledAnswerError(`${doing}: ${error.message}`, { cause: error })
    : error;
}
