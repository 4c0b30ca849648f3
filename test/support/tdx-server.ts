import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { deflateSync } from "node:zlib";

/** A request as it came: everything a scripted answer may depend on. */
export interface TdxRequest {
  readonly sequence: number;
  readonly type: number;
  readonly body: Buffer;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

/** A body is sent as the answer; raw bytes as they are; a fault is done; undefined leaves the request unanswered. */
export type TdxReply = Buffer | { readonly raw: Buffer } | TdxFault | undefined;
export type TdxFault = "reset" | "hang-up" | "no-magic" | "corrupt" | "half" | "wrong-type" | "old-sequence";

export interface TdxServerUnderTest extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly TdxRequest[];
  readonly connections: number;
  readonly openConnections: number;
  /** What it answers from now on. */
  /** To every connection. */
  sendRaw(bytes: Buffer): void;
  replyWith(reply: (request: TdxRequest) => TdxReply): void;
}

/**
 * The smallest server of the protocol: it cuts what comes into requests and answers each as the test says. It shares
 * nothing with the source nor with the simulator.
 */
export async function startTdxServer(reply: (request: TdxRequest) => TdxReply): Promise<TdxServerUnderTest> {
  const requests: TdxRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let current = reply;
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 12 && held.length >= 10 + held.readUInt16LE(6)) {
        const size = held.readUInt16LE(6);
        const request = {
          sequence: held.readUInt32LE(1),
          type: held.readUInt16LE(10),
          body: Buffer.from(held.subarray(12, 10 + size)),
          connection,
        };
        held = held.subarray(10 + size);
        requests.push(request);
        send(socket, request, current(request));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    port: address.port,
    requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    sendRaw: (bytes) => {
      for (const socket of sockets) {
        socket.write(bytes);
      }
    },
    replyWith: (next) => {
      current = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

function send(socket: Socket, request: TdxRequest, reply: TdxReply): void {
  if (reply === undefined) {
    return;
  }
  if (Buffer.isBuffer(reply)) {
    socket.write(answerFrame(request, reply));
    return;
  }
  if (typeof reply === "object") {
    socket.write(reply.raw);
    return;
  }
  switch (reply) {
    case "reset":
      socket.resetAndDestroy();
      return;
    case "hang-up":
      socket.end();
      return;
    case "no-magic":
      socket.write("<html><body>502</body></html>");
      return;
    case "half":
      socket.end(answerFrame(request, Buffer.alloc(40)).subarray(0, 30));
      return;
    case "wrong-type":
      socket.write(answerFrame({ ...request, type: request.type ^ 1 }, Buffer.alloc(2)));
      return;
    case "old-sequence":
      socket.write(answerFrame({ ...request, sequence: request.sequence - 1 }, Buffer.alloc(2)));
      return;
    case "corrupt": {
      const frame = answerFrame(request, Buffer.alloc(400, 7));
      frame.fill(0xff, 20);
      socket.write(frame);
    }
  }
}

export function answerFrame({ sequence, type }: Pick<TdxRequest, "sequence" | "type">, body: Buffer): Buffer {
  const packed = deflateSync(body);
  const wire = packed.length < body.length ? packed : body;
  const frame = Buffer.alloc(16 + wire.length);
  frame.set([0xb1, 0xcb, 0x74, 0x00, wire === body ? 0x0c : 0x1c]);
  frame.writeUInt32LE(sequence, 5);
  frame.writeUInt16LE(type, 10);
  frame.writeUInt16LE(wire.length, 12);
  frame.writeUInt16LE(body.length, 14);
  frame.set(wire, 16);
  return frame;
}

/** Sign and magnitude: six bits, then seven a byte. */
export function varint(value: number): Buffer {
  let left = Math.abs(value);
  const bytes = [(left % 64) + (value < 0 ? 0x40 : 0)];
  left = Math.floor(left / 64);
  while (left > 0) {
    bytes.push(left % 128);
    left = Math.floor(left / 128);
  }
  return Buffer.from(bytes.map((byte, index) => (index < bytes.length - 1 ? byte + 0x80 : byte)));
}

export function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export function uint16(...values: readonly number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.from([value % 256, Math.floor(value / 256)])));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Prices in thousandths, the rest in the wire's unit. */
export interface ServedBar {
  /** `2024-01-02 09:35`, of days without the time. */
  readonly time: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly amount: number;
}

export function barsBody(bars: readonly ServedBar[], isIndex = false): Buffer {
  let base = 0;
  const rows = bars.map(({ time, open, high, low, close, volume, amount }) => {
    const prices = [open - base, close - open, high - open, low - open].map(varint);
    base = close;
    const counts = isIndex ? [uint16(1, 2)] : [];
    return Buffer.concat([timeBytes(time), ...prices, float32(volume), float32(amount), ...counts]);
  });
  return Buffer.concat([uint16(bars.length), ...rows]);
}

function timeBytes(time: string): Buffer {
  const [day = "", clock] = time.split(" ");
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  if (clock === undefined) {
    return uint32(year * 10_000 + month * 100 + date);
  }
  const [hours = 0, minutes = 0] = clock.split(":").map(Number);
  return uint16((year - 2_004) * 2_048 + month * 100 + date, hours * 60 + minutes);
}

/** Prices in the kind's unit. */
export interface ServedTick {
  readonly minutes: number;
  readonly price: number;
  readonly lots: number;
  readonly trades?: number;
  readonly side: number;
}

export function ticksBody(ticks: readonly ServedTick[], isToday: boolean): Buffer {
  let base = 0;
  const rows = ticks.map(({ minutes, price, lots, trades = 1, side }) => {
    const step = varint(price - base);
    base = price;
    return Buffer.concat([
      uint16(minutes),
      step,
      varint(lots),
      ...(isToday ? [varint(trades)] : []),
      varint(side),
      varint(0),
    ]);
  });
  const head = isToday || ticks.length === 0 ? [] : [float32(10)];
  return Buffer.concat([uint16(ticks.length), ...head, ...rows]);
}

/** Of a list that is ascending in time the `count` rows that end `start` rows before the newest. */
export function pageOf<Row>(rows: readonly Row[], start: number, count: number): readonly Row[] {
  const end = Math.max(rows.length - start, 0);
  return rows.slice(Math.max(end - count, 0), end);
}

/** What a request for bars asks for. */
export function readBarsRequest(body: Buffer): { key: string; category: number; start: number; count: number } {
  return {
    key: `${body.toString("latin1", 2, 8)}.${body.readUInt16LE(0)}`,
    category: body.readUInt16LE(8),
    start: body.readUInt16LE(12),
    count: body.readUInt16LE(14),
  };
}

export const HANDSHAKE_BODY = Buffer.alloc(189);

export function heartbeatBody(day: string): Buffer {
  return Buffer.concat([Buffer.alloc(6), uint32(Number(day.replaceAll("-", "")))]);
}
