import { systemClock, type Clock } from "../base/clock.ts";
import type { RetryWaits } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import { untilPassed } from "../base/retry.ts";
import type { Config } from "../config.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import { checkBars } from "../planning/check-bars.ts";
import { checkFactors } from "../planning/check-factors.ts";
import { coalesce } from "../planning/coalesce.ts";
import type { Lock } from "../ports/lock.ts";
import type { Store } from "../ports/store.ts";
import { CallDesk, type DeskLimits, type DeskParts } from "../worker/call-desk.ts";
import { LedgerBook } from "../worker/ledger-book.ts";
import type { Perform } from "../worker/message-handler.ts";
import { createPerform, type ProviderLines } from "../worker/perform.ts";
import { Reference } from "../worker/reference.ts";
import { SuspensionLists } from "../worker/suspension-lists.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import type { SyncParts } from "../worker/sync-codes.ts";
import type { OpenProvider } from "./open-providers.ts";
import type { StoreSide } from "./open-store.ts";
import { retryWaitsOf } from "./retry-waits.ts";

export interface AssembleParts {
  readonly config: Pick<Config, "worker" | "providers" | "history">;
  readonly store: Pick<StoreSide, "store" | "ledger" | "reference">;
  readonly providers: readonly OpenProvider[];
  readonly lock: Lock;
  readonly log: Log;
  /** The machine's by default. */
  readonly clock?: Clock;
  readonly reached?: SyncParts["reached"];
  /** Wraps the desks; for traces. */
  readonly aroundDesk?:
    | (<D extends CodeDataSet>(desk: Pick<CallDesk<D>, "fetch">) => Pick<CallDesk<D>, "fetch">)
    | undefined;
}

export interface Assembled extends AsyncDisposable {
  readonly perform: Perform;
  readonly reference: Reference;
  /** How each provider's api is now. */
  readonly breakers: () => readonly BreakerSeen[];
  /** For a drain: from now on what a provider's outage holds up is given back, to come again. */
  readonly letGoInOutages: () => void;
}

/** Of the whole market on one day; a little above what is listed, so that a day's call is not taken for free. */
const MARKET_ROWS_UNKNOWN = 5_500;
/** A burst that never ends is cut after so many gathering times. */
const GATHER_TIMES_MAX = 12;
/** Fetched and not yet stored, of each desk; about 25 MB, since the image gives the heap 256. */
const ROWS_IN_HAND_MAX = 30_000;

/** Puts the parts of the core together: reference lists, ledger, one desk for each data set of each provider. */
export function assembleWorker(parts: AssembleParts, work: AbortSignal): Assembled {
  const { config, store, providers, lock, log, clock = systemClock } = parts;
  const first = providers[0];
  if (first === undefined) {
    throw new RangeError("a worker needs a provider");
  }
  const retryWaits = retryWaitsOf(config);
  const opened = new AsyncDisposableStack();
  const reference = opened.use(
    new Reference({
      lines: { "stock-list": first.line("stock-list"), "trading-calendar": first.line("trading-calendar") },
      stored: store.reference,
      store: store.store,
      ledger: store.ledger,
      lock,
      clock,
      log,
      work,
    }),
  );
  const lines = new Map<ProviderName, ProviderLines>();
  for (const provider of providers) {
    const limits: DeskLimits = {
      callsAtOnceMax: provider.callsAtOnceMax,
      rowsInHandMax: ROWS_IN_HAND_MAX,
      gatherMs: config.worker.gatherMs,
      gatherMsMax: config.worker.gatherMs * GATHER_TIMES_MAX,
    };
    const shared = { provider, limits, retryWaits, reference, store: store.store, clock, log, work, opened };
    const context = { ...shared, aroundDesk: parts.aroundDesk ?? ((desk) => desk) };
    lines.set(provider.provider, openLines(context));
  }
  const perform = createPerform({
    lines,
    chain: config.providers.chain,
    reference,
    ledger: new LedgerBook(store.ledger, { clock, log, waits: retryWaits }, work),
    store: store.store,
    clock,
    historyStart: config.history.start,
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

interface LineContext {
  readonly provider: OpenProvider;
  readonly limits: DeskLimits;
  readonly retryWaits: RetryWaits;
  readonly reference: Reference;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly work: AbortSignal;
  readonly opened: AsyncDisposableStack;
  readonly aroundDesk: NonNullable<AssembleParts["aroundDesk"]>;
}

function openLines(context: LineContext): ProviderLines {
  const { provider, limits, retryWaits, reference, store, clock, log, work, opened, aroundDesk } = context;
  const suspensions = new SuspensionLists(provider.line("suspensions"), clock, log, work);
  const setAside: DeskParts<CodeDataSet>["setAside"] = (rows, provenance) =>
    untilPassed(
      () => store.quarantine(rows, { ...provenance, requestId: "" }, work),
      { clock, log, waits: retryWaits, doing: "setting rejected rows aside" },
      work,
    );
  const shared = { clock, log, limits, retryWaits, setAside };
  const options = (): { readonly calendar: Reference["calendar"]; readonly marketRowsByDay: number } => ({
    calendar: reference.calendar,
    marketRowsByDay: reference.listedCount || MARKET_ROWS_UNKNOWN,
  });
  const bars = provider.line("bars");
  const factors = provider.line("adjustment-factors");
  const barDesk = opened.use(
    new CallDesk<"bars">(
      {
        ...shared,
        line: bars,
        coalesce: (units) => coalesce<"bars">(units, bars.capability, options()),
        check: (rows, call) => checkBars(rows, { call, reference, nowMs: clock.nowMs() }),
      },
      work,
    ),
  );
  const factorDesk = opened.use(
    new CallDesk<"adjustment-factors">(
      {
        ...shared,
        line: factors,
        coalesce: (units) => coalesce<"adjustment-factors">(units, factors.capability, options()),
        check: (rows, call) => checkFactors(rows, { call, reference, nowMs: clock.nowMs() }),
      },
      work,
    ),
  );
  return {
    isOut: () => bars.isOut || factors.isOut,
    bars: {
      dataSet: "bars",
      provider: provider.provider,
      capability: bars.capability,
      desk: aroundDesk(barDesk),
      suspensions,
      toModel: (row, provenance) => ({ model: "bar", row, provenance }),
    },
    factors: {
      dataSet: "adjustment-factors",
      provider: provider.provider,
      capability: factors.capability,
      desk: aroundDesk(factorDesk),
      suspensions,
      toModel: (row, provenance) => ({ model: "adjustment-factor", row, provenance }),
    },
  };
}
