import { DataError } from "../../base/errors.ts";
import { dayAt, minDay, parseDay, type Day } from "../../domain/day.ts";
import { kindOf, nameOfKind } from "../../domain/instrument-kind.ts";
import { isOfMarket, MARKETS, marketOf, type MarketName } from "../../domain/market.ts";
import type { DataSet } from "../../domain/rows.ts";
import { exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import type { Capability, Page, Source } from "../../ports/source.ts";
import { parseBaseUrl } from "../http/client.ts";
import { oneCodeOf } from "../one-code-of.ts";
import { requireAnswerTo } from "./believe.ts";
import { mapCalendar } from "./calendar.ts";
import { INTRADAY, YAHOO_MARKETS, yahooCapabilities, type YahooFrequency } from "./capabilities.ts";
import type { Chart } from "./chart.ts";
import { createYahooClient, YAHOO_COOKIE_URL, type YahooClientOptions } from "./client.ts";
import { createSessionAsker } from "./crumb.ts";
import { mapFactors } from "./factors.ts";
import { createInquiries } from "./inquiries.ts";
import { mapIntradayBars } from "./intraday.ts";
import { startOf } from "./local-time.ts";
import { mapDailyBars } from "./mapping.ts";
import { planWindow, wireIntervalOf, type ChartRequest } from "./requests.ts";
import { SplitBook } from "./split-book.ts";
import { requireSplitsApplied } from "./splits-applied.ts";
import { REFERENCE_INDICES, toWireSymbol } from "./symbols.ts";

export { yahooCapabilities } from "./capabilities.ts";

export interface YahooSourceOptions extends YahooClientOptions {}

/** So often an answer has to be to another question before that is what Yahoo says. */
const LOOKS_MAX = 3;

/**
 * Yahoo's charts as a source. One call is one request; only minutes that do not reach up to now need a second one, for the
 * splits after them.
 */
export function openYahooSource(options: YahooSourceOptions): Source {
  const { clock } = options;
  const cookieUrl = parseBaseUrl(options.cookieUrl ?? YAHOO_COOKIE_URL, "opening Yahoo");
  const client = createYahooClient(options);
  const splitBook = new SplitBook(clock);
  const capabilities = yahooCapabilities();
  const nowSeconds = (): number => Math.floor(clock.nowMs() / 1_000);

  /**
   * An answer about another security, in another currency or of another interval is never believed, nor that there is no such
   * symbol: it is asked for twice more before it counts.
   */
  async function ask(
    request: ChartRequest,
    market: MarketName,
    code: SecurityCode | undefined,
    signal: AbortSignal,
  ): Promise<Chart | undefined> {
    for (let looks = 1; ; looks += 1) {
      try {
        return await askOnce(request, market, code, signal);
      } catch (error) {
        if (!(error instanceof DataError) || looks >= LOOKS_MAX) {
          throw error;
        }
      }
    }
  }

  async function askOnce(
    request: ChartRequest,
    market: MarketName,
    code: SecurityCode | undefined,
    signal: AbortSignal,
  ): Promise<Chart | undefined> {
    const chart = await client.chart(request, signal);
    if (chart !== undefined) {
      requireAnswerTo(chart, request, market, code);
    }
    return chart;
  }

  const chartFrom = (code: SecurityCode, from: Day, signal: AbortSignal): Promise<Chart | undefined> => {
    const market = marketOf(code);
    const period1 = startOf(from, MARKETS[market].zone);
    const request = { symbol: toWireSymbol(code), interval: "1d", period1, period2: nowSeconds() } as const;
    return request.period1 < request.period2 ? ask(request, market, code, signal) : Promise.resolve(undefined);
  };

  async function fetchBars(call: Call<"bars">, signal: AbortSignal): Promise<Page<"bars">> {
    const { code, from, to } = oneCodeOf(call.selection, "yahoo");
    const market = marketOf(code);
    const frequency = toOwnFrequency(call);
    const interval = wireIntervalOf(frequency, market);
    const now = nowSeconds();
    const window = planWindow({ from, to }, interval, market, now);
    if (window === undefined) {
      return emptyPage("bars");
    }
    const { period1, period2, isUpToNow, restFrom } = window;
    const chart = await ask({ symbol: toWireSymbol(code), interval, period1, period2 }, market, code, signal);
    const rest = restFrom === undefined ? [] : [{ ...call, selection: { ...call.selection, from: restFrom, to } }];
    if (chart === undefined) {
      return { ...emptyPage("bars"), rest };
    }
    const splits = await splitsOf(chart, { code, from: window.from, isUpToNow }, signal);
    const today = dayAt(clock.now(), MARKETS[market].zone);
    const target = { code, market, from: window.from, to: window.to, period2, splits, today };
    const mapped =
      frequency === "1d"
        ? mapDailyBars(chart, target)
        : mapIntradayBars(chart, {
            ...target,
            frequency,
            wireMinutes: Number.parseInt(interval, 10),
            minutes: Number.parseInt(frequency, 10),
            nowSeconds: now,
          });
    return { dataSet: "bars", ...mapped, received: countOf(mapped), rest };
  }

  /**
   * All splits from a day up to now. A chart that names none is that of a code which had none, or one that lacks them, and
   * then every price before them would be wrong: it is asked for once more before that is believed.
   */
  async function splitsOf(
    chart: Chart,
    { code, from, isUpToNow }: { readonly code: SecurityCode; readonly from: Day; readonly isUpToNow: boolean },
    signal: AbortSignal,
  ): Promise<Chart["splits"]> {
    if (chart.slots.length === 0 || kindOf(code) === "index") {
      return chart.splits;
    }
    if (isUpToNow && chart.splits.length > 0) {
      return splitBook.keep(code, from, believedSplits(chart, code));
    }
    const known = splitBook.find(code, from);
    if (known !== undefined) {
      return known;
    }
    const whole = await chartFrom(code, from, signal);
    return splitBook.keep(code, from, whole === undefined ? [] : believedSplits(whole, code));
  }

  async function fetchFactors(
    call: Call<"adjustment-factors">,
    signal: AbortSignal,
  ): Promise<Page<"adjustment-factors">> {
    const { code, to } = oneCodeOf(call.selection, "yahoo");
    const period2 = nowSeconds();
    const first = await chartFrom(code, BEFORE_ALL, signal);
    // Without any event it may be a chart that lacks them.
    const chart = first === undefined || hasEvents(first) ? first : await chartFrom(code, BEFORE_ALL, signal);
    if (chart === undefined) {
      return emptyPage("adjustment-factors");
    }
    believedSplits(chart, code);
    const mapped = mapFactors(chart, { code, market: marketOf(code), to, period2 });
    return { dataSet: "adjustment-factors", ...mapped, received: countOf(mapped), rest: [] };
  }

  async function fetchCalendar(call: Call<"trading-calendar">, signal: AbortSignal): Promise<Page<"trading-calendar">> {
    const { selection } = call;
    const market = selection.by === "range" ? (selection.market ?? "CN") : "CN";
    const offer = capabilities.find(
      ({ dataSet, exchanges }) => dataSet === "trading-calendar" && isOfMarket(exchanges, market),
    );
    if (selection.by !== "range" || market === "CN" || offer?.since === undefined) {
      throw new RangeError(`calling yahoo: it has no calendar of ${MARKETS[market].title} by ${selection.by}`);
    }
    const from = selection.from > offer.since ? selection.from : offer.since;
    const lastFinal = minDay(selection.to, lastFinalDay(market));
    const period1 = startOf(from, MARKETS[market].zone);
    const period2 = Math.min(startOf(lastFinal, MARKETS[market].zone) + 86_400, nowSeconds());
    if (from > lastFinal || period1 >= period2) {
      return emptyPage("trading-calendar");
    }
    const symbol = REFERENCE_INDICES[market];
    const chart = await ask({ symbol, interval: "1d", period1, period2 }, market, undefined, signal);
    const rows =
      chart === undefined ? [] : mapCalendar(chart, { market, from, lastFinal }, `reading the days of ${symbol}`);
    return { dataSet: "trading-calendar", rows, rejected: [], received: rows.length, rest: [] };
  }

  /** The newest day of a market of which everything is in. */
  function lastFinalDay(market: MarketName): Day {
    const { zone } = MARKETS[market];
    const now = clock.now();
    const isOver = now.toZonedDateTimeISO(zone).toPlainTime().toString() >= YAHOO_MARKETS[market].completeFrom;
    return dayAt(isOver ? now : now.subtract({ hours: 24 }), zone);
  }

  const fetchers: Fetchers = {
    bars: fetchBars,
    "adjustment-factors": fetchFactors,
    "trading-calendar": fetchCalendar,
  };

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    signal.throwIfAborted();
    const fetcher: Fetchers[D] = fetchers[call.dataSet];
    if (fetcher === undefined) {
      throw new RangeError(`calling yahoo: it has no ${call.dataSet}`);
    }
    requireOffered(capabilities, call);
    return await fetcher(call, signal);
  }

  return {
    provider: "yahoo",
    capabilities,
    fetch,
    ready: client.ready,
    inquiries: createInquiries({ clock, chartFrom, askInSession: createSessionAsker(client, cookieUrl) }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

type Fetchers = {
  readonly [D in DataSet]?: ((call: Call<D>, signal: AbortSignal) => Promise<Page<D>>) | undefined;
};

/** Before any listing that the provider has: the factor of a day is of everything before it. */
const BEFORE_ALL = parseDay("1900-01-01");

/** DataError where prices are not known to have been divided by them. */
function believedSplits(chart: Chart, code: SecurityCode): Chart["splits"] {
  requireSplitsApplied(chart, marketOf(code), `reading prices of ${code} from yahoo`);
  return chart.splits;
}

function hasEvents({ splits, payments }: Chart): boolean {
  return splits.length + payments.length > 0;
}

function emptyPage<D extends DataSet>(dataSet: D): Page<D> {
  return { dataSet, rows: [], rejected: [], received: 0, rest: [] };
}

function countOf({
  rows,
  rejected,
}: {
  readonly rows: readonly unknown[];
  readonly rejected: readonly unknown[];
}): number {
  return rows.length + rejected.length;
}

function toOwnFrequency({ frequency }: Call): YahooFrequency {
  const own = frequency === "1d" ? frequency : INTRADAY.find((one) => one === frequency);
  if (own === undefined) {
    throw new RangeError(`calling yahoo: it has no bars at ${frequency}`);
  }
  return own;
}

/** Throws RangeError on a call that this source never offered: the caller's defect. */
function requireOffered(capabilities: readonly Capability[], call: Call): void {
  const offers = capabilities.filter(
    ({ dataSet, frequency }) => dataSet === call.dataSet && frequency === call.frequency,
  );
  if (offers.length === 0) {
    throw new RangeError(`calling yahoo: it has no ${call.dataSet} at ${call.frequency}`);
  }
  if (call.dataSet === "trading-calendar") {
    return;
  }
  const { code } = oneCodeOf(call.selection, "yahoo");
  const kind = kindOf(code);
  if (!offers.some(({ kinds, exchanges }) => kinds.includes(kind) && exchanges.includes(exchangeOf(code)))) {
    throw new RangeError(
      `calling yahoo: it has no ${call.dataSet} at ${call.frequency} of ${nameOfKind(kind)} (${code})`,
    );
  }
}
