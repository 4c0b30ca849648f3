import assert from "node:assert/strict";
import { after, describe, test, type TestContext } from "node:test";

import { message } from "../../../test/contracts/queue-contract.ts";
import { createKafkaBroker, type KafkaBroker } from "../../../test/contracts/queue-kafka-broker.ts";
import { startRun } from "../../../test/contracts/queue-run.ts";
import { type SecureKafka, startSecureKafka } from "../../../test/contracts/queue-secure-kafka.ts";
import { canRun } from "../../../test/support/services.ts";
import { whyNoKafka } from "../../../test/support/services/kafka.ts";
import { PermanentError } from "../../base/errors.ts";
import { checkDeadLetterRights } from "./check-dead-letter-rights.ts";
import { type KafkaConnection, SASL_MECHANISMS, type SaslMechanism } from "./connection.ts";
import { probeKafka } from "./probe-kafka.ts";

const never = new AbortController().signal;

describe("a broker with TLS and passwords", () => {
  let starting: Promise<SecureKafka> | undefined;
  after(async () => (await starting)?.[Symbol.asyncDispose]());

  async function secureFor(t: TestContext): Promise<SecureKafka | undefined> {
    if (!canRun(t, whyNoKafka())) {
      return undefined;
    }
    starting ??= startSecureKafka();
    return starting;
  }

  for (const mechanism of SASL_MECHANISMS) {
    test(`messages go and come over TLS with ${mechanism}`, async (t) => {
      const kafka = await secureFor(t);
      if (kafka === undefined) {
        return;
      }
      const broker = createKafkaBroker(connectionOf(kafka, mechanism));
      await roundTrip(broker, `g-${mechanism}`);
    });

    test(`P6: a wrong password with ${mechanism} is said to be one, soon`, async (t) => {
      const kafka = await secureFor(t);
      if (kafka === undefined) {
        return;
      }
      const connection = connectionOf(kafka, mechanism, "worker", "wrong");
      const askedAtMs = Date.now();
      await assert.rejects(probeKafka(connection), (error) => {
        assert.ok(error instanceof PermanentError && error.isCredentials && error.scope === "queue", String(error));
        assert.match(error.message, /refused user name or password/);
        return true;
      });
      assert.ok(Date.now() - askedAtMs < 5_000);
    });
  }

  test("a certificate that we do not trust is a TLS error, not one of credentials", async (t) => {
    const kafka = await secureFor(t);
    if (kafka === undefined) {
      return;
    }
    const { sasl, ...rest } = connectionOf(kafka, "PLAIN");
    assert.ok(sasl !== undefined);
    await assert.rejects(probeKafka({ ...rest, sasl, tls: {} }), (error) => {
      assert.ok(error instanceof PermanentError && !error.isCredentials, String(error));
      assert.match(error.message, /its TLS certificate is signed by nobody who is trusted here/);
      return true;
    });
  });

  test("TLS where there is none, and none where there is, are both said to be about TLS", async (t) => {
    const kafka = await secureFor(t);
    if (kafka === undefined) {
      return;
    }
    const connection = { brokers: [kafka.open], clientId: "test", tls: { ca: kafka.ca } };
    await assert.rejects(
      probeKafka(connection),
      (error) => error instanceof PermanentError && error.message.includes("set kafka.tls to false"),
    );
    const plain = { brokers: [kafka.secured], clientId: "test" };
    await assert.rejects(
      probeKafka(plain),
      (error) => error instanceof PermanentError && /set kafka\.tls to true/.test(error.message),
    );
  });

  test("no right to write dead letters is found without writing one", async (t) => {
    const kafka = await secureFor(t);
    if (kafka === undefined) {
      return;
    }
    const open = createKafkaBroker(kafka.open);
    const { deadLetterTopic } = await open.createTopic(1);
    await checkDeadLetterRights(connectionOf(kafka, "PLAIN"), deadLetterTopic);
    await assert.rejects(checkDeadLetterRights(connectionOf(kafka, "PLAIN", "reader"), deadLetterTopic), (error) => {
      assert.ok(error instanceof PermanentError && error.isCredentials, String(error));
      assert.match(error.message, new RegExp(`right to write dead letters to ${deadLetterTopic}`));
      return true;
    });
  });
});

function connectionOf(
  kafka: SecureKafka,
  mechanism: SaslMechanism,
  username = "worker",
  password = kafka.password,
): KafkaConnection {
  return { brokers: [kafka.secured], clientId: "test", tls: { ca: kafka.ca }, sasl: { mechanism, username, password } };
}

async function roundTrip(broker: KafkaBroker, group: string): Promise<void> {
  const { topic } = await broker.createTopic(2);
  await using producer = await broker.openProducer();
  await producer.publish([message(topic, "k", "over TLS")], never);
  await using queue = await broker.openQueue(topic, group);
  await using run = startRun(queue);
  await run.until(() => run.done.length === 1, "it is done");
  assert.equal((await run.stop()).isCommitted, true);
}
