import { systemClock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { readVersion } from "../base/version.ts";
import type { Config } from "../config.ts";
import type { BeatCounts } from "../health/heartbeat.ts";
import { toNotification, type Notification } from "../health/notification.ts";
import { Notifier } from "../health/notifier.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import { openKafkaProducer } from "../queue/kafka/kafka-producer.ts";
import { ensureTopics } from "../queue/kafka/topics.ts";
import { SIDE_PARTITIONS } from "../queue/topic-spec.ts";
import { kafkaConnection } from "./open-kafka.ts";
import { workerIdentity } from "./open-heartbeat.ts";

export interface NotifierParts {
  readonly config: Config;
  readonly log: Log;
  readonly redact: (text: string) => string;
  readonly pace: () => AlertPace | undefined;
  readonly counts: () => BeatCounts | undefined;
}

/** Undefined where nobody reads notifications: without Kafka, or with `worker.notify` off. */
export function openNotifier({ config, log, redact, pace, counts }: NotifierParts): Notifier | undefined {
  if (config.mode !== "servers" || !config.worker.notify) {
    return undefined;
  }
  return new Notifier({
    compose: (kind, why) =>
      toNotification(kind, {
        worker: workerIdentity(config),
        version: readVersion(),
        groupId: config.worker.groupId,
        counts: counts(),
        why: redact(why),
      }),
    send: (notification, signal) => send(config, notification, log, signal),
    pace,
    clock: systemClock,
    log,
  });
}

/** By a connection of its own, so that nothing the work needs ever waits behind a notification. */
async function send(config: Config, notification: Notification, log: Log, signal: AbortSignal): Promise<void> {
  const connection = await kafkaConnection(config);
  const topic = config.quality.notificationTopic;
  try {
    const { replication } = config.kafka;
    await ensureTopics(connection, [{ topic, partitions: SIDE_PARTITIONS, replication }], signal);
  } catch (error) {
    // Perhaps it is there, and we may write to it without being allowed to make it.
    log.debug("topic of notifications was not ensured", { topic, why: describeError(error) });
  }
  await using producer = await openKafkaProducer({ connection, clock: systemClock }, signal);
  const value = Buffer.from(JSON.stringify(notification));
  await producer.publish([{ topic, key: Buffer.from(config.node.id), value, headers: [] }], signal);
}
