import { setTimeout as sleep } from "node:timers/promises";

import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { startRun } from "../contracts/queue-run.ts";
import { createNotedLog } from "./noted-log.ts";

/**
 * A member that freezes in the middle of its work: `freezing-member.ts BOOTSTRAP TOPIC GROUP SESSION_MS`. Of each
 * partition it finishes offsets 0 to 2; the first time it comes to offset 3 it stops its own process. Woken up, it
 * finishes 3 and holds 4 to 9 for good; later ones it finishes. Prints a line `joined`, `start PARTITION OFFSET`,
 * `freezing`, `awake`, or `done PARTITION OFFSET`.
 */
const [bootstrap = "", topic = "", group = "", sessionMs = ""] = process.argv.slice(2);
const HELD_FROM = 4n;
const HELD_TO = 9n;
const never = new Promise<void>(() => undefined);
const noted = createNotedLog();
const log = {
  ...noted,
  info: (event: string) => {
    if (event === "kafka group joined") {
      process.stdout.write("joined\n");
    }
  },
};
let hasFrozen = false;
const queue = await createKafkaBroker(bootstrap).openQueue(topic, group, {
  sessionTimeoutMs: Number(sessionMs),
  heartbeatMs: 300,
  log,
});
startRun(queue, {
  handle: async ({ partition, offset }) => {
    process.stdout.write(`start ${partition} ${offset}\n`);
    if (offset === 3n && !hasFrozen) {
      // What the others are told first: everything below is committed.
      await sleep(1_000);
      if (!hasFrozen) {
        hasFrozen = true;
        process.stdout.write("freezing\n");
        // One write to a pipe is done before the next line, so the parent reads it while this process stands still.
        process.kill(process.pid, "SIGSTOP");
        process.stdout.write("awake\n");
      }
    }
    await (offset >= HELD_FROM && offset <= HELD_TO ? never : undefined);
    process.stdout.write(`done ${partition} ${offset}\n`);
  },
});
