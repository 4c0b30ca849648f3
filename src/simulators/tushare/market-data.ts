import { compactDay, parseDay, type Day } from "../../domain/day.ts";
import type { Market } from "../../market/generate-market.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import type {
  CorporateAction,
  MarketBar,
  MarketFactor,
  MarketSecurity,
  MarketSuspension,
  SecurityHistory,
} from "../../market/security.ts";
import { decimalOf } from "../../market/truth-rows.ts";
import type { DatedApiName } from "./apis.ts";
import { compositeRows, compositeRowsOn, isCompositeApi, type CompositeApiName } from "./composite-rows.ts";
import { minuteRows, type AuctionRow } from "./minute-rows.ts";
import type { SimulatedData, SimulatedRow } from "./simulated-data.ts";

export interface MarketDataOptions {
  /** Whether suspended days have a factor; the protocol page leaves it open. True by default. */
  readonly hasFactorsOnSuspendedDays?: boolean;
  /** Of bars of one minute; `apart` by default. */
  readonly auctionRow?: AuctionRow;
}

/** APIs whose rows are a security's own history. */
type HistoryApiName = Exclude<DatedApiName, CompositeApiName>;

/** Serves a generated market in Tushare's units: lots of 100 shares, thousands of yuan. */
export function marketData(market: Market, options: MarketDataOptions = {}): SimulatedData {
  const { hasFactorsOnSuspendedDays = true, auctionRow = "apart" } = options;
  const codes = market.securities.map(({ code }) => code);
  const makers: Readonly<Record<HistoryApiName, (history: SecurityHistory) => readonly Dated[]>> = {
    daily: ({ bars }) => bars.map((bar) => ({ day: bar.day, row: () => dailyRow(bar) })),
    adj_factor: (history) =>
      factorsOf(history, hasFactorsOnSuspendedDays).map((factor) => ({
        day: factor.day,
        row: () => factorRow(factor),
      })),
    suspend_d: suspendRows,
    stk_limit: ({ bars }) => bars.flatMap((bar) => limitRows(bar)),
  };

  // Built when a day is first asked for; the text of a row is only made for rows that are looked at.
  const byDay = new Map<HistoryApiName, ReadonlyMap<string, readonly (Dated & { readonly code: string })[]>>();
  const onDays = (api: HistoryApiName): ReadonlyMap<string, readonly (Dated & { readonly code: string })[]> => {
    const known = byDay.get(api);
    if (known !== undefined) {
      return known;
    }
    const fresh = new Map<string, (Dated & { readonly code: string })[]>();
    for (const history of market.histories()) {
      for (const { day, row } of makers[api](history)) {
        const key = compactDay(day);
        const list = fresh.get(key);
        const entry = { code: history.security.code, day, row };
        if (list === undefined) {
          fresh.set(key, [entry]);
        } else {
          list.push(entry);
        }
      }
    }
    byDay.set(api, fresh);
    return fresh;
  };

  return {
    codes,
    days: market.days.map((day) => compactDay(day)),
    *rowsOf(api, code) {
      if (isCompositeApi(api)) {
        yield* compositeRows(market, api, code);
        return;
      }
      const history = market.history(code);
      const rows = history === undefined ? [] : makers[api](history);
      for (let index = rows.length - 1; index >= 0; index -= 1) {
        const dated = rows[index];
        if (dated !== undefined) {
          yield dated.row();
        }
      }
    },
    *rowsOn(api, day, wanted) {
      if (isCompositeApi(api)) {
        yield* compositeRowsOn(market, api, day, wanted);
        return;
      }
      for (const { code, row } of onDays(api).get(day) ?? []) {
        if (wanted?.has(code) ?? true) {
          yield row();
        }
      }
    },
    minutesOf: (code, minutes, day) => minuteRows(market, code, minutes, parseDay(day), auctionRow),
    *instruments(today) {
      for (const security of market.securities) {
        yield instrumentRow(security, today);
      }
    },
    *dividends(code) {
      for (const action of market.history(code)?.actions.toReversed() ?? []) {
        if (action.terms.rightsTenthsPer10 === 0) {
          yield dividendRow(action);
        }
      }
    },
  };
}

interface Dated {
  readonly day: Day;
  readonly row: () => SimulatedRow;
}

