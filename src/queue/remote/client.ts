import { describeError, TransientError } from "../../base/errors.ts";
import type { Message, MessageReader, PartitionLag, Producer } from "../../ports/queue.ts";
import { sizeOf } from "../dead-letter-headers.ts";
import { QUEUE_PATH } from "./routes.ts";
import { failureSchema, fromFailure, fromWireLag, fromWireMessage, toWireOutgoing } from "./wire.ts";

export interface RemoteAddress {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string;
}

const PUBLISH_MESSAGES_MAX = 1_000;
const PUBLISH_BYTES_MAX = 8 * 1024 * 1024;

/** True when a worker answers at the address and takes the token. */
export async function isWorkerThere(address: RemoteAddress, msMax: number): Promise<boolean> {
  try {
    const answer = await ask(address, "/ping", { signal: AbortSignal.timeout(msMax) });
    await answer.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** The queue that a running worker holds. What fails over there has the same kind here. */
export function openRemoteProducer(address: RemoteAddress): Producer {
  return {
    publish: async (messages, signal) => {
      let piece: unknown[] = [];
      let bytes = 0;
      const send = async (): Promise<void> => {
        const answer = await ask(address, "/publish", {
          method: "POST",
          body: JSON.stringify(piece),
          signal,
        });
        await answer.body?.cancel();
        piece = [];
        bytes = 0;
      };
      for (const message of messages) {
        const size = (message.value?.length ?? 0) + (message.key?.length ?? 0) + sizeOf(message.headers);
        if (piece.length > 0 && (piece.length >= PUBLISH_MESSAGES_MAX || bytes + size > PUBLISH_BYTES_MAX)) {
          await send();
        }
        piece.push(toWireOutgoing(message));
        bytes += size;
      }
      if (piece.length > 0) {
        await send();
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export function openRemoteReader(address: RemoteAddress): MessageReader {
  return {
    read: (topic, signal) => readMessages(address, topic, signal),
    readAt: async ({ topic, partition, offset }, signal) => {
      const query = new URLSearchParams({ topic, partition: String(partition), offset: String(offset) });
      const answer: unknown = await (await ask(address, `/message?${query.toString()}`, { signal })).json();
      return isEmpty(answer) ? undefined : fromWireMessage(answer);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export async function remoteLag(address: RemoteAddress, signal: AbortSignal): Promise<readonly PartitionLag[]> {
  return fromWireLag(await (await ask(address, "/lag", { signal })).json());
}

async function* readMessages(address: RemoteAddress, topic: string, signal: AbortSignal): AsyncGenerator<Message> {
  const { body } = await ask(address, `/messages?topic=${encodeURIComponent(topic)}`, { signal });
  if (body === null) {
    return;
  }
  for await (const line of linesOf(body)) {
    const read: unknown = JSON.parse(line);
    const failure = failureSchema.safeParse(read);
    if (failure.success) {
      throw fromFailure(failure.data);
    }
    yield fromWireMessage(read);
  }
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body[Symbol.asyncIterator]();
  let rest = "";
  try {
    for (;;) {
      const next = await reader.next().catch((error: unknown) => {
        const why = describeError(error);
        throw new TransientError(`reading from the running worker: it ended half way: ${why}`, { cause: error });
      });
      if (next.done === true) {
        return;
      }
      const lines = (rest + decoder.decode(next.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    // Who stops early lets go of the connection, and the worker of the reading.
    await reader.return?.();
  }
}

interface Asking {
  readonly method?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
}

async function ask({ url, token }: RemoteAddress, path: string, init: Asking): Promise<Response> {
  const doing = `asking the running worker at ${url}`;
  let answer: Response;
  try {
    answer = await fetch(`${url}${QUEUE_PATH}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${token}`,
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      },
    });
  } catch (error) {
    init.signal.throwIfAborted();
    throw new TransientError(`${doing} failed: ${describeError(error)}`, { cause: error });
  }
  if (answer.ok) {
    return answer;
  }
  const failure = failureSchema.safeParse(await answer.json().catch(() => undefined));
  throw failure.success ? fromFailure(failure.data) : new TransientError(`${doing}: it answered ${answer.status}`);
}

function isEmpty(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && Object.keys(answer).length === 0;
}
