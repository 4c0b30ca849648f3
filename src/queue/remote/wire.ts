import { z } from "zod";

import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import type { Message, OutgoingMessage, PartitionLag } from "../../ports/queue.ts";

/** Bytes as base64 text, null for absent ones: what a queue carries is no text. */
const bytes = z.base64().nullable();
const headers = z.array(z.tuple([z.string(), bytes]));
const offset = z.string().regex(/^-?\d{1,19}$/);

export const publishSchema = z.array(
  z.object({ topic: z.string().min(1), partition: z.int().min(0).optional(), key: bytes, value: bytes, headers }),
);
const messageSchema = z.object({
  topic: z.string(),
  partition: z.int(),
  offset,
  key: bytes,
  value: bytes,
  headers,
  timestampMs: z.number(),
});
const lagSchema = z.array(
  z.object({ topic: z.string(), partition: z.int(), end: offset, committed: offset.nullable(), lag: offset }),
);
export const placeSchema = z.object({ topic: z.string().min(1), partition: z.coerce.number().int(), offset });
export const failureSchema = z.object({
  error: z.string(),
  kind: z.enum(["transient", "permanent", "data", "defect"]).optional(),
});
export type Failure = z.infer<typeof failureSchema>;

export function toWireMessage(message: Message): object {
  const { topic, partition, timestampMs } = message;
  return { ...toWireOutgoing(message), topic, partition, offset: String(message.offset), timestampMs };
}

export function fromWireMessage(input: unknown): Message {
  const read = messageSchema.parse(input);
  return { ...read, ...fromWireOutgoing(read), partition: read.partition, offset: BigInt(read.offset) };
}

export function toWireOutgoing({ topic, partition, key, value, headers: named }: OutgoingMessage): object {
  return {
    topic,
    partition,
    key: toText(key),
    value: toText(value),
    headers: named.map(([name, content]) => [name, toText(content)]),
  };
}

export function fromWireOutgoing(read: z.infer<typeof publishSchema>[number]): OutgoingMessage {
  return {
    topic: read.topic,
    ...(read.partition === undefined ? {} : { partition: read.partition }),
    key: toBytes(read.key),
    value: toBytes(read.value),
    headers: read.headers.map(([name, content]) => [name, toBytes(content)]),
  };
}

export function toWireLag(lags: readonly PartitionLag[]): unknown {
  return lags.map(({ topic, partition, end, committed, lag }) => ({
    topic,
    partition,
    end: String(end),
    committed: committed === undefined ? null : String(committed),
    lag: String(lag),
  }));
}

export function fromWireLag(input: unknown): readonly PartitionLag[] {
  return lagSchema.parse(input).map(({ topic, partition, end, committed, lag }) => ({
    topic,
    partition,
    end: BigInt(end),
    committed: committed === null ? undefined : BigInt(committed),
    lag: BigInt(lag),
  }));
}

/** What went wrong over there, with its kind, so that it means the same here. */
export function toFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof TransientError) {
    return { error: text, kind: "transient" };
  }
  if (error instanceof PermanentError) {
    return { error: text, kind: "permanent" };
  }
  return { error: text, kind: error instanceof DataError ? "data" : "defect" };
}

export function fromFailure({ error, kind }: Failure): Error {
  switch (kind) {
    case "transient":
      return new TransientError(error);
    case "permanent":
      return new PermanentError(error, "queue");
    case "data":
      return new DataError(error);
    case "defect":
    case undefined:
      return new Error(error);
  }
}

function toText(content: Buffer | undefined): string | null {
  return content === undefined ? null : content.toString("base64");
}

function toBytes(text: string | null): Buffer | undefined {
  return text === null ? undefined : Buffer.from(text, "base64");
}