export function dailyRow(bar: MarketBar): SimulatedRow {
  const changeCents = bar.closeCents - bar.preCloseCents;
  return [
    bar.code,
    compactDay(bar.day),
    decimalOf(bar.openCents, 2),
    decimalOf(bar.highCents, 2),
    decimalOf(bar.lowCents, 2),
    decimalOf(bar.closeCents, 2),
    decimalOf(bar.preCloseCents, 2),
    decimalOf(changeCents, 2),
    decimalOf(divideHalfUp(changeCents * 1_000_000, bar.preCloseCents), 4),
    decimalOf(bar.volume, 2),
    decimalOf(bar.turnoverCents, 5),
    undefined,
    undefined,
  ];
}

function factorRow({ code, day, factorE4 }: MarketFactor): SimulatedRow {
  return [code, compactDay(day), decimalOf(factorE4, 4)];
}

function factorsOf({ factors, suspensions }: SecurityHistory, hasSuspendedDays: boolean): readonly MarketFactor[] {
  if (hasSuspendedDays) {
    return factors;
  }
  const suspended = new Set(suspensions.filter(isWholeDay).map(({ day }) => day));
  return factors.filter(({ day }) => !suspended.has(day));
}

/** Suspensions (`S`, whole days without timing) and the first days after them (`R`). */
function suspendRows({ security, suspensions, resumptions }: SecurityHistory): readonly Dated[] {
  const stopped = suspensions.map(({ code, day, timing }) => ({
    day,
    row: (): SimulatedRow => [code, compactDay(day), timing, "S"],
  }));
  const resumed = resumptions.map((day) => ({
    day,
    row: (): SimulatedRow => [security.code, compactDay(day), undefined, "R"],
  }));
  return [...stopped, ...resumed].toSorted((left, right) => (left.day < right.day ? -1 : 1));
}

function isWholeDay({ timing }: MarketSuspension): boolean {
  return timing === undefined;
}

function limitRows(bar: MarketBar): readonly Dated[] {
  const { limits } = bar;
  if (limits === undefined) {
    return [];
  }
  const row = (): SimulatedRow => [
    compactDay(bar.day),
    bar.code,
    decimalOf(limits.upCents, 2),
    decimalOf(limits.downCents, 2),
    decimalOf(bar.preCloseCents, 2),
  ];
  return [{ day: bar.day, row }];
}

function instrumentRow(security: MarketSecurity, today: Day): SimulatedRow {
  const { code, name, area, industry, board, listedOn, delistedOn } = security;
  const isDelisted = delistedOn !== undefined && delistedOn <= today;
  return [
    code,
    code.slice(0, 6),
    name,
    area,
    industry,
    undefined,
    board.name,
    compactDay(listedOn),
    undefined,
    undefined,
    `${name}股份有限公司`,
    undefined,
    board.exchange,
    "CNY",
    statusOf(security, today),
    isDelisted ? compactDay(delistedOn) : undefined,
    "N",
  ];
}

/** G not yet listed, L listed, P paused, D delisted. */
function statusOf({ listedOn, pausedOn, delistedOn }: MarketSecurity, today: Day): string {
  if (listedOn > today) {
    return "G";
  }
  if (delistedOn !== undefined && delistedOn <= today) {
    return "D";
  }
  return pausedOn !== undefined && pausedOn <= today ? "P" : "L";
}

function dividendRow({ code, announcedOn, recordedOn, exDay, terms }: CorporateAction): SimulatedRow {
  const bonus = decimalOf(terms.bonusTenthsPer10, 2);
  const cash = decimalOf(terms.cashCentsPer10, 3);
  const reportedOn = parseDay(`${String(Number.parseInt(exDay.slice(0, 4), 10) - 1)}-12-31`);
  return [
    code,
    compactDay(reportedOn),
    compactDay(announcedOn),
    "实施",
    bonus,
    bonus,
    undefined,
    cash,
    cash,
    compactDay(recordedOn),
    compactDay(exDay),
    compactDay(exDay),
    terms.bonusTenthsPer10 > 0 ? compactDay(exDay) : undefined,
    compactDay(announcedOn),
    undefined,
    undefined,
    undefined,
  ];
}
