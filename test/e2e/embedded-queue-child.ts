import { writeSync } from "node:fs";

import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Message } from "../../src/ports/queue.ts";
import { openEmbeddedLog } from "../../src/queue/embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../../src/queue/embedded/embedded-producer.ts";
import { openEmbeddedQueue } from "../../src/queue/embedded/embedded-queue.ts";

/**
 * A process that publishes to the embedded queue and commits in a loop, to be killed: `embedded-queue-child.ts FILE FIRST`.
 * Each message's value is a number, from FIRST on. What it writes to standard output, a line each, before it goes on:
 * `ready`; `sending N` and then `sent N`, when all values below N are acknowledged; `marking P O` and `marked P O`.
 */
const [file = "", first = "0"] = process.argv.slice(2);
const TOPIC = "t";
const PARTITIONS = 3;
const signal = new AbortController().signal;

// Not through the stream: a line must be with the reader before the process can be killed after it.
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

await using log = await openEmbeddedLog({ path: file, clock: systemClock, log: silentLog, waitMs: 0 });
log.ensureTopics([{ topic: TOPIC, partitions: PARTITIONS, replication: 1 }]);
const producer = createEmbeddedProducer(log);
await using queue = openEmbeddedQueue(log, { groupId: "g", topics: [TOPIC] });
const joined = Promise.withResolvers<void>();
queue.subscribe({
  onReadable: () => undefined,
  onRebalance: () => undefined,
  onJoin: () => {
    joined.resolve();
    return true;
  },
  onLost: () => undefined,
  onFailure: joined.reject,
});
await joined.promise;
say("ready");
let value = Number.parseInt(first, 10);
for (let round = 0; ; round += 1) {
  const count = 1 + ((round * 7) % 20);
  const messages = Array.from({ length: count }, (_, index) => ({
    topic: TOPIC,
    key: Buffer.from(`key-${(value + index) % 11}`),
    value: Buffer.from(String(value + index)),
    headers: [["round", Buffer.from(String(round))] as const],
  }));
  say(`sending ${value + count}`);
  await producer.publish(messages, signal);
  value += count;
  say(`sent ${value}`);
  const last = new Map<number, Message>();
  for (let pulled = queue.pull(); pulled !== undefined; pulled = queue.pull()) {
    last.set(pulled.message.partition, pulled.message);
  }
  const marks = [...last.values()].map(({ partition, offset }) => ({ topic: TOPIC, partition, offset: offset + 1n }));
  for (const { partition, offset } of marks) {
    say(`marking ${partition} ${offset}`);
  }
  await queue.commit(marks);
  for (const { partition, offset } of marks) {
    say(`marked ${partition} ${offset}`);
  }
  // Lets the process do what else it has to, once in a while.
  await new Promise((resolve) => setImmediate(resolve));
}
