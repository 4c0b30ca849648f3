import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Request kinds of Kafka's protocol. */
export const PRODUCE = 0;
export const FETCH = 1;
export const LEAVE_GROUP = 13;
export const SYNC_GROUP = 14;

/** A TCP proxy before a broker, which looks at the kind of each request and can turn into a black hole. */
export interface KafkaProxy extends AsyncDisposable {
  readonly port: number;
  /** Nothing passes any more in either direction, and nobody is told; new connections are taken and stay mute. */
  hold(): void;
  /** Only connections that have carried such a request stay mute; others and new ones pass. Answers how many. */
  holdThoseWith(kind: number): number;
  /** What is asked on connections that have carried such a request passes, and the answers wait. */
  holdAnswersTo(kind: number): void;
  /** What was held passes now. */
  release(): void;
  /** Every request from now on, without its length prefix. */
  onRequest: ((kind: number, version: number, request: Buffer) => void) | undefined;
}

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  readonly kinds: Set<number>;
}

/** `port` is where it listens, `target` the broker's port, both on 127.0.0.1. */
export async function startKafkaProxy(port: number, target: number): Promise<KafkaProxy> {
  const lines = new Set<Line>();
  let isHeld = false;
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const line: Line = { near, far, kinds: new Set() };
    lines.add(line);
    const end = (): void => {
      lines.delete(line);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    let rest: Buffer = Buffer.alloc(0);
    near.on("data", (data) => {
      far.write(data);
      rest = readRequests(Buffer.concat([rest, data]), (request) => {
        const kind = request.readInt16BE(0);
        line.kinds.add(kind);
        proxy.onRequest?.(kind, request.readInt16BE(2), request);
      });
    });
    far.on("data", (data) => near.write(data));
    if (isHeld) {
      pause(line);
    }
  });
  const proxy: KafkaProxy = {
    port,
    onRequest: undefined,
    hold: () => {
      isHeld = true;
      lines.forEach(pause);
    },
    holdThoseWith: (kind) => {
      const chosen = [...lines].filter(({ kinds }) => kinds.has(kind));
      chosen.forEach(pause);
      return chosen.length;
    },
    holdAnswersTo: (kind) => {
      for (const { far } of [...lines].filter(({ kinds }) => kinds.has(kind))) {
        far.pause();
      }
    },
    release: () => {
      isHeld = false;
      for (const { near, far } of lines) {
        near.resume();
        far.resume();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const { near, far } of lines) {
        near.destroy();
        far.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return proxy;
}

function pause({ near, far }: Line): void {
  near.pause();
  far.pause();
}

/** Hands out whole requests and answers what is left of the last one. */
function readRequests(bytes: Buffer, take: (request: Buffer) => void): Buffer {
  let rest = bytes;
  while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
    const end = 4 + rest.readInt32BE(0);
    take(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  return rest;
}
