import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { addDays, dayAt, daysBetween, SHANGHAI } from "../domain/day.ts";
import { CN_TRADING_DAYS_FROM } from "../domain/cn-trading-days.ts";
import { chainFor, chainSubjectOf, providersInUse } from "../domain/chain-rule.ts";
import { MARKET_NAMES, MARKETS, marketOf, marketOfExchange, type MarketName } from "../domain/market.ts";
import { ledgerKeyText, type LedgerKey, type Span } from "../domain/ledger.ts";
import { impliedInstrument } from "../domain/implied-instrument.ts";
import { PROVIDER_SOURCES, type ProviderName } from "../domain/provider.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call, CodeDataSet, Unit } from "../domain/unit.ts";
import { MARGIN, withMargin } from "../limits/limit-set.ts";
import { readNamedLimits, type NamedLimit } from "../limits/redis-limits.ts";
import { callsTimeMs } from "../planning/calls-time.ts";
import { coalesce } from "../planning/coalesce.ts";
import { covers } from "../planning/covers.ts";
import { isStale, lastFetchedAtMs } from "../planning/freshness.ts";
import { planCode } from "../planning/plan.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import { mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import type { Capability } from "../ports/source.ts";
import type { Ledger, ReferenceStore } from "../ports/store.ts";
import type { RequestPlan } from "./app-api.ts";
import { identityOf, openOurRedis } from "./open-budget.ts";
import { firstAble, noneAble, servedProvider, type AbleProvider } from "./provider-table.ts";
import { listedCodes } from "./send-requests.ts";

export interface RequestEstimate {
  readonly messages: number;
  /** Trading days of all codes that would be asked for. */
  readonly missingDays: number;
  /** Days that are not published yet, and would not be asked for. */
  readonly pendingDays: number;
  /** Codes that the stock list does not have; their messages become dead letters unless a new list has them. */
  readonly unknownCodes: readonly SecurityCode[];
  /** Codes of a kind or an exchange that no provider who would be asked has; their messages become dead letters. */
  readonly unservedCodes: readonly SecurityCode[];
  /** Calls of all apis. */
  readonly calls: number;
  readonly apis: readonly ApiEstimate[];
  /** At the budget's rate with nothing else to do; the apis are asked side by side. At the least. */
  readonly timeMs: number;
}

export interface ApiEstimate {
  readonly provider: string;
  readonly api: string;
  readonly calls: number;
  readonly timeMs: number;
  /** In any minute, for all workers of the token. */
  readonly callsPerMinute: number;
  /** What the provider said about a day, where it did. */
  readonly daily: { readonly calls: number; readonly used: number } | undefined;
}

export interface EstimateParts {
  readonly ledger: Pick<Ledger, "read">;
  readonly reference: ReferenceStore;
  /** What the provider named besides the settings. */
  readonly namedLimits: (provider: ProviderName, api: string) => Promise<readonly NamedLimit[]>;
  readonly nowMs: number;
}

const KEYS_MAX = 8_192;
const MINUTE_MS = 60_000;
/** A window of at least so long is a day's, which the budget makes a little longer or shorter. */
const DAY_WINDOW_MS_MIN = 20 * 3_600_000;
/** Listed, delisted, paused. */
const STOCK_LIST_CALLS = 3;
/** The worker asks for the calendar so far ahead. */
const CALENDAR_DAYS_AHEAD = 400;

/**
 * What a request would cost: the planner's own answer with the ledger, the lists and the limits as they are now. Nothing
 * is published and no provider is asked. Not counted are calls that follow from answers: suspension lists for days that
 * come back empty, and pages where a provider cuts what should have fitted.
 */
export async function estimateRequest(
  config: Config,
  plan: RequestPlan,
  parts: EstimateParts,
  signal: AbortSignal,
): Promise<RequestEstimate> {
  const lists = await listCalls(config, plan, parts, signal);
  const dataSet = dataSetOf(plan);
  const codes = dataSet === undefined ? undefined : await planCodes(config, plan, dataSet, parts, signal);
  const byApi = new Map<string, ApiCalls>();
  for (const { provider, api, calls } of [...lists, ...(codes?.calls ?? [])]) {
    const name = `${provider} ${api}`;
    byApi.set(name, { provider, api, calls: (byApi.get(name)?.calls ?? 0) + calls });
  }
  const apis: ApiEstimate[] = [];
  for (const one of byApi.values()) {
    apis.push(estimateApi(config, one, await parts.namedLimits(one.provider, one.api)));
  }
  return {
    messages: codes?.messages ?? 1,
    missingDays: codes?.missingDays ?? 0,
    pendingDays: codes?.pendingDays ?? 0,
    unknownCodes: codes?.unknownCodes ?? [],
    unservedCodes: codes?.unservedCodes ?? [],
    calls: apis.reduce((sum, one) => sum + one.calls, 0),
    apis,
    timeMs: Math.max(0, ...apis.map(({ timeMs }) => timeMs)),
  };
}

