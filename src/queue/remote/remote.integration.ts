import assert from "node:assert/strict";
import test from "node:test";

import fastify from "fastify";

import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { systemClock } from "../../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { Message, OutgoingMessage } from "../../ports/queue.ts";
import { openEmbeddedLog } from "../embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../embedded/embedded-producer.ts";
import { createEmbeddedReader } from "../embedded/embedded-reader.ts";
import { isWorkerThere, openRemoteProducer, openRemoteReader, type RemoteAddress, remoteLag } from "./client.ts";
import { queueRoutes } from "./routes.ts";

const never = new AbortController().signal;
const TOKEN = "a token of this test";

async function serveLog(stack: AsyncDisposableStack, bodyBytesMax = 1024 ** 2): Promise<RemoteAddress> {
  const folder = stack.use(await temporaryFolder());
  const log = stack.use(
    await openEmbeddedLog({ path: `${folder.path}/queue.sqlite`, clock: systemClock, log: silentLog }),
  );
  log.ensureTopics([{ topic: "t", partitions: 3, replication: 1 }]);
  const server = fastify({ forceCloseConnections: true, bodyLimit: bodyBytesMax });
  const queue = {
    producer: createEmbeddedProducer(log),
    reader: createEmbeddedReader(log),
    lag: () => Promise.resolve(log.lagOf("g", ["t"])),
  };
  queueRoutes(queue, TOKEN)(server);
  await server.listen({ host: "127.0.0.1", port: 0 });
  stack.defer(() => server.close());
  const address = server.server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, token: TOKEN };
}

async function all(messages: AsyncIterable<Message>): Promise<readonly Message[]> {
  const read: Message[] = [];
  for await (const message of messages) {
    read.push(message);
  }
  return read;
}

test("what is published through a running worker is read back through it byte by byte, in order", async () => {
  await using stack = new AsyncDisposableStack();
  const address = await serveLog(stack);
  await using producer = openRemoteProducer(address);
  await using reader = openRemoteReader(address);
  const sent: OutgoingMessage[] = Array.from({ length: 2_500 }, (_, index) => ({
    topic: "t",
    key: Buffer.from("600000.SH"),
    value: index === 7 ? undefined : Buffer.from([0, 255, index % 256, 10]),
    headers: [["trace", index % 2 === 0 ? Buffer.from([index % 256]) : undefined]],
  }));
  await producer.publish(sent, never);
  const read = await all(reader.read("t", never));
  assert.equal(read.length, sent.length);
  for (const [index, message] of read.entries()) {
    const { key, value, headers } = sent[index] ?? assert.fail("one too many");
    assert.deepEqual([message.key, message.value, message.headers], [key, value, headers]);
    assert.equal(message.offset, BigInt(index));
  }
  const one = await reader.readAt({ topic: "t", partition: read[0]?.partition ?? 0, offset: 8n }, never);
  assert.deepEqual(one, read[8]);
  assert.equal(await reader.readAt({ topic: "t", partition: 0, offset: 9_999n }, never), undefined);
  const lag = await remoteLag(address, never);
  assert.equal(
    lag.reduce((sum, part) => sum + part.lag, 0n),
    2_500n,
  );
});

test("what the worker refuses has the same kind on this side", async () => {
  await using stack = new AsyncDisposableStack();
  const address = await serveLog(stack);
  const unknown = { topic: "nowhere", key: undefined, value: undefined, headers: [] };
  await assert.rejects(openRemoteProducer(address).publish([unknown], never), (error: unknown) => {
    assert.ok(error instanceof PermanentError && error.scope === "queue");
    assert.match(error.message, /nowhere/);
    return true;
  });
  await assert.rejects(all(openRemoteReader(address).read("nowhere", never)), PermanentError);
});

test("a wrong token gets nothing, and a worker that is gone is nobody", async () => {
  await using stack = new AsyncDisposableStack();
  const address = await serveLog(stack);
  assert.equal(await isWorkerThere(address, 2_000), true);
  const other = { ...address, token: "guessed" };
  assert.equal(await isWorkerThere(other, 2_000), false);
  await assert.rejects(remoteLag(other, never), /the token is wrong/);
  const answer = await fetch(`${address.url}/queue/messages?topic=t`);
  assert.equal(answer.status, 401);
  await stack.disposeAsync();
  assert.equal(await isWorkerThere(address, 2_000), false);
  await assert.rejects(remoteLag(address, never), TransientError);
});

test("messages are bounded with their headers, and one that is too large is at fault itself", async () => {
  await using stack = new AsyncDisposableStack();
  const producer = stack.use(openRemoteProducer(await serveLog(stack, 16 * 1024 ** 2)));
  const headers: OutgoingMessage["headers"] = [["h", Buffer.alloc(900_000)]];
  const message: OutgoingMessage = { topic: "t", key: undefined, value: undefined, headers };
  await producer.publish(
    Array.from({ length: 20 }, () => message),
    never,
  );
  const large = { ...message, headers: [], value: Buffer.alloc(17 * 1024 ** 2) };
  await assert.rejects(producer.publish([large], never), DataError);
});
