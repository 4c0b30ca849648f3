import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { addDays, dayAt, daysBetween, SHANGHAI } from "../domain/day.ts";
import { CN_TRADING_DAYS_FROM } from "../domain/cn-trading-days.ts";
import { MARKET } from "../domain/enums.ts";
import { ledgerKeyText, type LedgerKey, type Span } from "../domain/ledger.ts";
import type { DataSet, Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet, Unit } from "../domain/unit.ts";
import { MARGIN, withMargin } from "../limits/limit-set.ts";
import { readNamedLimits, type NamedLimit } from "../limits/redis-limits.ts";
import { callsTimeMs } from "../planning/calls-time.ts";
import { coalesce } from "../planning/coalesce.ts";
import { isStale, lastFetchedAtMs } from "../planning/freshness.ts";
import { planCode } from "../planning/plan.ts";
import { mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import type { Capability } from "../ports/source.ts";
import type { Ledger, ReferenceStore } from "../ports/store.ts";
import { openTushareSource } from "../sources/tushare/source.ts";
import type { RequestPlan } from "./app-api.ts";
import { identityOf, openOurRedis } from "./open-budget.ts";
import { listedCodes } from "./send-requests.ts";

export interface RequestEstimate {
  readonly messages: number;
  /** Trading days of all codes that would be asked for. */
  readonly missingDays: number;
  /** Days that are not published yet, and would not be asked for. */
  readonly pendingDays: number;
  /** Codes that the stock list does not have; their messages become dead letters unless a new list has them. */
  readonly unknownCodes: readonly SecurityCode[];
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
  readonly namedLimits: (api: string) => Promise<readonly NamedLimit[]>;
  readonly nowMs: number;
}

const KEYS_MAX = 8_192;
/** A window of at least so long is a day's, which the budget makes a little longer or shorter. */
const DAY_WINDOW_MS_MIN = 20 * 3_600_000;
/** Listed, delisted, paused. */
const STOCK_LIST_CALLS = 3;
/** The worker asks for the calendar so far ahead. */
const CALENDAR_DAYS_AHEAD = 400;

/**
 * What a request would cost: the planner's own answer with the ledger, the lists and the limits as they are now. Nothing
 * is published and no provider is asked. Not counted are calls that follow from answers: suspension lists for days that
 * come back empty, pages that the provider cuts.
 */
export async function estimateRequest(
  config: Config,
  plan: RequestPlan,
  parts: EstimateParts,
  signal: AbortSignal,
): Promise<RequestEstimate> {
  const capabilities = await capabilitiesOf(config);
  const lists = await listCalls(plan, parts, capabilities, signal);
  const dataSet = dataSetOf(plan);
  const codes = dataSet === undefined ? undefined : await planCodes(config, plan, dataSet, parts, capabilities, signal);
  const byApi = new Map<string, number>();
  for (const { api, calls } of [...lists, ...(codes?.calls ?? [])]) {
    byApi.set(api, (byApi.get(api) ?? 0) + calls);
  }
  const apis: ApiEstimate[] = [];
  for (const [api, calls] of byApi) {
    apis.push(estimateApi(config, api, calls, await parts.namedLimits(api)));
  }
  return {
    messages: codes?.messages ?? 1,
    missingDays: codes?.missingDays ?? 0,
    pendingDays: codes?.pendingDays ?? 0,
    unknownCodes: codes?.unknownCodes ?? [],
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
  return (api) => readNamedLimits(client, "tushare", identityOf(config, "tushare"), api);
}

interface ApiCalls {
  readonly api: string;
  readonly calls: number;
}

function dataSetOf({ kind }: RequestPlan): CodeDataSet | undefined {
  return kind === "bars" ? "bars" : kind === "factors" ? "adjustment-factors" : undefined;
}

/** Nothing is asked of it here. */
async function capabilitiesOf({ tushare }: Config): Promise<readonly Capability[]> {
  await using source = openTushareSource({
    token: tushare.token ?? "",
    clock: systemClock,
    baseUrl: tushare.url,
    codesMax: tushare.codesMax,
    rowCaps: { daily: tushare.rowsMax, adj_factor: tushare.rowsMax },
  });
  return source.capabilities;
}

function capabilityOf(capabilities: readonly Capability[], dataSet: DataSet): Capability {
  const found = capabilities.find((one) => one.dataSet === dataSet);
  if (found === undefined) {
    throw new PermanentError(`no provider serves ${dataSet}`, "settings");
  }
  return found;
}

/** The lists that are asked for themselves, or are too old to plan with. */
async function listCalls(
  plan: RequestPlan,
  { ledger, nowMs }: EstimateParts,
  capabilities: readonly Capability[],
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
    const { api, rowsMax } = capabilityOf(capabilities, key.dataSet);
    const isAsked = plan.kind === (key.dataSet === "stock-list" ? "stock-list" : "calendar");
    const isNeeded =
      dataSetOf(plan) !== undefined && isStale(lastFetchedAtMs(known.get(ledgerKeyText(key)) ?? []), nowMs);
    const calls = key.dataSet === "stock-list" ? STOCK_LIST_CALLS : Math.ceil(calendarDays / (rowsMax - 1));
    return isAsked || isNeeded ? [{ api, calls }] : [];
  });
}

