import type { Log } from "../base/log.ts";
import type { Command } from "../domain/command.ts";
import { MessageError } from "../domain/message-error.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { CommandContext, Done, Perform } from "./message-handler.ts";
import { ProviderChain } from "./provider-chain.ts";
import type { Reference } from "./reference.ts";
import { joinDone, syncCodes, type CodeLine, type SyncParts } from "./sync-codes.ts";

/** What one provider serves of the data sets that are asked for by code. */
export interface ProviderLines {
  readonly bars: CodeLine<"bars">;
  readonly factors: CodeLine<"adjustment-factors">;
  /** An outage holds up what is asked of it now. */
  readonly isOut: () => boolean;
}

export interface PerformParts extends SyncParts {
  readonly lines: ReadonlyMap<ProviderName, ProviderLines>;
  /** Providers in the order in which they are asked. */
  readonly chain: readonly ProviderName[];
  readonly log: Log;
}

/**
 * One handler a command. What is asked for by code goes to the first provider of the chain that is neither refused nor
 * out; where all are out it waits for the first. A provider that refuses our credentials is out for good: it says so, the
 * others go on without it, and only what is pinned to it becomes a dead letter. Without any provider left its error is
 * thrown.
 */
export function createPerform(parts: PerformParts): Perform {
  const chain = new ProviderChain<ProviderLines>(parts);
  return async (command, context, signal) => {
    switch (command.kind) {
      case "sync-bars": {
        if (command.frequency !== "1d") {
          throw new MessageError(
            "not-supported",
            `${context.places.params}.frequency`,
            `bars of ${command.frequency} are not supported yet`,
          );
        }
        const bring = async ({ bars, factors }: ProviderLines): Promise<Done> => {
          const done = await syncCodes(command, bars, parts, context, signal);
          return command.withFactors
            ? joinDone(done, await syncCodes({ ...command, frequency: "1d" }, factors, parts, context, signal))
            : done;
        };
        return await chain.ask(command.provider, bring, `${context.places.params}.provider`);
      }
      case "sync-adjustment-factors":
        return await chain.ask(
          command.provider,
          ({ factors }) => syncCodes({ ...command, frequency: "1d" }, factors, parts, context, signal),
          `${context.places.params}.provider`,
        );
      case "sync-ticks":
        throw new MessageError("not-supported", "$.command", "ticks are not supported yet");
      case "sync-stock-list":
        return await syncList("stock-list", command, parts.reference, context, signal);
      case "sync-trading-calendar":
        return await syncList("trading-calendar", command, parts.reference, context, signal);
      case "beat":
      case "ignore":
        return IGNORED;
    }
  };
}

async function syncList(
  list: "stock-list" | "trading-calendar",
  { force }: Extract<Command, { readonly kind: "sync-stock-list" | "sync-trading-calendar" }>,
  reference: Reference,
  { askedAtMs, pace }: CommandContext,
  signal: AbortSignal,
): Promise<Done> {
  // An account may have one call an hour for a list, and the budget's waits are no fault of the message.
  using _ = pace?.rest();
  const { rows, callIds, isFetched } = await reference.bringUpToDate(list, askedAtMs, force, signal);
  return { ...IGNORED, word: isFetched ? "stored" : "up-to-date", rows, callIds };
}

const IGNORED: Done = {
  word: "ignored",
  rows: NO_ROWS,
  callIds: [],
  provider: undefined,
  pendingDays: 0,
  unexplainedDays: 0,
};
