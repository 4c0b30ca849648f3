import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { openClickHouseHandledLetters } from "../store/clickhouse/handled-letters.ts";
import { ensureSchema } from "../store/clickhouse/schema.ts";
import type { DeadLettersApi } from "./dead-letters/dead-letters-api.ts";
import { discardLetters } from "./dead-letters/discard-letters.ts";
import { listLetters, type LetterParts, showLetter } from "./dead-letters/read-letters.ts";
import { redriveLetters } from "./dead-letters/redrive-letters.ts";
import { needStoreFolder } from "./open-for-reading.ts";
import { openQueueTools, type QueueTools } from "./open-queue-tools.ts";
import { openOurClickHouse, schemaOptions } from "./open-store.ts";
import { retryWaitsOf } from "./retry-waits.ts";

export const deadLetterCommands: DeadLettersApi = {
  listDeadLetters: async (config, filter, log, signal) => {
    await using parts = await openParts(config, false, log, signal);
    return await listLetters(parts, filter, signal);
  },

  showDeadLetter: async (config, place, log, signal) => {
    await using parts = await openParts(config, false, log, signal);
    return await showLetter(parts, place, signal);
  },

  async *redriveDeadLetters(config, choice, options, log, signal) {
    await using parts = await openParts(config, !options.isDryRun, log, signal);
    const producer = await parts.tools.openProducer(signal);
    const retryWaits = retryWaitsOf(config);
    yield* redriveLetters({ ...parts, producer, retryWaits, clock: systemClock, log }, choice, options, signal);
  },

  discardDeadLetters: async (config, choice, note, log, signal) => {
    await using parts = await openParts(config, true, log, signal);
    return await discardLetters({ ...parts, clock: systemClock }, choice, note, signal);
  },
};

/** Where something is to be recorded, the table for it is made first: nothing may be sent that cannot be recorded. */
async function openParts(
  config: Config,
  isRecording: boolean,
  log: Log,
  signal: AbortSignal,
): Promise<LetterParts & AsyncDisposable & { readonly tools: QueueTools }> {
  await using opened = new AsyncDisposableStack();
  if (config.mode === "embedded") {
    needStoreFolder(config);
  }
  const tools = opened.use(await openQueueTools(config, log, signal));
  const clickhouse = opened.use(await openOurClickHouse(config, log, signal));
  if (isRecording) {
    await ensureSchema(clickhouse, schemaOptions(config, config.schema.auto), log, signal);
  }
  const open = opened.move();
  return {
    topic: config.kafka.deadLetterTopic,
    tools,
    reader: tools.reader,
    handled: openClickHouseHandledLetters(clickhouse),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