interface PlannedCodes {
  readonly messages: number;
  readonly missingDays: number;
  readonly pendingDays: number;
  readonly unknownCodes: readonly SecurityCode[];
  readonly calls: readonly ApiCalls[];
}

async function planCodes(
  config: Config,
  plan: RequestPlan,
  dataSet: CodeDataSet,
  parts: EstimateParts,
  capabilities: readonly Capability[],
  signal: AbortSignal,
): Promise<PlannedCodes> {
  const { reference, ledger } = parts;
  const calendar = mergedCalendar(await reference.calendar(MARKET.CHINA, signal));
  const listed = await reference.instruments(signal);
  const instruments = new Map(listed.map((one) => [one.code, one]));
  const codes = plan.codes === "all" ? listedCodes(listed) : plan.codes;
  const capability = capabilityOf(capabilities, dataSet);
  const units: Unit[] = [];
  let [missingDays, pendingDays] = [0, 0];
  for (let from = 0; from < codes.length; from += KEYS_MAX) {
    const batch = codes.slice(from, from + KEYS_MAX).flatMap((code) => instruments.get(code) ?? []);
    const keyOf = ({ code }: Instrument): LedgerKey => ({ dataSet, frequency: plan.frequency, code });
    const known = await ledger.read(batch.map(keyOf), signal);
    for (const instrument of batch) {
      const spans = known.get(ledgerKeyText(keyOf(instrument))) ?? [];
      const one = planOne({ config, plan, dataSet, parts, capability, calendar }, instrument, spans);
      units.push(...one.units);
      missingDays += one.missingDays;
      pendingDays += one.pendingDays;
    }
  }
  const marketRowsByDay = listed.filter(({ status }) => status === "listed").length;
  const calls = coalesce(units, capability, { calendar, marketRowsByDay });
  const callsPerDay = Math.floor(marketRowsByDay / capability.rowsMax) + 1;
  const made = calls.reduce((sum, { call }) => sum + (call.selection.by === "day" ? callsPerDay : 1), 0);
  return {
    messages: codes.length,
    missingDays,
    pendingDays,
    unknownCodes: codes.filter((code) => !instruments.has(code)),
    calls: [{ api: capability.api, calls: made }],
  };
}

interface PlanContext {
  readonly config: Config;
  readonly plan: RequestPlan;
  readonly dataSet: CodeDataSet;
  readonly parts: EstimateParts;
  readonly capability: Capability;
  readonly calendar: TradingCalendar;
}

function planOne(context: PlanContext, instrument: Instrument, spans: readonly Span[]): ReturnType<typeof planCode> {
  const { config, plan, dataSet, parts, capability, calendar } = context;
  return planCode({
    dataSet,
    frequency: plan.frequency,
    range: plan.ranges?.[instrument.code] ?? plan.range,
    force: plan.force,
    instrument,
    historyStart: config.history.start,
    spans,
    provider: "tushare",
    capability,
    calendar,
    nowMs: parts.nowMs,
  });
}

function estimateApi({ tushare }: Config, api: string, calls: number, named: readonly NamedLimit[]): ApiEstimate {
  const minute = withMargin({ calls: tushare.callsPerMinute, windowMs: 60_000 }, MARGIN);
  const limits = [{ calls: minute.calls, windowMs: minute.windowMicros / 1_000, used: 0 }, ...named];
  const daily = named.find(({ windowMs }) => windowMs >= DAY_WINDOW_MS_MIN);
  return {
    provider: "tushare",
    api,
    calls,
    timeMs: callsTimeMs(calls, limits),
    callsPerMinute: minute.calls,
    daily: daily === undefined ? undefined : { calls: daily.calls, used: daily.used },
  };
}
