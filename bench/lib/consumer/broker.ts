import path from "node:path";

import { startKafka } from "../../../test/support/services/kafka.ts";
import type { ConsumerBenchOptions } from "./options.ts";
import { runProcess } from "./run-process.ts";
import { say } from "./say.ts";

export interface BenchBroker extends AsyncDisposable {
  readonly bootstrap: string;
}

/** Long enough for the jars to be fetched the first time. */
const START_MS = 600_000;

/**
 * The one broker for everybody: the one named, else the peers' own, so that their published numbers compare, else the
 * tests'. What was started here is stopped here.
 */
export async function openBroker(options: ConsumerBenchOptions, peersFolder: string | undefined): Promise<BenchBroker> {
  if (options.bootstrap !== undefined) {
    say(`broker: ${options.bootstrap}, which was named`);
    return { bootstrap: options.bootstrap, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (peersFolder === undefined) {
    const kafka = await startKafka();
    say(`broker: ${kafka.address}, the tests' own`);
    return { bootstrap: kafka.address, [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose]() };
  }
  const script = path.join(peersFolder, "kafka-broker/broker.sh");
  const wasUp = (await runProcess("bash", [script, "status"], { untilMs: 10_000 })).failure === undefined;
  const { text, failure } = await runProcess("bash", [script, "start"], { untilMs: START_MS });
  const bootstrap = text.split("\n").at(-1) ?? "";
  if (failure !== undefined || !/^[\w.]+:\d+$/.test(bootstrap)) {
    throw new Error(`starting the peers' broker: ${failure ?? `it says no address but ${JSON.stringify(text)}`}`);
  }
  say(`broker: ${bootstrap}, the peers' own${wasUp ? ", which was up and stays up" : ""}`);
  return {
    bootstrap,
    [Symbol.asyncDispose]: async () => {
      if (!wasUp) {
        await runProcess("bash", [script, "stop"], { untilMs: 30_000 });
      }
    },
  };
}
