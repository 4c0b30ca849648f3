import type { Day } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import {
  compositeHistory,
  compositeMinutes,
  compositeTicks,
  COMPOSITES,
  type CompositeBar,
  type CompositeTick,
} from "../../market/composites.ts";
import type { Market } from "../../market/generate-market.ts";
import { minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import type { CorporateAction, MarketBar, MarketSecurity, SecurityHistory } from "../../market/security.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { TdxAction, TdxBar, TdxData, TdxSecurity, TdxTick } from "./tdx-data.ts";

export interface MarketDataOptions {
  /** Whether suspended days have a bar without volume at the close before; as noted of the real servers, true by default. */
  readonly hasRowsOnSuspendedDays?: boolean;
}

const MINUTES_A_DAY = 240;
const CLOSE = 15 * 60;
const MILLIS_A_CENT = 10;
/** Codes of which the days are kept. */
const DRAWN_CODES_MAX = 1_000;
/** Days of minutes that are kept once drawn; a sync asks for one code's days again and again. */
const DRAWN_DAYS_MAX = 2_000;

/** Serves a generated market, its indices and its funds. */
export function marketData(market: Market, options: MarketDataOptions = {}): TdxData {
  const hasSuspended = options.hasRowsOnSuspendedDays ?? true;
  const dayBars = memoize((code: string) => {
    const history = market.history(code);
    return history === undefined
      ? compositeHistory(market, code).map(compositeDay)
      : dayBarsOf(market, history, hasSuspended);
  }, DRAWN_CODES_MAX);
  const minutes = memoize((key: string) => {
    const [code = "", day = ""] = key.split(" ");
    return minuteBarsAt(
      market,
      code,
      market.days.find((own) => own === day),
    );
  }, DRAWN_DAYS_MAX);
  const composites = COMPOSITES.map(({ code, name, decimals, kind }) => ({
    code,
    name,
    decimals,
    isIndex: kind === "index",
    lotSize: 100,
    // Drawn when asked for: it takes the code's whole history.
    get preCloseMilli() {
      return dayBars(code).at(-1)?.closeMilli ?? 0;
    },
  }));
  const toSecurity = (security: MarketSecurity): TdxSecurity => ({
    code: security.code,
    name: security.name,
    decimals: 2,
    lotSize: 100,
    isIndex: false,
    get preCloseMilli() {
      return dayBars(security.code).at(-1)?.closeMilli ?? 0;
    },
  });
  const listed = memoizeDay((today) =>
    [...market.securities.filter((own) => isListed(own, today)).map(toSecurity), ...composites, ...OTHERS].toSorted(
      (left, right) => (left.code < right.code ? -1 : 1),
    ),
  );
  const byCode = memoizeDay((today) => new Map<string, TdxSecurity>(listed(today).map((own) => [own.code, own])));

  const ticks = (code: string, day: Day): readonly TdxTick[] => [
    ...ticksOf(market, code, day).map(({ priceCents, ...tick }) =>
      toTick({ ...tick, priceMilli: priceCents * MILLIS_A_CENT }),
    ),
    ...compositeTicks(market, code, day).map(toTick),
  ];

  return {
    days: market.days,
    securities: listed,
    security: (code, today) => byCode(today).get(code),
    dayBars,
    minuteDays: (code) =>
      dayBars(code)
        .filter(({ volume }) => volume > 0)
        .map(({ day }) => ({ day, rows: MINUTES_A_DAY })),
    minuteBars: (code, day) => minutes(`${code} ${day}`),
    ticks,
    snapshots: (code, day) => snapshotsOf(ticks(code, day)),
    actions: (code, today) => (market.history(code)?.actions ?? []).flatMap((action) => actionsOf(action, today)),
  };
}

/** Entries that a client must tell from stocks: they stand in the list and have no bars here. */
const OTHERS: readonly TdxSecurity[] = [
  other("000300.SH", "沪深300", 2, true),
  other("113050.SH", "南银转债", 3, false, 10),
  other("204001.SH", "GC001", 3, false, 10),
  other("880001.SH", "总市值", 2, true),
  other("900901.SH", "云赛Ｂ股", 3, false),
  other("123001.SZ", "蓝标转债", 3, false, 10),
  other("131810.SZ", "Ｒ-001", 3, false, 10),
  other("160105.SZ", "南方积配LOF", 3, false),
  other("200012.SZ", "南玻Ｂ", 2, false),
  other("395001.SZ", "主板Ａ股", 2, true),
  other("899050.BJ", "北证50", 2, true),
];

function other(code: string, name: string, decimals: number, isIndex: boolean, lotSize = 100): TdxSecurity {
  return { code: parseSecurityCode(code), name, decimals, isIndex, lotSize, preCloseMilli: 0 };
}

/** Not before the listing; what is delisted leaves list and data at once. */
function isListed({ listedOn, delistedOn }: MarketSecurity, today: Day): boolean {
  return listedOn <= today && (delistedOn === undefined || today < delistedOn);
}

function dayBarsOf(market: Market, { bars, suspensions }: SecurityHistory, hasSuspended: boolean): readonly TdxBar[] {
  const traded = bars.map(stockDay);
  if (!hasSuspended) {
    return traded;
  }
  const suspended = new Set(suspensions.filter(({ timing }) => timing === undefined).map(({ day }) => day));
  const barOn = new Map(traded.map((bar) => [bar.day, bar]));
  let last: TdxBar | undefined;
  return market.days.flatMap((day) => {
    const bar = barOn.get(day) ?? (suspended.has(day) && last !== undefined ? quietDay(last, day) : undefined);
    last = bar ?? last;
    return bar === undefined ? [] : [bar];
  });
}

function quietDay({ closeMilli }: TdxBar, day: Day): TdxBar {
  return {
    day,
    endMinute: CLOSE,
    openMilli: closeMilli,
    highMilli: closeMilli,
    lowMilli: closeMilli,
    closeMilli,
    volume: 0,
    turnoverCents: 0,
  };
}

function stockDay(bar: MarketBar): TdxBar {
  return {
    day: bar.day,
    endMinute: CLOSE,
    openMilli: bar.openCents * MILLIS_A_CENT,
    highMilli: bar.highCents * MILLIS_A_CENT,
    lowMilli: bar.lowCents * MILLIS_A_CENT,
    closeMilli: bar.closeCents * MILLIS_A_CENT,
    preCloseMilli: bar.preCloseCents * MILLIS_A_CENT,
    volume: bar.volume,
    turnoverCents: bar.turnoverCents,
  };
}

function compositeDay({ code: _code, ...bar }: CompositeBar): TdxBar {
  return { ...bar, endMinute: CLOSE };
}

function minuteBarsAt(market: Market, code: string, day: Day | undefined): readonly TdxBar[] {
  if (day === undefined) {
    return [];
  }
  const stock = minuteBarsOf(market, code, day).map((bar) => ({
    day,
    endMinute: minutesOf(bar.endsAt),
    openMilli: bar.openCents * MILLIS_A_CENT,
    highMilli: bar.highCents * MILLIS_A_CENT,
    lowMilli: bar.lowCents * MILLIS_A_CENT,
    closeMilli: bar.closeCents * MILLIS_A_CENT,
    volume: bar.volume,
    turnoverCents: bar.turnoverCents,
  }));
  return stock.length > 0
    ? stock
    : compositeMinutes(market, code, day).map(({ code: _code, endsAt, ...bar }) => ({
        ...bar,
        endMinute: minutesOf(endsAt),
      }));
}

const SNAPSHOTS = 9;
const SNAPSHOT_SIDE = 8;

/** While orders wait for the closing auction, as nine rows were captured: a price at which nothing was traded yet. */
function snapshotsOf(ticks: readonly TdxTick[]): readonly TdxTick[] {
  const last = ticks.at(-1);
  return last?.minute === CLOSE
    ? Array.from({ length: SNAPSHOTS }, () => ({
        minute: CLOSE - 1,
        priceMilli: last.priceMilli,
        volume: 0,
        trades: 0,
        side: SNAPSHOT_SIDE,
      }))
    : [];
}

const SIDES = { buy: 0, sell: 1, neutral: 2 } as const;

function toTick({ minute, priceMilli, volume, trades, side }: CompositeTick): TdxTick {
  return {
    minute: minutesOf(minute),
    priceMilli,
    volume,
    trades,
    side: SIDES[side],
  };
}

function minutesOf(text: string): number {
  return Number.parseInt(text.slice(0, 2), 10) * 60 + Number.parseInt(text.slice(3), 10);
}

const EX_RIGHT = 1;
const CAPITAL_CHANGE = 5;

/** Listed from the announcement on, before it happens; bonus shares also change the capital that same day. */
function actionsOf({ announcedOn, exDay, terms }: CorporateAction, today: Day): readonly TdxAction[] {
  if (announcedOn > today) {
    return [];
  }
  const exRight = new ByteWriter()
    .f32(terms.cashCentsPer10 / 100)
    .f32(terms.rightsPriceCents / 100)
    .f32(terms.bonusTenthsPer10 / 10)
    .f32(terms.rightsTenthsPer10 / 10)
    .toBuffer();
  const actions = [{ day: exDay, category: EX_RIGHT, payload: exRight }];
  if (terms.bonusTenthsPer10 === 0) {
    return actions;
  }
  const [before, after] = [100_000, 100_000 + 1_000 * terms.bonusTenthsPer10];
  const capital = new ByteWriter().f32(before).f32(before).f32(after).f32(after).toBuffer();
  return [...actions, { day: exDay, category: CAPITAL_CHANGE, payload: capital }];
}

/** Remembers what was made, the newest `countMax` of it. */
function memoize<Value>(make: (key: string) => Value, countMax: number): (key: string) => Value {
  const known = new Map<string, Value>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) {
      return found;
    }
    const fresh = make(key);
    if (known.size >= countMax) {
      known.delete(known.keys().next().value ?? key);
    }
    known.set(key, fresh);
    return fresh;
  };
}

/** Remembers what was made of the last day asked for. */
function memoizeDay<Value>(make: (today: Day) => Value): (today: Day) => Value {
  let known: { readonly day: Day; readonly value: Value } | undefined;
  return (day) => {
    known = known?.day === day ? known : { day, value: make(day) };
    return known.value;
  };
}
