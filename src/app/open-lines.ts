import type { Clock } from "../base/clock.ts";
import type { RetryWaits } from "../base/jitter.ts";
import type { Log } from "../base/log.ts";
import { untilPassed } from "../base/retry.ts";
import { parseDay } from "../domain/day.ts";
import { marketOfExchange } from "../domain/market.ts";
import { PROVIDER_SOURCES } from "../domain/provider.ts";
import type { Instrument, RejectedRow, RowOf, Tick } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call, CodeDataSet } from "../domain/unit.ts";
import { checkBars } from "../planning/check-bars.ts";
import { checkFactors } from "../planning/check-factors.ts";
import type { CheckContext } from "../planning/check-rows.ts";
import { checkTicks } from "../planning/check-ticks.ts";
import { coalesce } from "../planning/coalesce.ts";
import { covers } from "../planning/covers.ts";
import { expandFactors } from "../planning/expand-factors.ts";
import { findVanished, toTickDays } from "../planning/vanished-ticks.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import type { Capability } from "../ports/source.ts";
import type { Store } from "../ports/store.ts";
import { CallDesk, type CheckedRows, type DeskLimits, type DeskParts } from "../worker/call-desk.ts";
import type { ProviderLines } from "../worker/bring.ts";
import type { ProviderLine } from "../worker/provider-line.ts";
import type { Reference } from "../worker/reference.ts";
import type { RowsInHand } from "../worker/rows-in-hand.ts";
import type { SuspensionLists } from "../worker/suspension-lists.ts";
import type { CodeLine } from "../worker/sync-codes.ts";
import type { OpenProvider } from "./open-providers.ts";

export interface LineContext {
  readonly provider: OpenProvider;
  readonly limits: DeskLimits;
  /** Of all desks. */
  readonly rowsInHand: RowsInHand;
  readonly retryWaits: RetryWaits;
  readonly reference: Reference;
  readonly store: Store;
  readonly suspensions: SuspensionLists;
  readonly clock: Clock;
  readonly log: Log;
  readonly work: AbortSignal;
  readonly opened: AsyncDisposableStack;
  readonly aroundDesk: <D extends CodeDataSet>(desk: Pick<CallDesk<D>, "fetch">) => Pick<CallDesk<D>, "fetch">;
}

/** Of the whole market on one day; a little above what is listed, so that a day's call is not taken for free. */
const MARKET_ROWS_UNKNOWN = 5_500;

type Lines = { readonly [D in CodeDataSet]: CodeLine<D>[] };

/** One desk for each capability of the provider that is asked for by code. */
export function openLines(context: LineContext): ProviderLines {
  const { provider } = context;
  const lines: Lines = { bars: [], ticks: [], "adjustment-factors": [] };
  for (const line of provider.lines) {
    const { dataSet } = line.capability;
    if (isByCode(dataSet)) {
      addLine(lines, dataSet, line, context);
    }
  }
  return {
    lines: (dataSet, frequency, code) =>
      lines[dataSet].filter(({ capability }) => capability.frequency === frequency && covers(capability, code)),
  };
}

function addLine(lines: Lines, dataSet: CodeDataSet, line: ProviderLine, context: LineContext): void {
  switch (dataSet) {
    case "bars":
      lines.bars.push(openLine(dataSet, line, context));
      break;
    case "ticks":
      lines.ticks.push(openLine(dataSet, line, context));
      break;
    case "adjustment-factors":
      lines["adjustment-factors"].push(openLine(dataSet, line, context));
      break;
  }
}

function isByCode(dataSet: string): dataSet is CodeDataSet {
  return Object.hasOwn(TO_MODEL, dataSet);
}

