import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A TCP client that knows no protocol: what a server really sends, and how it ends the connection. */
export class RawConnection implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #received = Buffer.alloc(0);
  #ended: "in order" | "by a reset" | "by ourselves" | undefined;
  /** Sizes of what came, piece by piece. */
  readonly pieces: number[] = [];

  static async open(port: number, host = "127.0.0.1"): Promise<RawConnection> {
    const socket = connect({ port, host, noDelay: true });
    const connection = new RawConnection(socket);
    await once(socket, "connect");
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (piece) => {
      this.pieces.push(piece.length);
      this.#received = Buffer.concat([this.#received, Buffer.from(piece)]);
      this.#wake();
    });
    socket.on("end", () => {
      this.#ended ??= "in order";
      this.#wake();
    });
    socket.on("error", () => {
      this.#ended ??= "by a reset";
      this.#wake();
    });
    socket.on("close", () => {
      this.#ended ??= "by ourselves";
      this.#wake();
    });
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Takes everything that has come as soon as it is enough; rejects when the connection ends before. */
  async receive(isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!isEnough(this.#received)) {
      if (this.#ended !== undefined) {
        throw new Error(`receiving: ended ${this.#ended} after ${JSON.stringify(this.#received.toString("latin1"))}`);
      }
      await this.#news();
    }
    const taken = this.#received;
    this.#received = Buffer.alloc(0);
    return taken;
  }

  /** What came before the server ended the connection, and how it did. */
  async end(): Promise<{ readonly bytes: Buffer; readonly how: "in order" | "by a reset" | "by ourselves" }> {
    while (this.#ended === undefined) {
      await this.#news();
    }
    return { bytes: this.#received, how: this.#ended };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#socket.closed) {
      const closed = once(this.#socket, "close");
      this.#socket.destroy();
      await closed;
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) {
      resolve();
    }
  }
}
