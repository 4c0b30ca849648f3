import type { Config } from "../../config.ts";
import { checkDeadLetterRights } from "../../queue/kafka/check-dead-letter-rights.ts";
import { probeKafka } from "../../queue/kafka/probe-kafka.ts";
import { findTopics, readMessageBytesMax } from "../../queue/kafka/topics.ts";
import { DEAD_LETTER_EXTRA_BYTES, MESSAGE_BYTES_MAX } from "../../queue/topic-spec.ts";
import { kafkaConnection } from "../open-kafka.ts";
import { topicsOf } from "../open-queue.ts";
import { type CheckPlan, ok, skipped, warn } from "./run-checks.ts";

const ENSURE = "gdw topics ensure makes them";

export function kafkaChecks(config: Config): readonly CheckPlan[] {
  const { kafka, worker, mode } = config;
  const letters = kafka.deadLetterTopic;
  const wanted = [...new Set([...topicsOf(config), letters])];
  return [
    {
      name: "kafka",
      todo: "see that a broker runs at kafka.brokers, and check kafka.user, kafka.password and kafka.tls",
      look: async (signal) => {
        if (mode === "embedded") {
          return skipped("the queue is a file in the embedded folder");
        }
        const { clusterId, brokers } = await probeKafka(await kafkaConnection(config), signal);
        return ok(
          `${kafka.brokers.join(", ")}: cluster ${clusterId}, ${brokers} ${brokers === 1 ? "broker" : "brokers"}`,
        );
      },
    },
    {
      name: "kafka topics",
      after: "kafka",
      todo: ENSURE,
      look: async (signal) => {
        const found = await findTopics(await kafkaConnection(config), wanted, signal);
        const missing = wanted.filter((topic) => !found.has(topic));
        const odd = [worker.topic, letters].filter(
          (topic) => found.has(topic) && found.get(topic) !== kafka.partitions,
        );
        const seen = wanted.map((topic) => `${topic} ${found.get(topic) ?? "is missing"}`).join(", ");
        if (missing.includes(worker.topic) || missing.includes(letters)) {
          return warn(seen, `${ENSURE}, and start as well where it may`);
        }
        return odd.length === 0
          ? ok(`partitions: ${seen}`)
          : warn(
              `partitions: ${seen}`,
              `${kafka.partitions} are expected in ${odd.join(", ")}: Ginkgo's producers count on it; nothing is altered by us`,
            );
      },
    },
    {
      name: "dead letters",
      after: "kafka",
      todo: `let the user write to ${letters}`,
      look: async (signal) => {
        const connection = await kafkaConnection(config);
        if (!(await findTopics(connection, [letters], signal)).has(letters)) {
          return skipped(`${letters} is not there yet`, ENSURE);
        }
        await checkDeadLetterRights(connection, letters, signal);
        const source = (await readMessageBytesMax(connection, worker.topic, signal)) ?? MESSAGE_BYTES_MAX;
        const own = await readMessageBytesMax(connection, letters, signal);
        const needed = source + DEAD_LETTER_EXTRA_BYTES;
        if (own === undefined) {
          return warn(
            "may be written to; how large a message it takes we may not ask",
            "let the user describe its configuration",
          );
        }
        return own < needed
          ? warn(
              `may be written to, takes messages of ${own} bytes`,
              `raise max.message.bytes of ${letters} to ${needed}: of a larger message only the beginning is kept`,
            )
          : ok(`may be written to, takes messages of ${own} bytes`);
      },
    },
  ];
}