function openLine<D extends CodeDataSet>(dataSet: D, line: ProviderLine, context: LineContext): CodeLine<D> {
  const { provider, limits, retryWaits, reference, store, suspensions, clock, log, work } = context;
  const { capability } = line;
  const setAside: DeskParts<D>["setAside"] = (rows, provenance) =>
    untilPassed(
      () => store.quarantine(rows, { ...provenance, requestId: "" }, work),
      { clock, log, waits: retryWaits, doing: "setting rejected rows aside" },
      work,
    );
  const check = CHECKS[dataSet];
  const instrument = (code: SecurityCode): Instrument | undefined => reference.instrument(code);
  const desk = new CallDesk<D>(
    {
      line,
      coalesce: (units) =>
        coalesce<D>(units, capability, {
          calendar: calendarFor(capability, reference),
          marketRowsByDay: reference.listedCount || MARKET_ROWS_UNKNOWN,
        }),
      listedCount: () => reference.listedCount,
      check: (rows, call, rejected) =>
        check(
          rows,
          { call, reference: { calendar: calendarFor(capability, reference), instrument }, nowMs: clock.nowMs() },
          { capability, rejected, provider: provider.provider },
        ),
      setAside,
      clock,
      log,
      limits,
      rowsInHand: context.rowsInHand,
      retryWaits,
    },
    work,
  );
  return {
    dataSet,
    provider: provider.provider,
    capability,
    desk: context.aroundDesk(context.opened.use(desk)),
    suspensions,
    standing: () => line.standing(),
    onChange: (tell) => line.onChange(tell),
    toModel: TO_MODEL[dataSet],
    ...vanishing(dataSet, store),
  };
}

/** A day of ticks is replaced as a whole. */
function vanishing<D extends CodeDataSet>(dataSet: D, store: Store): Pick<CodeLine<D>, "vanished"> {
  const vanished: { readonly [E in CodeDataSet]?: CodeLine<E>["vanished"] } = {
    ticks: async (rows, signal) => {
      const gone: Tick[] = [];
      for (const one of toTickDays(rows)) {
        gone.push(...findVanished(one, await store.storedTicks(one.code, one.day, one.source, signal)));
      }
      return gone;
    },
  };
  const found = vanished[dataSet];
  return found === undefined ? {} : { vanished: found };
}

interface Checked {
  readonly capability: Capability;
  readonly provider: OpenProvider["provider"];
  readonly rejected: readonly RejectedRow[];
}

const CHECKS: {
  readonly [D in CodeDataSet]: (
    rows: readonly RowOf[D][],
    context: CheckContext<D> & { readonly call: Call<D> },
    checked: Checked,
  ) => CheckedRows<D>;
} = {
  bars: checkBars,
  ticks: checkTicks,
  "adjustment-factors": (rows, context, { capability, provider, rejected }) => {
    if (capability.isByEvent !== true) {
      return checkFactors(rows, context);
    }
    const { call, reference } = context;
    const { calendar } = reference;
    const source = PROVIDER_SOURCES[provider];
    const listedOn = (code: Parameters<Reference["instrument"]>[0]) => reference.instrument(code)?.listedOn;
    // What an ex-day says wrong is found before it is carried on to the days after it.
    const everything = { ...context, call: { ...call, selection: withoutDays(call.selection) } };
    const events = checkFactors(rows, everything);
    const all = [...rejected, ...events.rejected];
    const daily = expandFactors({ events: events.rows, rejected: all, call, calendar, source, listedOn });
    return { rows: checkFactors(daily, context).rows, rejected: events.rejected };
  },
};

/** A capability is of one market. */
function calendarFor(
  { exchanges }: Pick<Capability, "exchanges">,
  reference: Pick<Reference, "calendarOfMarket">,
): TradingCalendar {
  return reference.calendarOfMarket(marketOfExchange(exchanges[0] ?? "SH"));
}

const FIRST_DAY = parseDay("1990-01-01");

/** The same codes from the beginning on. */
function withoutDays(selection: Call["selection"]): Call["selection"] {
  return selection.by === "codes" ? { ...selection, from: FIRST_DAY } : selection;
}

const TO_MODEL: { readonly [D in CodeDataSet]: CodeLine<D>["toModel"] } = {
  bars: (row, provenance) => ({ model: "bar", row, provenance }),
  ticks: (row, provenance) => ({ model: "tick", row, provenance }),
  "adjustment-factors": (row, provenance) => ({ model: "adjustment-factor", row, provenance }),
};
