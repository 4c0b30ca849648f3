import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import test from "node:test";

import type { FastifyInstance } from "fastify";

import { waitFor } from "../../test/support/wait-for.ts";
import { silentLog } from "../base/log.ts";
import { queueRoutes } from "../queue/remote/routes.ts";
import { type HttpLimits, type HttpServer, openHttpServer } from "./http-server.ts";

const TOKEN = "the-right-token";
const SECRET_REASON = "reason-that-is-ours";

function routes(server: FastifyInstance): void {
  server.get("/livez", async () => ({ status: "ok" }));
  server.post("/takes", async () => ({}));
  server.get("/broken", async () => {
    throw new Error(SECRET_REASON);
  });
}

function open(limits: Partial<HttpLimits> = {}, host = "127.0.0.1"): Promise<HttpServer> {
  const quick = { checkEveryMs: 50, ...limits };
  return openHttpServer({
    host,
    port: 0,
    log: silentLog,
    limits: quick,
    routes: [routes, queueRoutes(undefined, TOKEN)],
  });
}

/** Sends bytes as they are; answers all that came until the other side closed. */
async function send(url: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  for (const piece of pieces) {
    socket.write(piece);
  }
  return await text(socket).catch(() => "");
}

function ask(line: string, ...headers: readonly string[]): string {
  return [line, "host: 127.0.0.1", "connection: close", ...headers, "", ""].join("\r\n");
}

test("known routes answer GET and HEAD, and say nothing of what serves them", async () => {
  await using server = await open();
  const got = await fetch(`${server.url}/livez`);
  assert.equal(got.status, 200);
  const head = await fetch(`${server.url}/livez`, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  for (const name of ["server", "x-powered-by", "via"]) {
    assert.equal(got.headers.get(name), null, name);
  }
});

test("another method is 405 with what is allowed, another path is 404, however it is written", async () => {
  await using server = await open();
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const answer = await fetch(`${server.url}/livez`, { method });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"], method);
  }
  for (const path of [
    "/",
    "/nothing",
    "/livez/..%2f..%2fetc%2fpasswd",
    "/../../etc/passwd",
    "//livez",
    "/%00",
    "/.env",
  ]) {
    assert.match(await send(server.url, ask(`GET ${path} HTTP/1.1`)), /^HTTP\/1\.1 40[04] /, path);
  }
  assert.match(await send(server.url, ask("BREW /livez HTTP/1.1")), /^HTTP\/1\.1 400 /);
  assert.match(await send(server.url, ask("TRACE /livez HTTP/1.1")), /^HTTP\/1\.1 40[045] /);
});

test("an error inside is a status without its reason or a stack, and a long path is not sent back", async () => {
  await using server = await open();
  const answer = await fetch(`${server.url}/broken`);
  const body = await answer.text();
  assert.equal(answer.status, 500);
  assert.doesNotMatch(body, new RegExp(`${SECRET_REASON}|\\.ts|at `));
  const long = await (await fetch(`${server.url}/${"x".repeat(4_000)}?token=${TOKEN}`)).text();
  assert.ok(long.length < 300 && !long.includes(TOKEN), long);
});

test("a huge header, a huge body and bytes that are no HTTP are refused and cut off", async () => {
  await using server = await open();
  assert.match(await send(server.url, ask("GET /livez HTTP/1.1", `x: ${"y".repeat(20_000)}`)), /^HTTP\/1\.1 431 /);
  // What is not taken is refused before it has come, and the connection ends.
  const length = "content-length: 4194304";
  assert.match(await send(server.url, ask("POST /livez HTTP/1.1", length)), /^HTTP\/1\.1 405 /);
  assert.match(await send(server.url, ask("GET /queue/ping HTTP/1.1", length)), /^HTTP\/1\.1 401 /);
  const json = "content-type: application/json";
  assert.match(await send(server.url, ask("POST /takes HTTP/1.1", length, json)), /^HTTP\/1\.1 413 /);
  const chunk = `1000\r\n${"z".repeat(4_096)}\r\n`;
  assert.match(
    await send(server.url, ask("POST /takes HTTP/1.1", "transfer-encoding: chunked", json), chunk),
    /^HTTP\/1\.1 413 /,
  );
  assert.match(await send(server.url, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), /^HTTP\/1\.1 400 /);
  assert.equal((await fetch(`${server.url}/livez`)).status, 200, "it still answers");
});

test("the queue's routes want the token, and a wrong one learns nothing", async () => {
  await using server = await open();
  const status = async (authorization?: string): Promise<number> =>
    (await fetch(`${server.url}/queue/ping`, authorization === undefined ? {} : { headers: { authorization } })).status;
  assert.equal(await status(`Bearer ${TOKEN}`), 200);
  for (const wrong of [undefined, "", "Bearer", `Bearer ${TOKEN}x`, `bearer ${TOKEN}`, `Basic ${btoa(`a:${TOKEN}`)}`]) {
    assert.equal(await status(wrong), 401, wrong);
  }
});

test("whoever sends headers or a body too slowly, or nothing, is cut off while others are served", async () => {
  await using server = await open({ headersMsMax: 300, requestMsMax: 600, silentMsMax: 400 });
  const started = performance.now();
  const slow = Array.from({ length: 20 }, async (_, index) => {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
    socket.on("error", () => undefined);
    const closed = once(socket, "close");
    const dripping = (async () => {
      socket.write(index % 2 === 0 ? "GET /livez HTTP/1.1\r\n" : ask("POST /livez HTTP/1.1", "content-length: 1000"));
      if (index % 4 < 2) {
        while (!socket.destroyed) {
          await sleep(40);
          socket.write(index % 2 === 0 ? "x: y\r\n" : "z");
        }
      }
    })();
    socket.resume();
    await Promise.all([closed, dripping]);
  });
  assert.equal((await fetch(`${server.url}/livez`)).status, 200, "others are served meanwhile");
  await Promise.all(slow);
  assert.ok(performance.now() - started < 5_000);
});

test("many connections are bounded, and a probe gets its answer when the idle ones made room", async () => {
  await using server = await open({ connectionsMax: 20, headersMsMax: 400 });
  const port = Number(new URL(server.url).port);
  let openNow = 0;
  const sockets = Array.from({ length: 60 }, () => {
    const socket = connect({ host: "127.0.0.1", port });
    socket
      .on("error", () => undefined)
      .once("connect", () => (openNow += 1))
      .once("close", () => (openNow -= 1));
    return socket.resume();
  });
  await waitFor(() => sockets.filter((socket) => socket.closed).length >= 40, { what: "all but 20 to be cut off" });
  await waitFor(async () => (await fetch(`${server.url}/livez`).catch(() => undefined))?.status === 200, {
    what: "a probe to be answered",
  });
  await waitFor(() => openNow === 0, { what: "those that said nothing to be cut off" });
});

test("on a loopback address only addresses and localhost are served, so that no page's own name is", async () => {
  await using local = await open();
  const as = (url: string, host: string): Promise<string> =>
    send(url, ["GET /livez HTTP/1.1", `host: ${host}`, "connection: close", "", ""].join("\r\n"));
  assert.match(await as(local.url, "localhost:8080"), /^HTTP\/1\.1 200 /);
  assert.match(await as(local.url, "rebound.example:8080"), /^HTTP\/1\.1 421 /);
  await using everywhere = await open({}, "0.0.0.0");
  assert.match(await as(everywhere.url, "worker.platform.svc:8080"), /^HTTP\/1\.1 200 /);
});
