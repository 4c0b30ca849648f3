import { systemClock, type Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { chainForAll, chainForMarket, type Chains, providersInUse } from "../domain/chain-rule.ts";
import { isOfMarket, type MarketName } from "../domain/market.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Abilities } from "../planning/covers.ts";
import type { Lock } from "../ports/lock.ts";
import type { DeskLimits } from "../worker/call-desk.ts";
import { LedgerBook } from "../worker/ledger-book.ts";
import type { Perform } from "../worker/message-handler.ts";
import type { ProviderLines } from "../worker/bring.ts";
import { createPerform } from "../worker/perform.ts";
import type { IndexMarket } from "../worker/index-calendars.ts";
import type { ListDataSet } from "../worker/list-answer.ts";
import { ProviderChain } from "../worker/provider-chain.ts";
import type { ProviderLine } from "../worker/provider-line.ts";
import { Reference } from "../worker/reference.ts";
import { RowsInHand } from "../worker/rows-in-hand.ts";
import { SuspensionLists } from "../worker/suspension-lists.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import type { SyncParts } from "../worker/sync-codes.ts";
import { openLines, type LineContext } from "./open-lines.ts";
import type { OpenProvider } from "./open-providers.ts";
import type { StoreSide } from "./open-store.ts";
import { retryWaitsOf } from "./retry-waits.ts";

export interface AssembleParts {
  readonly config: Pick<Config, "worker" | "providers" | "history">;
  readonly store: Pick<StoreSide, "store" | "ledger" | "reference">;
  readonly providers: readonly OpenProvider[];
  /** Of all providers that there are; those in use by default. */
  readonly abilities?: Abilities;
  readonly lock: Lock;
  readonly log: Log;
  /** The machine's by default. */
  readonly clock?: Clock;
  readonly reached?: SyncParts["reached"];
  /** Wraps the desks; for traces. */
  readonly aroundDesk?: LineContext["aroundDesk"] | undefined;
}

export interface Assembled extends AsyncDisposable {
  readonly perform: Perform;
  readonly reference: Reference;
  /** How each provider's api is now. */
  readonly breakers: () => readonly BreakerSeen[];
  /** For a drain: from now on what a provider's outage holds up is given back, to come again. */
  readonly letGoInOutages: () => void;
}

/** A burst that never ends is cut after so many gathering times. */
const GATHER_TIMES_MAX = 12;
/** Fetched and not yet stored, of all desks; about 25 MB, since the image gives the heap 256. */
const ROWS_IN_HAND_MAX = 30_000;

/** Puts the parts of the core together: reference lists, ledger, one desk for each data set of each provider. */
export function assembleWorker(parts: AssembleParts, work: AbortSignal): Assembled {
  const { config, store, providers, lock, log, clock = systemClock } = parts;
  const retryWaits = retryWaitsOf(config);
  const opened = new AsyncDisposableStack();
  const chains = config.providers;
  const chain = new ProviderChain({ providers: providersInUse(chains), log, clock });
  const reference = opened.use(
    new Reference({
      stored: store.reference,
      store: store.store,
      ledger: store.ledger,
      lock,
      clock,
      log,
      work,
      chain,
      lines: {
        "stock-list": listLines(providers, "stock-list", "CN", chains),
        "trading-calendar": listLines(providers, "trading-calendar", "CN", chains),
      },
      indexLines: indexLines(providers, chains),
    }),
  );
  const suspensions = createSuspensionLists(inOrder(providers, chainForAll(chains, "suspensions")), clock, log, work);
  const lines = new Map<ProviderName, ProviderLines>();
  const rowsInHand = new RowsInHand();
  for (const provider of providers) {
    const limits: DeskLimits = {
      callsAtOnceMax: provider.callsAtOnceMax,
      rowsInHandMax: ROWS_IN_HAND_MAX,
      gatherMs: config.worker.gatherMs,
      gatherMsMax: config.worker.gatherMs * GATHER_TIMES_MAX,
    };
    const shared = {
      provider,
      limits,
      retryWaits,
      reference,
      store: store.store,
      clock,
      log,
      work,
      opened,
      suspensions,
      rowsInHand,
    };
    const context = { ...shared, aroundDesk: parts.aroundDesk ?? ((desk) => desk) };
    lines.set(provider.provider, openLines(context));
  }
  const perform = createPerform({
    lines,
    chain,
    chains,
    abilities: parts.abilities ?? new Map(providers.map(({ provider, capabilities }) => [provider, capabilities])),
    reference,
    ledger: new LedgerBook(store.ledger, { clock, log, waits: retryWaits }, work),
    store: store.store,
    clock,
    historyStart: config.history.start,
    tickDays: config.history.tickDays,
    log,
    reached: parts.reached,
  });
  const breakers = (): readonly BreakerSeen[] => [
    ...providers.flatMap(({ gates }) => gates.map((gate) => gate.describe())),
    // As a whole, and not tried again.
    ...[...chain.refusals].map(([provider, said]) => ({ provider, api: provider, state: "open", ...said }) as const),
  ];
  const letGoInOutages = (): void => {
    for (const gate of providers.flatMap(({ gates }) => gates)) {
      gate.letGo();
    }
  };
  return { perform, reference, breakers, letGoInOutages, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function indexLines(
  providers: readonly OpenProvider[],
  chains: Chains,
): ReadonlyMap<IndexMarket, readonly ProviderLine[]> {
  const all = (["HK", "US"] as const).map(
    (market) => [market, listLines(providers, "trading-calendar", market, chains)] as const,
  );
  return new Map(all.filter(([, lines]) => lines.length > 0));
}

/** Of everybody who has the market's list, in the order of the chain; the settings were checked before. */
function listLines(
  providers: readonly OpenProvider[],
  list: ListDataSet,
  market: MarketName,
  chains: Chains,
): readonly ProviderLine[] {
  return inOrder(providers, chainForMarket(chains, list, market))
    .flatMap(({ lines }) => lines)
    .filter(({ capability }) => capability.dataSet === list && isOfMarket(capability.exchanges, market));
}

function inOrder(providers: readonly OpenProvider[], chain: readonly ProviderName[]): readonly OpenProvider[] {
  return chain.flatMap((name) => providers.find(({ provider }) => provider === name) ?? []);
}

/** Of the first provider that has such a list; a provider without one may say of a day itself that nothing was traded. */
function createSuspensionLists(
  providers: readonly OpenProvider[],
  clock: Clock,
  log: Log,
  work: AbortSignal,
): SuspensionLists {
  const holder = providers.find(({ capabilities }) => capabilities.some(({ dataSet }) => dataSet === "suspensions"));
  return new SuspensionLists(holder?.line("suspensions"), clock, log, work);
}