/** The limits that the provider named, from Redis; one process keeps them to itself. */
export async function openNamedLimits(
  config: Config,
  log: Log,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<EstimateParts["namedLimits"]> {
  if (config.redis.host === undefined) {
    return () => Promise.resolve([]);
  }
  const { client } = opened.use(await openOurRedis(config, log, signal));
  return (provider, api) => readNamedLimits(client, provider, identityOf(config, provider), api);
}

interface ApiCalls {
  readonly provider: ProviderName;
  readonly api: string;
  readonly calls: number;
}

function dataSetOf({ kind }: RequestPlan): CodeDataSet | undefined {
  return kind === "bars" || kind === "ticks" ? kind : kind === "factors" ? "adjustment-factors" : undefined;
}

/** Who would be asked for a code: the one that the plan names, else the first of the chain that has it. */
function ableFor(
  config: Config,
  { provider, frequency }: RequestPlan,
  dataSet: CodeDataSet,
): (code: SecurityCode) => AbleProvider | undefined {
  const wanted = dataSet !== "bars" || frequency === "1w" || frequency === "1M" ? "1d" : frequency;
  const subject = chainSubjectOf(dataSet, wanted);
  const able = new Map(
    (provider === undefined ? providersInUse(config.providers) : [provider]).map((name) => [
      name,
      servedProvider(name)
        .capabilities(config)
        .filter((one) => one.dataSet === dataSet && one.frequency === wanted),
    ]),
  );
  if (![...able.values()].some((capabilities) => capabilities.length > 0)) {
    throw noneAble([...able.keys()], dataSet, wanted);
  }
  return (code) => {
    for (const name of provider === undefined ? chainFor(config.providers, subject, code) : [provider]) {
      const capability = able.get(name)?.find((one) => covers(one, code));
      if (capability !== undefined) {
        return { provider: name, capability };
      }
    }
    return undefined;
  };
}

/** The lists that are asked for themselves, or are too old to plan with. */
async function listCalls(
  config: Config,
  plan: RequestPlan,
  { ledger, nowMs }: EstimateParts,
  signal: AbortSignal,
): Promise<readonly ApiCalls[]> {
  const keys = (["stock-list", "trading-calendar"] as const).map((dataSet): LedgerKey => ({
    dataSet,
    frequency: "1d",
    code: "",
  }));
  const known = await ledger.read(keys, signal);
  const today = dayAt(systemClock.now(), SHANGHAI);
  const calendarDays = daysBetween(CN_TRADING_DAYS_FROM, addDays(today, CALENDAR_DAYS_AHEAD)) + 1;
  return keys.flatMap((key): readonly ApiCalls[] => {
    const { provider, capability } = firstAble(
      config,
      key.dataSet === "stock-list" ? "stock-list" : "trading-calendar",
    );
    const { api, rowsMax } = capability;
    const isAsked = plan.kind === (key.dataSet === "stock-list" ? "stock-list" : "calendar");
    const isNeeded =
      dataSetOf(plan) !== undefined && isStale(lastFetchedAtMs(known.get(ledgerKeyText(key)) ?? []), nowMs);
    const calls = key.dataSet === "stock-list" ? STOCK_LIST_CALLS : Math.ceil(calendarDays / (rowsMax - 1));
    return isAsked || isNeeded ? [{ provider, api, calls }] : [];
  });
}

interface PlannedCodes {
  readonly messages: number;
  readonly missingDays: number;
  readonly pendingDays: number;
  readonly unknownCodes: readonly SecurityCode[];
  readonly unservedCodes: readonly SecurityCode[];
  readonly calls: readonly ApiCalls[];
}

async function planCodes(
  config: Config,
  plan: RequestPlan,
  dataSet: CodeDataSet,
  parts: EstimateParts,
  signal: AbortSignal,
): Promise<PlannedCodes> {
  const { reference, ledger } = parts;
  const calendars = await readCalendars(reference, signal);
  const listed = await reference.instruments(signal);
  const instruments = new Map(listed.map((one) => [one.code, one]));
  const codes = plan.codes === "all" ? listedCodes(listed) : plan.codes;
  const findAble = ableFor(config, plan, dataSet);
  const lists = firstAble(config, "stock-list");
  const find = (code: SecurityCode): Instrument | undefined =>
    instruments.get(code) ??
    (covers(lists.capability, code) ? undefined : impliedInstrument(code, PROVIDER_SOURCES[lists.provider]));
  const unitsOf = new Map<Capability, { readonly able: AbleProvider; readonly units: Unit[] }>();
  const [unknownCodes, unservedCodes]: [SecurityCode[], SecurityCode[]] = [[], []];
  let [missingDays, pendingDays] = [0, 0];
  for (let from = 0; from < codes.length; from += KEYS_MAX) {
    const batch: Batch[] = [];
    for (const code of codes.slice(from, from + KEYS_MAX)) {
      const able = findAble(code);
      const instrument = find(code);
      if (able === undefined) {
        unservedCodes.push(code);
      } else if (instrument === undefined) {
        unknownCodes.push(code);
      } else {
        const { frequency } = able.capability;
        batch.push({ able, instrument, key: { dataSet, frequency, code } });
      }
    }
    const known = await ledger.read(
      batch.map(({ key }) => key),
      signal,
    );
    for (const { able, instrument, key } of batch) {
      const spans = known.get(ledgerKeyText(key)) ?? [];
      const one = planOne(
        { config, plan, dataSet, parts, calendar: calendars[marketOf(instrument.code)], ...able },
        instrument,
        spans,
      );
      const found = unitsOf.get(able.capability) ?? { able, units: [] };
      unitsOf.set(able.capability, found);
      found.units.push(...one.units);
      missingDays += one.missingDays;
      pendingDays += one.pendingDays;
    }
  }
  const marketRowsByDay = listed.filter(({ status, code }) => status === "listed" && kindOf(code) === "stock").length;
  const calls = [...unitsOf.values()].map(({ able: { provider, capability }, units }): ApiCalls => {
    const calendar = calendars[marketOfExchange(capability.exchanges[0] ?? "SH")];
    return {
      provider,
      api: capability.api,
      calls: coalesce(units, capability, { calendar, marketRowsByDay }).reduce(
        (sum, { call }) => sum + pagesOf(call, capability, { calendar, marketRowsByDay }),
        0,
      ),
    };
  });
  return { messages: codes.length, missingDays, pendingDays, unknownCodes, unservedCodes, calls };
}

async function readCalendars(
  reference: ReferenceStore,
  signal: AbortSignal,
): Promise<Readonly<Record<MarketName, TradingCalendar>>> {
  const [CN, HK, US] = await Promise.all(MARKET_NAMES.map((name) => reference.calendar(MARKETS[name].number, signal)));
  return {
    CN: mergedCalendar(CN ?? []),
    HK: retrospectiveCalendar(HK ?? []),
    US: retrospectiveCalendar(US ?? []),
  };
}

interface Batch {
  readonly able: AbleProvider;
  readonly instrument: Instrument;
  readonly key: LedgerKey;
}

/** Of one call, by what its rows come to; each counts. */
function pagesOf(
  { selection }: Call,
  { rowsMax, dayRowsMax, pageRowsMax, rowsPerDay }: Capability,
  { calendar, marketRowsByDay }: { readonly calendar: TradingCalendar; readonly marketRowsByDay: number },
): number {
  if (selection.by === "day") {
    return Math.floor(marketRowsByDay / (dayRowsMax ?? rowsMax)) + 1;
  }
  if (selection.by !== "codes" || pageRowsMax === undefined) {
    return 1;
  }
  const rows = selection.codes.length * calendar.countBetween(selection.from, selection.to) * rowsPerDay;
  return Math.max(Math.ceil(rows / pageRowsMax), 1);
}

interface PlanContext {
  readonly config: Config;
  readonly plan: RequestPlan;
  readonly dataSet: CodeDataSet;
  readonly parts: EstimateParts;
  readonly provider: ProviderName;
  readonly capability: Capability;
  readonly calendar: TradingCalendar;
}

function planOne(context: PlanContext, instrument: Instrument, spans: readonly Span[]): ReturnType<typeof planCode> {
  const { config, plan, dataSet, parts, provider, capability, calendar } = context;
  return planCode({
    dataSet,
    frequency: capability.frequency,
    range: plan.ranges?.[instrument.code] ?? plan.range,
    force: plan.force,
    instrument,
    historyStart: config.history.start,
    daysDefault: dataSet === "ticks" ? config.history.tickDays : undefined,
    spans,
    provider,
    capability,
    calendar,
    nowMs: parts.nowMs,
  });
}

function estimateApi(config: Config, { provider, api, calls }: ApiCalls, named: readonly NamedLimit[]): ApiEstimate {
  const own = servedProvider(provider)
    .limits(config)
    .map(({ calls: most, windowMs }) => ({ windowMs, ...withMargin({ calls: most, windowMs }, MARGIN) }));
  const limits = [
    ...own.map((limit) => ({ calls: limit.calls, windowMs: limit.windowMicros / 1_000, used: 0 })),
    ...named,
  ];
  const perMinute = own.map((limit) => (limit.calls * MINUTE_MS) / limit.windowMs);
  const daily = named.find(({ windowMs }) => windowMs >= DAY_WINDOW_MS_MIN);
  return {
    provider,
    api,
    calls,
    timeMs: callsTimeMs(calls, limits),
    callsPerMinute: Math.floor(Math.max(...perMinute)),
    daily: daily === undefined ? undefined : { calls: daily.calls, used: daily.used },
  };
}
