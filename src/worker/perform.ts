import type { Command } from "../domain/command.ts";
import type { Frequency } from "../domain/frequency.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import { providersOf } from "../planning/covers.ts";
import { type BringParts, createBring, joinAll } from "./bring.ts";
import type { CommandContext, Done, Perform } from "./message-handler.ts";
import type { Reference } from "./reference.ts";

/**
 * One handler a command. A provider that refuses our credentials is out for good: it says so, the others go on without
 * it, and only what is pinned to it or what nobody else has becomes a dead letter. Without any provider left its error is
 * thrown.
 */
export function createPerform(parts: BringParts): Perform {
  const bring = createBring(parts);
  return async (command, context, signal) => {
    switch (command.kind) {
      case "sync-bars": {
        const bars = bring("bars", { ...command, frequency: fetchedAs(command.frequency) }, context, signal);
        // An index has none, whoever is asked.
        const withFactors = command.codes.filter(
          (code) => providersOf(parts.abilities, "adjustment-factors", "1d", code).length > 0,
        );
        if (!command.withFactors || withFactors.length === 0) {
          return await bars;
        }
        // Also where a bar cannot be had.
        await bars.catch(() => undefined);
        return await joinAll([
          bars,
          bring("adjustment-factors", { ...command, codes: withFactors, frequency: "1d" }, context, signal),
        ]);
      }
      case "sync-adjustment-factors":
        return await bring("adjustment-factors", { ...command, frequency: "1d" }, context, signal);
      case "sync-ticks":
        return await bring("ticks", { ...command, frequency: "1d" }, context, signal);
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

/** Weeks and months are views over daily bars: whoever wants them wants those. */
function fetchedAs(frequency: Frequency): Frequency {
  return frequency === "1w" || frequency === "1M" ? "1d" : frequency;
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
