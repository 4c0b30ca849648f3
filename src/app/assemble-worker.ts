import { systemClock, type Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { chainForAll, chainForMarket, type Chains } from "../domain/chain-rule.ts";
import { isOfMarket, type MarketName } from "../domain/market.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Abilities } from "../planning/covers.ts";
import type { Lock } from "../ports/lock.ts";
import type { DeskLimits } from "../worker/call-desk.ts";
import { LedgerBook } from "../worker/ledger-book.ts";
import type { Perform } from "../worker/message-handler.ts";
import type { ProviderLines } from "../worker/bring.ts";
import { createPerform } from "../worker/perform.ts";
import { IndexCalendars, type IndexMarket } from "../worker/index-calendars.ts";
import type { ListDataSet } from "../worker/list-answer.ts";
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
  const lists = {
    stored: store.reference,
    store: store.store,
    ledger: store.ledger,
    lock,
    clock,
    log,
    work,
  };
  const chains = config.providers;
  const reference = opened.use(
    new Reference({
      ...lists,
      indexCalendars: new IndexCalendars({ ...lists, lines: indexLines(providers, chains) }),
      lines: {
        "stock-list": lineOf(providers, "stock-list", chains),
        "trading-calendar": lineOf(providers, "trading-calendar", chains),
      },
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
    chains: config.providers,
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
  const breakers = (): readonly BreakerSeen[] => providers.flatMap(({ gates }) => gates.map((gate) => gate.describe()));
  const letGoInOutages = (): void => {
    for (const gate of providers.flatMap(({ gates }) => gates)) {
      gate.letGo();
    }
  };
  return { perform, reference, breakers, letGoInOutages, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Of the first provider that has the mainland's list; the settings were checked before. */
function lineOf(providers: readonly OpenProvider[], list: ListDataSet, chains: Chains): ProviderLine {
  const line = findList(inOrder(providers, chainForMarket(chains, list, "CN")), list, "CN");
  if (line === undefined) {
    throw new RangeError(`a worker needs a provider with a ${list.replace("-", " ")}`);
  }
  return line;
}

function indexLines(providers: readonly OpenProvider[], chains: Chains): ReadonlyMap<IndexMarket, ProviderLine> {
  const lines = new Map<IndexMarket, ProviderLine>();
  for (const market of ["HK", "US"] as const) {
    const asked = inOrder(providers, chainForMarket(chains, "trading-calendar", market));
    const line = findList(asked, "trading-calendar", market);
    if (line !== undefined) {
      lines.set(market, line);
    }
  }
  return lines;
}

function findList(providers: readonly OpenProvider[], list: ListDataSet, market: MarketName): ProviderLine | undefined {
  return providers
    .flatMap(({ lines }) => lines)
    .find(({ capability: one }) => one.dataSet === list && isOfMarket(one.exchanges, market));
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
