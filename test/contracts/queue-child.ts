import { setTimeout as sleep } from "node:timers/promises";

import { createKafkaBroker } from "./queue-kafka-broker.ts";
import { placeOf, startRun } from "./queue-run.ts";

/**
 * A member of a group in a process of its own, to be killed: `queue-child.ts BOOTSTRAP TOPIC GROUP`. Prints a line for
 * each message that it has finished, and takes up to 80 ms for each.
 */
const [bootstrap = "", topic = "", group = ""] = process.argv.slice(2);
const queue = await createKafkaBroker(bootstrap).openQueue(topic, group);
startRun(queue, {
  handle: async (message) => {
    await sleep(Number(message.offset % 5n) * 20);
    process.stdout.write(`${placeOf(message)} ${message.key?.toString()} ${message.value?.toString()}\n`);
  },
});
