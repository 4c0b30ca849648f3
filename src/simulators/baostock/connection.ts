import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../market/random.ts";
import type { Answer } from "./answer-request.ts";
import { MARKER } from "./frame.ts";
import type { Session } from "./session.ts";

export interface ConnectionParts {
  readonly answer: (line: Buffer, session: Session) => Answer;
  readonly clock: Clock;
  readonly random: Random;
  /** How long the next answer takes. */
  readonly drawLatencyMs: () => number;
  /** Closes a connection on which nothing comes for so long; undefined leaves it open. */
  readonly idleMs: number | undefined;
  /** Aborts when the simulator closes. */
  readonly signal: AbortSignal;
}

/** Longer ones are no request of this protocol. */
const REQUEST_BYTES_MAX = 65_536;

/** Serves one client, a request after the other, until either side ends; its owner handles errors and time-outs. Never rejects. */
export async function serveConnection(socket: Socket, session: Session, parts: ConnectionParts): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => {
    gone.abort();
  });
  socket.setNoDelay(true);
  const line = new Line(socket, parts, AbortSignal.any([parts.signal, gone.signal]));
  try {
    for await (const request of requestsOf(socket)) {
      if (socket.writableEnded) {
        break;
      }
      socket.setTimeout(0);
      await line.send(parts.answer(request, session));
      if (line.isOver) {
        return;
      }
    }
    socket.end();
  } catch {
    // The client hung up, or the simulator closes: nobody is there to answer.
    socket.destroy();
  }
}

/** Pieces of the stream up to each LF. */
async function* requestsOf(socket: Socket): AsyncGenerator<Buffer, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    rest = Buffer.concat([rest, Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))]);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > REQUEST_BYTES_MAX) {
      socket.destroy();
      return;
    }
  }
}

/** The way back to the client, with what faults do to it. */
class Line {
  readonly signal: AbortSignal;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  #previous: Buffer | undefined;
  #heldBack: Buffer | undefined;
  /** A fault has ended the connection. */
  isOver = false;

  constructor(socket: Socket, parts: ConnectionParts, signal: AbortSignal) {
    this.#socket = socket;
    this.#parts = parts;
    this.signal = signal;
  }

  async send({ frame, fault, entry }: Answer): Promise<void> {
    const { clock } = this.#parts;
    const startedMs = clock.elapsedMs();
    const waitMs = this.#parts.drawLatencyMs() + (fault?.kind === "slow" ? fault.ms : 0);
    if (waitMs > 0) {
      await clock.sleep(waitMs, this.signal);
    }
    const held = this.#heldBack;
    this.#heldBack = undefined;
    if (held !== undefined) {
      await this.#write(held);
    }
    if (frame !== undefined) {
      await this.#sendFrame(frame, fault, entry);
    }
    if (entry.outcome !== undefined) {
      entry.latencyMs = Math.round(clock.elapsedMs() - startedMs);
    }
    if (!this.isOver) {
      this.closeWhenIdle(fault?.kind === "idle-close" ? fault.afterMs : this.#parts.idleMs);
    }
  }

  /** Ends the connection in order when nothing comes for so long. */
  closeWhenIdle(idleMs: number | undefined): void {
    if (idleMs === 0) {
      this.#socket.end();
    } else if (idleMs !== undefined) {
      this.#socket.setTimeout(idleMs);
    }
  }

  async #sendFrame(frame: Buffer, fault: Answer["fault"], entry: Answer["entry"]): Promise<void> {
    const previous = this.#previous;
    this.#previous = frame;
    if (fault !== undefined && REPLACED.has(fault.kind)) {
      entry.outcome = undefined;
    }
    if (fault?.kind === "late") {
      this.#heldBack = frame;
    } else if (fault?.kind === "previous") {
      await this.#write(previous ?? Buffer.alloc(0));
    } else if (fault?.kind === "garbage") {
      await this.#write(Buffer.from(fault.text));
    } else if (fault?.kind === "reset" || fault?.kind === "cut") {
      await this.#breakOff(frame, fault.afterBytes, fault.kind);
    } else if (fault?.kind === "drip") {
      await this.#drip(frame, fault.everyMs);
    } else if (fault?.kind !== "silence") {
      await this.#write(frame);
    }
  }

  /** At least one byte stays unsent: what ends after the last one would be a whole answer. */
  async #breakOff(frame: Buffer, afterBytes: number, how: "reset" | "cut"): Promise<void> {
    this.isOver = true;
    await this.#write(frame.subarray(0, Math.min(afterBytes, frame.length - 1)));
    if (how === "reset") {
      this.#socket.resetAndDestroy();
    } else {
      this.#socket.end();
    }
  }

  async #drip(frame: Buffer, everyMs: number): Promise<void> {
    for (let at = 0; at < frame.length; at += 1) {
      await this.#writePiece(frame.subarray(at, at + 1));
      if (everyMs > 0) {
        await this.#parts.clock.sleep(everyMs, this.signal);
      }
    }
  }

  /** In as many TCP segments as the seed says. */
  async #write(bytes: Buffer): Promise<void> {
    let from = 0;
    for (const to of [...drawCuts(bytes.length, this.#parts.random), bytes.length]) {
      if (to > from) {
        await this.#writePiece(bytes.subarray(from, to));
      }
      from = to;
    }
  }

  /** Lets the loop turn once, so that the next piece is a segment of its own. */
  async #writePiece(piece: Buffer): Promise<void> {
    this.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(piece, (error) => {
        if (error === null || error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      });
    });
    await setImmediate();
  }
}

/** Faults after which the client has not got the answer of this request. */
const REPLACED: ReadonlySet<string> = new Set(["silence", "late", "previous", "garbage", "reset", "cut"]);

const CUTS_MAX = 3;

/** Where an answer is cut, sorted: up to three places anywhere, and in one case of three one inside the marker. */
export function drawCuts(bytes: number, random: Random): readonly number[] {
  if (bytes < 2) {
    return [];
  }
  const cuts = Array.from({ length: random.between(0, CUTS_MAX) }, () => random.between(1, bytes - 1));
  if (bytes > MARKER.length && random.chance(1, 3)) {
    cuts.push(bytes - random.between(1, MARKER.length - 1));
  }
  return [...new Set(cuts)].toSorted((left, right) => left - right);
}
