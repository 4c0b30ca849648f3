import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { DataError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import type { OutgoingMessage } from "../ports/queue.ts";
import { createDeadLetters, EXCERPT_BYTES, KEY_EXCERPT_BYTES } from "./create-dead-letters.ts";
import { headerOf, sizeOf } from "./dead-letter-headers.ts";

const never = new AbortController().signal;
const BYTES_MAX = 1_000_000;
const LETTER = { reason: "too-large", path: "$", detail: "2,000,000 bytes", attempts: 1 } as const;

test("a key too large to be written is cut as the value is, with its hash, and keeps its partition", async () => {
  const { write, published } = openTarget();
  const key = Buffer.from("k".repeat(2 * BYTES_MAX));
  const value = Buffer.from("0123456789");
  await write({ key, value });
  const [letter] = published;
  assert.ok(letter);
  assert.ok(letter.key?.equals(key.subarray(0, KEY_EXCERPT_BYTES)));
  assert.ok(letter.value?.equals(value));
  assert.equal(letter.partition, 7);
  assert.equal(textOf(letter, "key-sha256"), createHash("sha256").update(key).digest("hex"));
  assert.equal(textOf(letter, "key-bytes"), String(key.length));
  assert.equal(textOf(letter, "sha256"), createHash("sha256").update(value).digest("hex"));
});

test("a usual key stays whole beside a value that is cut, and says the partition", async () => {
  const { write, published } = openTarget();
  const key = Buffer.from("600000.SH");
  const value = Buffer.alloc(2 * BYTES_MAX);
  await write({ key, value });
  const [letter] = published;
  assert.ok(letter);
  assert.ok(letter.key?.equals(key));
  assert.equal(letter.value?.length, EXCERPT_BYTES);
  assert.equal(letter.partition, undefined);
  assert.equal(textOf(letter, "key-sha256"), undefined);
});

function openTarget(): {
  readonly write: (parts: { readonly key: Buffer; readonly value: Buffer }) => Promise<void>;
  readonly published: readonly OutgoingMessage[];
} {
  const published: OutgoingMessage[] = [];
  const letters = createDeadLetters({
    producer: {
      publish: async (messages) => {
        for (const message of messages) {
          const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0) + sizeOf(message.headers);
          if (bytes > BYTES_MAX) {
            throw new DataError(`publishing ${bytes} bytes: the topic takes ${BYTES_MAX}`);
          }
          published.push(message);
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    topic: "t.dlq",
    partitions: 24,
    bytesMax: BYTES_MAX,
    clock: systemClock,
    log: silentLog,
  });
  const place = { topic: "t", partition: 7, offset: 42n, headers: [], timestampMs: 0 };
  return { write: (parts) => letters.write({ ...place, ...parts }, LETTER, never), published };
}

function textOf({ headers }: OutgoingMessage, name: string): string | undefined {
  return headerOf(headers, `x-ginkgo-${name}`)?.toString();
}
