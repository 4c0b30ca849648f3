import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server } from "node:net";
import { test } from "node:test";

import { PermanentError, TransientError } from "../../base/errors.ts";
import { openClickHouse } from "./client.ts";

const answering: readonly (readonly [string, RequestListener])[] = [
  ["answers with a page of text", (_request, response) => void response.end("hi")],
  ["answers with nothing", (_request, response) => void response.end()],
  ["answers with another JSON", (_request, response) => void response.end('{"a":1}\n')],
  ["knows no such page", (_request, response) => void response.writeHead(404).end("<html>Not found</html>")],
];

for (const [does, listener] of answering) {
  test(`a web server that ${does} is told from ClickHouse when it is opened`, async () => {
    const server = createHttpServer(listener);
    await refuses(
      server,
      "http",
      TransientError,
      /: something answers there, but it is not ClickHouse's HTTP interface/,
    );
  });
}

test("another protocol on the port is told from ClickHouse", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined).end("-ERR unknown command\r\n"));
  await refuses(server, "http", TransientError, /: something answers there, but it is not ClickHouse's HTTP interface/);
});

test("https on a port that speaks http names what to set", async () => {
  const server = createHttpServer((_request, response) => void response.end("hi"));
  await refuses(server, "https", PermanentError, /: TLS was spoken to a port .* set clickhouse\.https to false/);
});

async function refuses(
  server: Server,
  scheme: "http" | "https",
  kind: typeof TransientError | typeof PermanentError,
  sentence: RegExp,
): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `${scheme}://127.0.0.1:${address.port}`;
    const opening = openClickHouse({ kind: "http", url, user: "default", password: "", database: "x" });
    await assert.rejects(opening, (error) => {
      assert.ok(error instanceof kind, String(error));
      assert.ok(error.message.startsWith(`connecting to ClickHouse at ${url}: `), error.message);
      assert.match(error.message, sentence);
      return true;
    });
  } finally {
    server.close();
  }
}
