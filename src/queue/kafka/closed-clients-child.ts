/**
 * A process of a test: opens a producer and a queue, waits until standard input ends, publishes in vain, closes both, and
 * has nothing left to do. `closed-clients-child.ts ADDRESS TOPIC`.
 */

import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { openKafkaProducer } from "./kafka-producer.ts";
import { openKafkaQueue } from "./kafka-queue.ts";

const [address = "", topic = ""] = process.argv.slice(2);
const connection = { clientId: "closed", brokers: [address], requestTimeoutMs: 2_000 };
const never = new AbortController().signal;
const producer = await openKafkaProducer({ connection, sendMs: 1_000, clock: systemClock });
const queue = await openKafkaQueue({
  connection,
  groupId: "closed",
  topics: [topic],
  closeMs: 1_000,
  clock: systemClock,
  log: silentLog,
});
queue.subscribe({
  onReadable: () => undefined,
  onRebalance: () => undefined,
  onJoin: () => true,
  onLost: () => undefined,
  onFailure: () => undefined,
});
process.stdout.write("open\n");
for await (const _ of process.stdin) {
  // Nothing comes; the end says that the broker is gone.
}
await producer.publish([{ topic, key: undefined, value: Buffer.from("v"), headers: [] }], never).catch(() => undefined);
await Promise.all([producer[Symbol.asyncDispose](), queue[Symbol.asyncDispose]()]);
