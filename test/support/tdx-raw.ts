import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { inflateSync } from "node:zlib";

/** A request or an answer written in hexadecimal digits, with spaces and lines for the reader's eye. */
export function hex(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, "");
  const bytes = Buffer.from(digits, "hex");
  if (bytes.length * 2 !== digits.length) {
    throw new RangeError(`reading hexadecimal digits: ${digits.length} of them are no whole bytes`);
  }
  return bytes;
}

/** A frame as it came: `body` inflated where it was compressed. */
export interface RawFrame {
  readonly bytes: Buffer;
  readonly flags: number;
  readonly sequence: number;
  readonly type: number;
  readonly body: Buffer;
}

/** Bytes to and from a TDX server, without a client's help. Frames are split by what their headers say. */
export class TdxRaw implements Disposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  /** How the bytes arrived, a size a segment. */
  readonly segments: number[] = [];
  #isEnded = false;
  #next = Promise.withResolvers<undefined>();
  #error: unknown;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.segments.push(chunk.length);
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#isEnded = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#error = error;
    });
  }

  static async open(port: number): Promise<TdxRaw> {
    const socket = connect({ host: "127.0.0.1", port });
    const client = new TdxRaw(socket);
    await once(socket, "connect");
    return client;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get error(): unknown {
    return this.#error;
  }

  get received(): Buffer {
    return this.#received;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Takes so many bytes, or rejects when the connection ends before. */
  async take(count: number): Promise<Buffer> {
    while (this.#received.length < count) {
      if (this.#isEnded) {
        throw new Error(`the connection ended after ${this.#received.length} of ${count} bytes`);
      }
      await this.#next.promise;
    }
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  async frame(): Promise<RawFrame> {
    const header = await this.take(16);
    const wire = await this.take(header.readUInt16LE(12));
    const isDeflated = header.readUInt16LE(12) !== header.readUInt16LE(14);
    return {
      bytes: Buffer.concat([header, wire]),
      flags: header.readUInt8(4),
      sequence: header.readUInt32LE(5),
      type: header.readUInt16LE(10),
      body: isDeflated ? inflateSync(wire) : wire,
    };
  }

  async ask(type: number, body: Uint8Array, sequence = 1): Promise<RawFrame> {
    this.send(encodeRequest(type, body, sequence));
    return this.frame();
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#isEnded) {
      await this.#next.promise;
    }
  }

  /** Lets those look again who wait for more bytes or for the end. */
  #wake(): void {
    this.#next.resolve(undefined);
    this.#next = Promise.withResolvers<undefined>();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export function encodeRequest(type: number, body: Uint8Array, sequence = 1): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x0c, 0);
  header.writeUInt32LE(sequence, 1);
  header.writeUInt8(1, 5);
  header.writeUInt16LE(body.length + 2, 6);
  header.writeUInt16LE(body.length + 2, 8);
  header.writeUInt16LE(type, 10);
  return Buffer.concat([header, body]);
}

/** The body of a request for bars. */
export function barsBody(
  market: number,
  digits: string,
  category: number,
  start: number,
  count: number,
  multiplier = 1,
): Buffer {
  const body = Buffer.alloc(26);
  body.writeUInt16LE(market, 0);
  body.write(digits, 2, "latin1");
  [category, multiplier, start, count].forEach((value, index) => body.writeUInt16LE(value, 8 + 2 * index));
  return body;
}

/** The body of a request for ticks of a past day. */
export function ticksBody(date: number, market: number, digits: string, start: number, count: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(date, 0);
  body.writeUInt16LE(market, 4);
  body.write(digits, 6, "latin1");
  body.writeUInt16LE(start, 12);
  body.writeUInt16LE(count, 14);
  return body;
}

/** Reads a body number by number, written apart from the simulator so that both do not share a mistake. */
export class BodyReader {
  readonly #body: Buffer;
  at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get isAtEnd(): boolean {
    return this.at === this.#body.length;
  }

  u8(): number {
    return this.#body.readUInt8(this.#step(1));
  }

  u16(): number {
    return this.#body.readUInt16LE(this.#step(2));
  }

  i16(): number {
    return this.#body.readInt16LE(this.#step(2));
  }

  u32(): number {
    return this.#body.readUInt32LE(this.#step(4));
  }

  f32(): number {
    return this.#body.readFloatLE(this.#step(4));
  }

  text(bytes: number): string {
    const at = this.#step(bytes);
    return this.#body.toString("latin1", at, this.at);
  }

  varint(): number {
    const first = this.u8();
    let magnitude = first & 0x3f;
    let scale = 64;
    let byte = first;
    while (byte >= 0x80) {
      byte = this.u8();
      magnitude += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return (first & 0x40) === 0 || magnitude === 0 ? magnitude : -magnitude;
  }

  #step(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    return at;
  }
}
