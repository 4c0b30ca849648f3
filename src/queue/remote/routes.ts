import { createHash, timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";

import type { FastifyInstance } from "fastify";

import { DataError } from "../../base/errors.ts";
import type { MessageReader, PartitionLag, Producer } from "../../ports/queue.ts";
import { fromWireOutgoing, placeSchema, publishSchema, toFailure, toWireLag, toWireMessage } from "./wire.ts";

/** What other programs on this machine may do with the queue that this process holds. */
export interface ServedQueue {
  readonly producer: Producer;
  readonly reader: MessageReader;
  lag(signal: AbortSignal): Promise<readonly PartitionLag[]>;
}

export const QUEUE_PATH = "/queue";
/** Messages are sent in Base64, and one of the largest goes alone. */
const PUBLISH_BODY_BYTES_MAX = 32 * 1024 * 1024;
const TOO_LARGE = "publishing through the running worker: a message is too large for it";
const STATUS = { transient: 503, permanent: 409, data: 422, defect: 500 } as const;

/** Every request must carry the token that the worker made at its start. Without a queue there is nothing but a ping. */
export function queueRoutes(queue: ServedQueue | undefined, token: string): (server: FastifyInstance) => void {
  const wanted = digestOf(`Bearer ${token}`);
  return (server) => {
    void server.register(
      (routes, _options, done) => {
        routes.addHook("onRequest", async (request, reply) => {
          if (!timingSafeEqual(digestOf(request.headers.authorization ?? ""), wanted)) {
            // A body that comes without the right to send it is not read.
            await reply.code(401).header("connection", "close").send({ error: "the token is wrong" });
          }
        });
        routes.setErrorHandler(async (error, _request, reply) => {
          const failure = toFailure(isTooLarge(error) ? new DataError(TOO_LARGE) : error);
          await reply.code(STATUS[failure.kind ?? "defect"]).send(failure);
        });
        routes.get("/ping", async () => ({ pid: process.pid }));
        if (queue === undefined) {
          done();
          return;
        }
        routes.post("/publish", { bodyLimit: PUBLISH_BODY_BYTES_MAX }, async (request) => {
          const messages = publishSchema.parse(request.body).map((one) => fromWireOutgoing(one));
          await queue.producer.publish(messages, request.signal);
          return { published: messages.length };
        });
        routes.get("/lag", async (request) => toWireLag(await queue.lag(request.signal)));
        routes.get<{ Querystring: { topic: string } }>("/messages", async (request, reply) => {
          const { topic } = request.query;
          await reply
            .type("application/x-ndjson")
            .send(Readable.from(linesOf(queue.reader, topic, request.signal), { objectMode: false }));
        });
        routes.get("/message", async (request) => {
          const { topic, partition, offset } = placeSchema.parse(request.query);
          const message = await queue.reader.readAt({ topic, partition, offset: BigInt(offset) }, request.signal);
          return message === undefined ? {} : toWireMessage(message);
        });
        done();
      },
      { prefix: QUEUE_PATH },
    );
  };
}

/** A line a message; what fails half way is the last line, since the head of the answer has gone out. */
async function* linesOf(reader: MessageReader, topic: string, signal: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const message of reader.read(topic, signal)) {
      yield `${JSON.stringify(toWireMessage(message))}\n`;
    }
  } catch (error) {
    yield `${JSON.stringify(toFailure(error))}\n`;
  }
}

/** Fastify's, of a body over its limit. */
function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 413;
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
