import { deflateSync } from "node:zlib";

/** One request as it came over the wire. */
export interface RequestFrame {
  readonly sequence: number;
  readonly type: number;
  readonly body: Buffer;
}

const HEADER_BYTES = 12;
const REQUEST_STARTS: ReadonlySet<number> = new Set([0x0c, 0x01]);
/** Longer than any request; a length above it is a stream that lost its place. */
const REQUEST_BYTES_MAX = 4_096;
const MAGIC = Buffer.from("b1cb7400", "hex");
const PLAIN = 0x0c;
const DEFLATED = 0x1c;
/** Captured bodies of up to 175 bytes are plain although zlib would save some; one of 189 is compressed. */
const DEFLATES_FROM_BYTES = 180;
const BODY_BYTES_MAX = 0xffff;

/** Takes requests out of a stream of bytes, however it was cut up. Stray bytes between requests are skipped. */
export class RequestReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<RequestFrame, undefined, unknown> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#take();
      if (frame === undefined) {
        return;
      }
      yield frame;
    }
  }

  #take(): RequestFrame | undefined {
    for (;;) {
      const start = this.#rest.findIndex((byte) => REQUEST_STARTS.has(byte));
      this.#rest = this.#rest.subarray(start < 0 ? this.#rest.length : start);
      if (this.#rest.length < HEADER_BYTES) {
        return undefined;
      }
      const length = this.#rest.readUInt16LE(6);
      if (length < 2 || length > REQUEST_BYTES_MAX || length !== this.#rest.readUInt16LE(8)) {
        this.#rest = this.#rest.subarray(1);
        continue;
      }
      const end = HEADER_BYTES + length - 2;
      if (this.#rest.length < end) {
        return undefined;
      }
      const frame = {
        sequence: this.#rest.readUInt32LE(1),
        type: this.#rest.readUInt16LE(10),
        body: this.#rest.subarray(HEADER_BYTES, end),
      };
      this.#rest = this.#rest.subarray(end);
      return frame;
    }
  }
}

export interface FrameOptions {
  /** Whether the body is compressed; by default where it is long enough and gets smaller. */
  readonly isDeflated?: boolean;
}

/** An answer with the request's sequence number and type. */
export function encodeFrame(
  { sequence, type }: Pick<RequestFrame, "sequence" | "type">,
  body: Uint8Array,
  { isDeflated }: FrameOptions = {},
): Buffer {
  if (body.length > BODY_BYTES_MAX) {
    throw new RangeError(`writing an answer of type ${type}: ${body.length} bytes do not fit a frame`);
  }
  const deflated = isDeflated === false || body.length < DEFLATES_FROM_BYTES ? undefined : deflateSync(body);
  const forced = isDeflated === true ? deflateSync(body) : undefined;
  const sent = forced ?? (deflated !== undefined && deflated.length < body.length ? deflated : body);
  const header = Buffer.alloc(16);
  MAGIC.copy(header);
  header.writeUInt8(sent === body ? PLAIN : DEFLATED, 4);
  header.writeUInt32LE(sequence, 5);
  header.writeUInt16LE(type, 10);
  header.writeUInt16LE(sent.length, 12);
  header.writeUInt16LE(body.length, 14);
  return Buffer.concat([header, sent]);
}
