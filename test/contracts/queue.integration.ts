import { requireKafka } from "../support/services.ts";
import { messageReaderContract, queueContract } from "./queue-contract.ts";
import { createKafkaBroker } from "./queue-kafka-broker.ts";

queueContract("Kafka", async (t) => {
  const bootstrap = await requireKafka(t);
  return bootstrap === undefined ? undefined : createKafkaBroker(bootstrap);
});

messageReaderContract("Kafka", async (t) => {
  const bootstrap = await requireKafka(t);
  return bootstrap === undefined ? undefined : createKafkaBroker(bootstrap);
});
