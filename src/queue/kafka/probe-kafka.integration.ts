import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";

import { TransientError } from "../../base/errors.ts";
import { probeKafka } from "./probe-kafka.ts";

const strangers: readonly (readonly [string, (socket: Socket) => void])[] = [
  ["answers otherwise", (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))],
  ["hangs up", (socket) => socket.once("data", () => socket.end())],
  ["says nothing", () => undefined],
];

for (const [does, answer] of strangers) {
  test(`a service that ${does} is told from Kafka in a moment`, async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).resume();
      answer(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const address = server.address();
      assert.ok(typeof address === "object" && address !== null);
      const broker = `127.0.0.1:${address.port}`;
      await assert.rejects(probeKafka({ brokers: [broker], clientId: "test", requestTimeoutMs: 500 }), (error) => {
        assert.ok(error instanceof TransientError, String(error));
        assert.equal(
          error.message,
          `connecting to Kafka at ${broker}: something answers there, but it is not Kafka, or it expects TLS, or it hangs: check kafka.brokers and kafka.tls`,
        );
        return true;
      });
    } finally {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
    }
  });
}
