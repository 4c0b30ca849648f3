import type { Clock } from "../../base/clock.ts";
import { dayAt, SHANGHAI, type Day } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { DataSet } from "../../domain/rows.ts";
import { exchangeOf } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import type { Capability, Page, Source } from "../../ports/source.ts";
import { oneCodeOf } from "../one-code-of.ts";
import { askAktoolsBars, askAktoolsCalendar, askAktoolsFactors, askAktoolsTicks } from "./aktools.ts";
import { akshareCapabilities } from "./capabilities.ts";
import { createAkshareClient, type AkshareClient, type AkshareClientOptions } from "./client.ts";
import { askKlines } from "./eastmoney.ts";
import { askList, type ListTotals } from "./exchanges.ts";
import { askFactors, mapFactors } from "./factors.ts";
import { createInquiries } from "./inquiries.ts";
import { mapBars, mapTicks, volumeUnitOf } from "./mapping.ts";
import { calendarRequest, mapCalendar, readCalendar } from "./sina-calendar.ts";
import { readSinaBars, sinaBarsRequest } from "./sina.ts";
import { askTicks } from "./tencent.ts";
import type { WireBar } from "./wire-bar.ts";

export { AKSHARE_COMPLETE_FROM, akshareCapabilities } from "./capabilities.ts";

export type AkshareSourceOptions = AkshareClientOptions;

/**
 * The web services that AKShare reads, asked directly, or an AKTools server in their place. A call is one request, except
 * that ticks of a day take all their pages, and silence is held against an answer that is known to be there. Requests to
 * one upstream are made one at a time and apart; nothing is retried or counted here.
 */
export function openAkshareSource(options: AkshareSourceOptions): Source {
  const client = createAkshareClient(options);
  const capabilities = akshareCapabilities(options);
  const { clock } = options;
  const listTotals: ListTotals = new Map();

  const fetchers: Fetchers = {
    bars: async (call, capability, signal) => {
      const { code, from, to } = oneCodeOf(call.selection, "akshare");
      const unit = volumeUnitOf(code, capability.api, call.frequency);
      const wire = await askBars({ client, clock, call, capability }, signal);
      const { bars, rejected, suspensions, received } = mapBars(wire, {
        code,
        frequency: call.frequency,
        from,
        to,
        unit,
        source: capability.api === "sina" ? SOURCE.SINA : SOURCE.AKSHARE,
      });
      return {
        dataSet: "bars",
        rows: bars,
        rejected,
        received,
        rest: [],
        ...(suspensions.length === 0 ? {} : { suspensions }),
      };
    },

    ticks: async (call, { api }, signal) => {
      const { code, from: day, to } = oneCodeOf(call.selection, "akshare");
      if (day !== to) {
        throw new RangeError(`calling akshare: ticks of one day a call, got ${day} to ${to}`);
      }
      const ask = api === "aktools" ? askAktoolsTicks : askTicks;
      const wire = await ask(client, { code, day }, signal);
      const { ticks, rejected } = mapTicks(wire, code, day);
      return { dataSet: "ticks", rows: ticks, rejected, received: wire.length, rest: [] };
    },

    "adjustment-factors": async (call, { api }, signal) => {
      const { code, to } = oneCodeOf(call.selection, "akshare");
      const list = await (api === "aktools" ? askAktoolsFactors : askFactors)(client, code, signal);
      const { rows, rejected } = mapFactors(list, code, to);
      return { dataSet: "adjustment-factors", rows, rejected, received: list.length, rest: [] };
    },

    "trading-calendar": async (call, { api }, signal) => {
      const { from, to } = rangeOf(call.selection);
      const request = calendarRequest();
      const rows =
        api === "aktools"
          ? await askAktoolsCalendar(client, from, to, signal)
          : mapCalendar(await client.ask(request, ({ text }) => readCalendar(text, request.doing), signal), from, to);
      return { dataSet: "trading-calendar", rows, rejected: [], received: rows.length, rest: [] };
    },

    "stock-list": async (call, _capability, signal) => {
      const { selection, offset = 0 } = call;
      // The exchanges pause no share any more.
      if (selection.by !== "status" || selection.status === "paused") {
        return { dataSet: "stock-list", rows: [], rejected: [], received: 0, rest: [] };
      }
      const { rows, rejected, received, next } = await askList(client, selection.status, offset, listTotals, signal);
      return {
        dataSet: "stock-list",
        rows,
        rejected,
        received,
        rest: next === undefined ? [] : [{ ...call, offset: next }],
      };
    },
  };

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    signal.throwIfAborted();
    const capability = capabilityOf(capabilities, call);
    const fetcher: Fetchers[D] = fetchers[call.dataSet];
    if (fetcher === undefined) {
      throw new RangeError(`calling akshare: it has no ${call.dataSet}`);
    }
    return await fetcher(call, capability, signal);
  }

  return {
    provider: "akshare",
    capabilities,
    fetch,
    ...(options.aktoolsUrl === undefined ? { inquiries: createInquiries(client) } : {}),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

type Fetchers = {
  readonly [D in DataSet]?:
    | ((call: Call<D>, capability: Capability, signal: AbortSignal) => Promise<Page<D>>)
    | undefined;
};

interface BarsParts {
  readonly client: AkshareClient;
  readonly clock: Clock;
  readonly call: Call<"bars">;
  readonly capability: Capability;
}

async function askBars(
  { client, clock, call, capability }: BarsParts,
  signal: AbortSignal,
): Promise<readonly WireBar[]> {
  const { api, rowsPerDay } = capability;
  const question = { ...oneCodeOf(call.selection, "akshare"), frequency: call.frequency };
  if (api === "aktools") {
    return await askAktoolsBars(client, question, signal);
  }
  if (api !== "sina") {
    return await askKlines(client, question, signal);
  }
  const today = dayAt(clock.now(), SHANGHAI);
  const request = sinaBarsRequest({ ...question, today, rowsPerDay });
  return await client.ask(request, ({ text }) => readSinaBars(text, request.doing), signal);
}

/** Of mainland China, the only calendar that it has. */
function rangeOf(selection: Selection): { readonly from: Day; readonly to: Day } {
  if (selection.by !== "range" || (selection.market ?? "CN") !== "CN") {
    throw new RangeError("calling akshare: it has the trading calendar of mainland China only");
  }
  return selection;
}

const SELECTIONS: { readonly [D in DataSet]: readonly Selection["by"][] } = {
  bars: ["codes"],
  ticks: ["codes"],
  "adjustment-factors": ["codes"],
  "stock-list": ["status"],
  "trading-calendar": ["range"],
  suspensions: [],
};

/** Throws RangeError on a call that this source never offered: the caller's defect. */
function capabilityOf(capabilities: readonly Capability[], call: Call): Capability {
  const { dataSet, frequency, selection, api } = call;
  const isServed = SELECTIONS[dataSet].includes(selection.by);
  const code = selection.by === "codes" ? oneCodeOf(selection, "akshare").code : undefined;
  const found = capabilities.find(
    (one) =>
      one.dataSet === dataSet &&
      one.frequency === frequency &&
      (api === undefined || one.api === api) &&
      (code === undefined || (one.kinds.includes(kindOf(code)) && one.exchanges.includes(exchangeOf(code)))),
  );
  if (!isServed || found === undefined) {
    const of = code === undefined ? `by ${selection.by}` : `of ${code}`;
    throw new RangeError(
      `calling akshare${api === undefined ? "" : ` ${api}`}: it has no ${dataSet} at ${frequency} ${of}`,
    );
  }
  return found;
}
