import assert from "node:assert/strict";
import { test } from "node:test";

import { partitionOf } from "./kafka-producer.ts";

/** Kafka's murmur2 in 32-bit integers, after `org.apache.kafka.common.utils.Utils`, to hold the client's against. */
function murmur2(bytes: Buffer): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let index = 0; index < whole; index += 4) {
    let k = Math.imul(bytes.readInt32LE(index), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = bytes.subarray(whole);
  for (let index = rest.length - 1; index >= 0; index -= 1) {
    h ^= (rest[index] ?? 0) << (8 * index);
  }
  h = rest.length > 0 ? Math.imul(h, m) : h;
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

test("the hash of the test is Java's, by the vectors of Kafka's own unit test", () => {
  const vectors: readonly (readonly [string, number])[] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [text, hash] of vectors) {
    assert.equal(murmur2(Buffer.from(text)), hash, text);
  }
});

test("a security code lands on the partition that a Java producer chooses", () => {
  for (let index = 0; index < 6_000; index += 1) {
    const code = Buffer.from(`${String(index * 167).padStart(6, "0")}.${index % 2 === 0 ? "SZ" : "SH"}`);
    assert.equal(partitionOf(code, 24), (murmur2(code) & 0x7fffffff) % 24, code.toString());
  }
});
