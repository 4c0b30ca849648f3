import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";

import { TransientError } from "../../base/errors.ts";
import { openHttpInserter, type HttpInserter } from "./http-insert.ts";

const never = new AbortController().signal;

test("one piece goes with its length, several go as chunks, with settings, statement and credentials", async () => {
  const seen: { readonly request: IncomingMessage; readonly body: string }[] = [];
  await using served = await serve(async (request, response) => {
    seen.push({ request, body: await readAll(request) });
    response.end();
  });
  await served.inserter.send("INSERT INTO t FORMAT X", [Buffer.from("abc")], { async_insert: "0" }, never);
  await served.inserter.send("INSERT INTO t FORMAT X", [Buffer.from("ab"), Buffer.from("c")], {}, never);
  assert.deepEqual(
    seen.map(({ body, request }) => [body, request.headers["content-length"], request.headers["transfer-encoding"]]),
    [
      ["abc", "3", undefined],
      ["abc", undefined, "chunked"],
    ],
  );
  const url = new URL(seen[0]?.request.url ?? "", "http://x");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    async_insert: "0",
    query: "INSERT INTO t FORMAT X",
    wait_end_of_query: "1",
  });
  const basic = `Basic ${Buffer.from("gdw:secret").toString("base64")}`;
  assert.equal(seen[0]?.request.headers.authorization, basic);
});

test("pieces are made while they are sent, not before", async () => {
  let received = 0;
  await using served = await serve(async (request, response) => {
    for await (const piece of request as AsyncIterable<Buffer>) {
      received += piece.length;
    }
    response.end();
  });
  const receivedBefore: number[] = [];
  function* pieces(): Generator<Buffer> {
    for (let count = 0; count < 40; count += 1) {
      receivedBefore.push(received);
      yield Buffer.alloc(500_000);
    }
  }
  await served.inserter.send("INSERT", { [Symbol.iterator]: pieces }, {}, never);
  assert.equal(received, 20_000_000);
  assert.ok((receivedBefore.at(-1) ?? 0) > 5_000_000);
});

test("an error text comes back with its code, whatever the status says", async () => {
  await using served = await serve(async (request, response) => {
    await readAll(request);
    response.setHeader("X-ClickHouse-Exception-Code", "241");
    response.end("Code: 241. DB::Exception: Memory limit exceeded");
  });
  await assert.rejects(served.inserter.send("INSERT", [Buffer.from("a")], {}, never), (error) => {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "241");
    return true;
  });
});

test(
  "a refusal that comes before the whole body ends the sending and is what is thrown",
  { timeout: 10_000 },
  async () => {
    await using served = await serve((_request, response) => {
      response.statusCode = 500;
      response.end("Code: 252. DB::Exception: Too many parts (301)");
    });
    let made = 0;
    function* pieces(): Generator<Buffer> {
      for (; made < 1000; made += 1) {
        yield Buffer.alloc(500_000);
      }
    }
    // More often than there are connections: each gives its own back.
    for (let times = 0; times < 3; times += 1) {
      made = 0;
      await assert.rejects(served.inserter.send("INSERT", { [Symbol.iterator]: pieces }, {}, never), /Too many parts/);
      assert.ok(made < 1000);
    }
  },
);

test("a 200 that comes before the whole body is not believed: something between us said it", async () => {
  await using served = await serve((_request, response) => {
    response.end();
  });
  function* pieces(): Generator<Buffer> {
    for (let made = 0; made < 1000; made += 1) {
      yield Buffer.alloc(500_000);
    }
  }
  for (let times = 0; times < 3; times += 1) {
    const sending = served.inserter.send("INSERT", { [Symbol.iterator]: pieces }, {}, never);
    await assert.rejects(
      sending,
      (error) => error instanceof TransientError && /before it had all rows/.test(error.message),
    );
  }
});

test("an idle connection that the server has closed is not a failure: the insert goes again, once", async () => {
  let requests = 0;
  await using served = await serve(async (request, response) => {
    requests += 1;
    await readAll(request);
    if (requests === 2) {
      request.socket.destroy();
    } else {
      response.end();
    }
  });
  await served.inserter.send("INSERT", [Buffer.from("a")], {}, never);
  await served.inserter.send("INSERT", [Buffer.from("b")], {}, never);
  assert.equal(requests, 3);
});

test("a server that breaks a fresh connection is a failure", async () => {
  let requests = 0;
  await using served = await serve((request) => {
    requests += 1;
    request.socket.destroy();
  });
  await assert.rejects(served.inserter.send("INSERT", [Buffer.from("a")], {}, never));
  assert.equal(requests, 1);
});

test("a server that does not answer is given up after the time-out", { timeout: 10_000 }, async () => {
  await using served = await serve(() => undefined, 50);
  await assert.rejects(served.inserter.send("INSERT", [Buffer.from("a")], {}, never), TransientError);
});

test("an abort ends the waiting", { timeout: 10_000 }, async () => {
  const controller = new AbortController();
  await using served = await serve(() => {
    controller.abort();
  });
  await assert.rejects(served.inserter.send("INSERT", [Buffer.from("a")], {}, controller.signal), /abort/i);
});

test("what goes wrong while a piece is made is thrown as it is", { timeout: 10_000 }, async () => {
  await using served = await serve(async (request) => {
    await readAll(request).catch(() => undefined);
  });
  function* pieces(): Generator<Buffer> {
    yield Buffer.alloc(10);
    throw new TypeError("a defect");
  }
  await assert.rejects(served.inserter.send("INSERT", { [Symbol.iterator]: pieces }, {}, never), TypeError);
});

test("nor is a 200 that comes while the last piece is still on its way", async () => {
  await using served = await serve((request, response) => {
    request.socket.pause();
    response.end();
  });
  for (const body of [[Buffer.alloc(16_000_000)], [Buffer.alloc(10), Buffer.alloc(16_000_000)]]) {
    await assert.rejects(served.inserter.send("INSERT", body, {}, never), /before it had all rows/);
  }
});

test(
  "a 200 that comes with the last byte is believed, before the end of the request is",
  { timeout: 60_000 },
  async () => {
    await using served = await serve((request, response) => {
      let left = Number(request.headers["content-length"] ?? NaN);
      request.on("data", (piece: Buffer) => {
        left -= piece.length;
        if (left === 0) {
          response.end();
        }
      });
      request.on("end", () => response.end());
    });
    for (let times = 0; times < 400; times += 1) {
      const size = [1, 100, 70_000, 3_000_000][times % 4] ?? 1;
      const body = times % 8 < 4 ? [Buffer.alloc(size)] : [Buffer.alloc(size), Buffer.alloc(size), Buffer.alloc(1)];
      await served.inserter.send("INSERT", body, {}, never);
    }
  },
);

interface Served extends AsyncDisposable {
  readonly inserter: HttpInserter;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function serve(handle: Handler, requestMs = 5000): Promise<Served> {
  const server = createServer((request, response) => void handle(request, response));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `http://127.0.0.1:${address.port}`;
  const inserter = openHttpInserter({
    url,
    user: "gdw",
    password: "secret",
    tls: undefined,
    requestMs,
    insertMs: 5000,
    connectionsMax: 2,
  });
  return {
    inserter,
    [Symbol.asyncDispose]: async () => {
      inserter.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) {
    text += String(piece);
  }
  return text;
}
