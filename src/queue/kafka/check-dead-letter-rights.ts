import { promisify } from "node:util";

import { type Connection, metadataV12 } from "@platformatic/kafka";

import { PermanentError } from "../../base/errors.ts";
import type { KafkaConnection } from "./connection.ts";
import { withAdmin } from "./probe-kafka.ts";

/** Bit of the operation WRITE in the mask of KIP-430, by the codes of Kafka's `AclOperation`. */
const WRITE = 1 << 4;

/**
 * PermanentError (credentials) when we may not write to the topic. Nothing is written to find out: the broker lists
 * with a topic's metadata what the asking user may do; without access control that is everything.
 */
export async function checkDeadLetterRights(
  connection: KafkaConnection,
  topic: string,
  signal?: AbortSignal,
): Promise<void> {
  const doing = `checking the right to write dead letters to ${topic}`;
  const operations = await withAdmin(
    connection,
    async (admin) => {
      const connections = await admin.connectToBrokers();
      const first = [...connections.values()][0];
      return first === undefined ? undefined : readOperations(first, topic);
    },
    doing,
    signal,
  );
  if (operations !== undefined && (operations & WRITE) === 0) {
    throw new PermanentError(`${doing}: the broker grants no WRITE`, "queue", { isCredentials: true });
  }
}

/** The mask of what we may do with the topic; undefined where the broker does not say. */
async function readOperations(connection: Connection, topic: string): Promise<number | undefined> {
  const response = await promisify<metadataV12.MetadataResponse | undefined>((done) => {
    metadataV12.api(connection, [topic], false, true, (error, answer) => done(error, answer));
  })();
  const operations = response?.topics[0]?.topicAuthorizedOperations;
  return operations === undefined || operations === UNSAID ? undefined : operations;
}

/** What the field holds when the broker was not asked: the least 32-bit number. */
const UNSAID = -2_147_483_648;
