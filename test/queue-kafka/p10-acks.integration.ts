import assert from "node:assert/strict";
import { test } from "node:test";

import { numbered } from "../contracts/queue-contract.ts";
import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { PRODUCE } from "./kafka-proxy.ts";
import { startProxiedKafka } from "./proxied-kafka.ts";

const never = new AbortController().signal;
const ALL_REPLICAS = -1;

test("P10: every publication asks for the acknowledgement of all replicas in sync, not of the leader alone", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using kafka = await startProxiedKafka();
  const asked: number[] = [];
  kafka.proxy.onRequest = (kind, version, request) => {
    if (kind === PRODUCE) {
      asked.push(readAcks(version, request));
    }
  };
  await using broker = createKafkaBroker(kafka.proxied);
  const { topic, deadLetterTopic } = await broker.createTopic(6);
  await using producer = await broker.openProducer();
  await producer.publish([...numbered(topic, 60), ...numbered(deadLetterTopic, 60)], never);
  assert.ok(asked.length >= 12, `${asked.length} requests: one a partition at least`);
  const others = asked.filter((acks) => acks !== ALL_REPLICAS);
  assert.equal(others.length, 0, `${others.length} of ${asked.length} publications ask for acks ${others[0]}`);
});

/** The field `acks` of a produce request; its header is flexible from version 9 on. */
function readAcks(version: number, request: Buffer): number {
  assert.ok(version >= 9 && version <= 13, `produce requests of version ${version} are read by this test from 9 to 13`);
  const clientIdLength = Math.max(0, request.readInt16BE(8));
  const tagged = 10 + clientIdLength;
  assert.equal(request.readUInt8(tagged), 0, "tagged fields in the header");
  // A compact nullable string: its length and one more, 0 for null; shorter than 127 here.
  const transactionalId = Math.max(0, request.readUInt8(tagged + 1) - 1);
  return request.readInt16BE(tagged + 2 + transactionalId);
}
