import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

import { DataError, TransientError } from "../../base/errors.ts";
import { createHttpClient, parseBaseUrl, type HttpClient, type HttpClientOptions } from "./client.ts";
import { DroppedError, translate } from "./errors.ts";

const never = new AbortController().signal;

class Rig implements AsyncDisposable {
  readonly http: HttpClient;
  readonly url: URL;
  readonly #server: Server;

  private constructor(server: Server, options: HttpClientOptions) {
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    this.#server = server;
    this.url = new URL(`http://127.0.0.1:${address.port}`);
    this.http = createHttpClient(options);
  }

  static async open(listener: RequestListener, options: HttpClientOptions = {}): Promise<Rig> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Rig(server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

test("a request without a body is a GET with its query and headers, one with a body a POST", async () => {
  const seen: unknown[] = [];
  await using rig = await Rig.open((request, response) => {
    seen.push([request.method, request.url, request.headers["user-agent"]]);
    response.writeHead(302, { location: "/elsewhere", "set-cookie": ["a=1", "b=2"] }).end("moved");
  });
  const url = new URL("/chart/%5EHSI?period1=-1&events=div,splits", rig.url);
  const answer = await rig.http.send({ url, headers: { "user-agent": "me" } }, "asking", never);
  assert.equal(answer.status, 302, "a redirect is an answer");
  assert.equal(answer.body.toString("utf8"), "moved");
  assert.deepEqual(answer.header("set-cookie"), ["a=1", "b=2"]);
  assert.deepEqual(answer.header("location"), ["/elsewhere"]);
  assert.deepEqual(answer.header("retry-after"), []);
  await rig.http.send({ url, body: "x" }, "asking", never);
  assert.deepEqual(seen, [
    ["GET", "/chart/%5EHSI?period1=-1&events=div,splits", "me"],
    ["POST", "/chart/%5EHSI?period1=-1&events=div,splits", undefined],
  ]);
});

test("a body is unpacked however it was packed, and refused beyond its bound", async () => {
  const text = "x".repeat(5_000);
  const packed: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(text),
    br: brotliCompressSync(text),
    deflate: deflateSync(text),
    Deflate: deflateRawSync(text),
    identity: Buffer.from(text),
  };
  let encoding = "";
  const listener: RequestListener = (_request, response) =>
    response.writeHead(200, { "content-encoding": encoding }).end(packed[encoding]);
  await using wide = await Rig.open(listener, { bodyBytesMax: 5_000 });
  await using narrow = await Rig.open(listener, { bodyBytesMax: 4_999 });
  for (encoding of Object.keys(packed)) {
    const { body } = await wide.http.send({ url: wide.url }, "asking", never);
    assert.equal(body.toString("utf8"), text, encoding);
    await assert.rejects(narrow.http.send({ url: narrow.url }, "asking", never), DataError, encoding);
  }
});

test("a broken packing, a late answer and a lost connection pass by themselves", async () => {
  await using broken = await Rig.open((_request, response) =>
    response.writeHead(200, { "content-encoding": "br" }).end("no brotli at all"),
  );
  await assert.rejects(broken.http.send({ url: broken.url }, "asking", never), TransientError);
  await using silent = await Rig.open(() => undefined, { callMsMax: 30 });
  await assert.rejects(silent.http.send({ url: silent.url }, "asking", never), /^TransientError: asking: no answer/);
  await using reset = await Rig.open((request) => request.socket.resetAndDestroy());
  await assert.rejects(reset.http.send({ url: reset.url }, "asking", never), TransientError);
});

test("a connection that ends before any answer is told from one that ends within it and from none at all", async () => {
  const sorts: boolean[] = [];
  for (const end of ["before", "hang up", "within"]) {
    await using rig = await Rig.open((request, response) => {
      if (end === "within") {
        response.writeHead(200, { "content-length": "100" });
        response.write("a part", () => request.socket.resetAndDestroy());
      } else if (end === "before") {
        request.socket.resetAndDestroy();
      } else {
        request.socket.end();
      }
    });
    const failure = await rig.http.send({ url: rig.url }, "asking", never).catch((error: unknown) => error);
    assert.ok(failure instanceof TransientError, end);
    sorts.push(failure instanceof DroppedError);
  }
  assert.deepEqual(sorts, [true, true, false]);
  const gone = await Rig.open(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using http = createHttpClient();
  const refused = await http.send({ url: gone.url }, "asking", never).catch((error: unknown) => error);
  assert.ok(refused instanceof TransientError && !(refused instanceof DroppedError));
});

test("an abort ends a request with the signal's reason", async () => {
  const aborting = new AbortController();
  const reason = new Error("enough");
  await using rig = await Rig.open(() => aborting.abort(reason));
  await assert.rejects(rig.http.send({ url: rig.url }, "asking", aborting.signal), reason);
});

test("a secret in the library's text is taken out, and a defect keeps its own kind", () => {
  const reset = Object.assign(new Error("socket of s3cret closed"), { code: "ECONNRESET" });
  const translated = translate(reset, "asking", (text) => text.replaceAll("s3cret", "[secret]"));
  assert.ok(translated instanceof TransientError && !translated.message.includes("s3cret"));
  const defect = new TypeError("x is not a function");
  assert.equal(
    translate(defect, "asking", (text) => text),
    defect,
  );
});

test("an address that is none is refused before any request", () => {
  assert.throws(() => parseBaseUrl("ftp://x", "opening"), /^TypeError: opening: expected an http/);
  assert.equal(parseBaseUrl("https://x/api", "opening").pathname, "/api");
});
