import type { Log } from "../base/log.ts";
import type { Command } from "../domain/command.ts";
import { MessageError } from "../domain/message-error.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { CommandContext, Done, Perform } from "./message-handler.ts";
import type { Reference } from "./reference.ts";
import { joinDone, syncCodes, type CodeLine, type SyncParts } from "./sync-codes.ts";

/** What one provider serves of the data sets that are asked for by code. */
export interface ProviderLines {
  readonly bars: CodeLine<"bars">;
  readonly factors: CodeLine<"adjustment-factors">;
}

export interface PerformParts extends SyncParts {
  readonly lines: ReadonlyMap<ProviderName, ProviderLines>;
  /** Providers in the order in which they are asked. */
  readonly chain: readonly ProviderName[];
  readonly log: Log;
}

/** One handler a command. */
export function createPerform(parts: PerformParts): Perform {
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
        const lines = linesFor(command.provider, parts, context);
        const bars = await syncCodes(command, lines.bars, parts, context, signal);
        return command.withFactors
          ? joinDone(bars, await syncCodes({ ...command, frequency: "1d" }, lines.factors, parts, context, signal))
          : bars;
      }
      case "sync-adjustment-factors":
        return await syncCodes(
          { ...command, frequency: "1d" },
          linesFor(command.provider, parts, context).factors,
          parts,
          context,
          signal,
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

function linesFor(
  pinned: ProviderName | undefined,
  { lines, chain }: PerformParts,
  { places }: CommandContext,
): ProviderLines {
  const provider = pinned ?? chain[0];
  const found = provider === undefined ? undefined : lines.get(provider);
  if (found === undefined) {
    const served = [...lines.keys()].join(", ");
    throw new MessageError(
      "not-supported",
      `${places.params}.provider`,
      `${provider} is not served, only ${served} is`,
    );
  }
  return found;
}

const IGNORED: Done = {
  word: "ignored",
  rows: NO_ROWS,
  callIds: [],
  provider: undefined,
  pendingDays: 0,
  unexplainedDays: 0,
};
