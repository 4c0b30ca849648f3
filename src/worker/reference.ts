import { TransientError } from "../base/errors.ts";
import type { Day } from "../domain/day.ts";
import { MARKETS, type MarketName, marketOf } from "../domain/market.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import { IndexCalendars, type IndexMarket } from "./index-calendars.ts";
import type { IsYoung, ListParts, Refreshed } from "./keep-list.ts";
import type { ListDataSet } from "./list-answer.ts";
import { ListLines } from "./list-lines.ts";
import { MainlandCalendar } from "./mainland-calendar.ts";
import type { ProviderChain } from "./provider-chain.ts";
import type { ProviderLine } from "./provider-line.ts";
import { StockList } from "./stock-list.ts";

export interface ReferenceParts extends ListParts {
  readonly chain: ProviderChain;
  /** Who is asked for the lists of mainland China, in this order; at least one each. */
  readonly lines: Readonly<Record<ListDataSet, readonly ProviderLine[]>>;
  /** The same for the days of the markets that publish no calendar; absent where nobody in use knows them. */
  readonly indexLines: ReadonlyMap<IndexMarket, readonly ProviderLine[]>;
}

/** The lists that every plan rests on, as the worker keeps them: see `StockList`, `MainlandCalendar`, `IndexCalendars`. */
export class Reference implements AsyncDisposable {
  readonly #close = new AbortController();
  readonly #stockList: StockList;
  readonly #mainland: MainlandCalendar;
  readonly #indexCalendars: IndexCalendars;

  constructor({ chain, lines, indexLines, ...all }: ReferenceParts) {
    const parts = { ...all, work: AbortSignal.any([all.work, this.#close.signal]) };
    const { clock, log } = parts;
    const asked = (list: string, of: readonly ProviderLine[]): ListLines =>
      new ListLines({ list, lines: of, chain, clock, log });
    this.#stockList = new StockList(parts, asked("stock list", lines["stock-list"]));
    this.#mainland = new MainlandCalendar(parts, asked("trading calendar", lines["trading-calendar"]));
    const ofIndices = [...indexLines].map(
      ([market, of]) => [market, asked(`trading days of ${MARKETS[market].title}`, of)] as const,
    );
    this.#indexCalendars = new IndexCalendars(parts, new Map(ofIndices));
  }

  /** Of mainland China. */
  get calendar(): TradingCalendar {
    return this.#mainland.calendar;
  }

  /** Of the code's market. */
  calendarOf(code: SecurityCode): TradingCalendar {
    return this.calendarOfMarket(marketOf(code));
  }

  calendarOfMarket(market: MarketName): TradingCalendar {
    return market === "CN" ? this.calendar : this.#indexCalendars.calendar(market);
  }

  /** False where nobody in use knows on which days the code's market was open. */
  hasCalendarOf(code: SecurityCode): boolean {
    const market = marketOf(code);
    return market === "CN" || !this.#indexCalendars.isMissing(market);
  }

  /** See `StockList`. */
  instrument(code: SecurityCode): Instrument | undefined {
    return this.#stockList.instrument(code);
  }

  /** See `StockList`. */
  goneOn(code: SecurityCode): Day | undefined {
    return this.#stockList.goneOn(code);
  }

  /** See `StockList`. */
  get listedCount(): number {
    return this.#stockList.listedCount;
  }

  /**
   * Before any plan: calendar and listed codes are there and young enough. TransientError while nobody's answer is a list.
   * Where everybody refuses the call or is out what is stored serves, and the bundled calendar in any case; past its end
   * every plan says so. Only lists of the codes' markets are looked at.
   */
  async ensureFresh(codes: readonly SecurityCode[], signal: AbortSignal): Promise<void> {
    const markets = new Set(codes.map(marketOf));
    for (const market of markets) {
      if (market === "CN") {
        await this.#mainland.ensureYoung(signal);
        await this.#stockList.ensureListed(signal);
      } else {
        await this.#indexCalendars.ensure(market, signal);
      }
    }
  }

  /** See `StockList`. */
  refreshForUnknownCode(signal: AbortSignal): Promise<void> {
    return this.#stockList.refreshForUnknownCode(signal);
  }

  /** What a `stockinfo` or `trade_day` message asks for: a list fetched after it was sent. `force` fetches in any case. */
  async bringUpToDate(list: ListDataSet, askedAtMs: number, force: boolean, signal: AbortSignal): Promise<Refreshed> {
    const isYoung: IsYoung = (atMs) => !force && atMs !== undefined && atMs >= askedAtMs;
    return list === "stock-list"
      ? await this.#stockList.ensureWhole(isYoung, signal, force)
      : await this.#mainland.ensure(isYoung, signal, force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new TransientError("the reference lists are closed"));
    await Promise.all([this.#stockList.ended(), this.#mainland.ended(), this.#indexCalendars.ended()]);
  }
}
