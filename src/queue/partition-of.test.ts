import assert from "node:assert/strict";
import { test } from "node:test";

import { compatibilityPartitioner } from "@platformatic/kafka";

import { murmur2, partitionOf } from "./partition-of.ts";

test("the hash is Java's, by the vectors of Kafka's own unit test", () => {
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

test("a security code lands on the partition that a Kafka client chooses", () => {
  for (let index = 0; index < 6_000; index += 1) {
    const code = Buffer.from(`${String(index * 167).padStart(6, "0")}.${index % 2 === 0 ? "SZ" : "SH"}`);
    assert.equal(partitionOf(code, 24), compatibilityPartitioner({ topic: "" }, code) % 24, code.toString());
  }
});

test("keys of every length and any bytes land where a Kafka client puts them", () => {
  for (let length = 0; length < 40; length += 1) {
    const key = Buffer.from(Array.from({ length }, (_, index) => (length * 89 + index * 57) % 256));
    assert.equal(partitionOf(key, 7), compatibilityPartitioner({ topic: "" }, key) % 7, key.toString("hex"));
  }
});
