import assert from "node:assert/strict";
import type { TestContext } from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { addDays, dayAt, SHANGHAI } from "../../src/domain/day.ts";
import { FREQUENCY } from "../../src/domain/enums.ts";
import { FREQUENCY_NUMBERS } from "../../src/domain/frequency.ts";
import { sourcesOf } from "../../src/domain/provider.ts";
import { exchangeOf, type SecurityCode } from "../../src/domain/security-code.ts";
import type { Market } from "../../src/market/generate-market.ts";
import type { RandomFault as AkshareFault } from "../../src/simulators/akshare/faults.ts";
import type { RandomFault as BaostockFault } from "../../src/simulators/baostock/faults.ts";
import type { RandomFault as TdxFault } from "../../src/simulators/tdx/faults.ts";
import type { RandomFault as TushareFault } from "../../src/simulators/tushare/faults.ts";
import type { RandomFault as YahooFault } from "../../src/simulators/yahoo/faults.ts";
import { sizes } from "../support/sizes.ts";
import {
  asEastmoneySays,
  asTdxSays,
  asYahooSays,
  barsOf,
  centsText,
  expectDaily,
  expectFactors,
  expectMinutes,
  expectTicks,
  factorsStored,
  float32Text,
  ticksStored,
  type DailyBar,
} from "./provider-truth.ts";
import { metricOf, readMetrics, type Samples } from "./read-metrics.ts";
import { openProvidersRig, type ProvidersRig, type ProvidersRigOptions } from "./providers-rig.ts";

/** What a simulator of each provider can do wrong. */
export interface FaultsOf {
  readonly tushare: TushareFault;
  readonly baostock: BaostockFault;
  readonly tdx: TdxFault;
  readonly akshare: AkshareFault;
  readonly yahoo: YahooFault;
}

export type FaultRun = {
  readonly [P in keyof FaultsOf]: {
    /** The kind of fault, or what the mixture has in common. */
    readonly name: string;
    readonly provider: P;
    readonly faults: readonly FaultsOf[P][];
    /** Rows with other values may be stored for a while, as where nothing shows that they are wrong. */
    readonly mayRevise?: boolean;
  };
}[keyof FaultsOf];

/** Everything that waits, shorter: the clock stays the machine's. */
const QUICK = {
  GINKGO_BAOSTOCK_TIMEOUT_MS: "500",
  GINKGO_BAOSTOCK_LOGIN_PAUSE_MS: "0",
  GINKGO_BAOSTOCK_LOGINS_PER_HOUR: "100000",
  GINKGO_BAOSTOCK_WAIT_MS_MAX: "150",
  GINKGO_TDX_TIMEOUT_MS: "500",
  GINKGO_TUSHARE_TIMEOUT_MS: "500",
  GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000",
  GINKGO_AKSHARE_TIMEOUT_MS: "500",
  GINKGO_AKSHARE_WAIT_MS: "100",
  GINKGO_AKSHARE_WAIT_MS_MAX: "150",
  GINKGO_YAHOO_TIMEOUT_MS: "500",
  GINKGO_YAHOO_WAIT_MS: "100",
  GINKGO_YAHOO_WAIT_MS_MAX: "150",
  GINKGO_BREAKER_PAUSE_MS: "50",
  GINKGO_BREAKER_PAUSE_MS_MAX: "200",
  GINKGO_WORKER_RETRY_WAIT_MS: "20",
  GINKGO_WORKER_RETRY_WAIT_MS_MAX: "100",
};
/** How long the simulated provider bans an address. */
const BAN_MS = 150;

/** Days of minutes and ticks, and codes of these and of factors. */
const DAYS_WITHIN = 3;
const CODES_WITHIN = 4;
/** A day that nothing explains is asked for again by the next message; so many rounds in all. */
const ROUNDS_MAX = 3;

interface Sent {
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Runs a worker before a provider of which one answer in five is spoilt, and holds every cell against the market. */
export async function runWithFault(t: TestContext, run: FaultRun): Promise<void> {
  await using two = await openProvidersRig(t, {
    market: {
      seed: sizes.seed,
      codes: sizes.codes,
      tradingDays: sizes.days,
      to: addDays(dayAt(systemClock.now(), SHANGHAI), -2),
    },
    env: QUICK,
    chain: run.provider,
    ...rigOptionsOf(run),
  });
  if (two === undefined) {
    return;
  }
  const { rig, market } = two;
  const url = Promise.withResolvers<string>();
  const startedMs = performance.now();
  const worker = rig.start({ onReady: (addresses) => url.resolve(addresses.url) });
  const sent = messagesFor(run.provider, market);
  let published = 0;
  let again: readonly Sent[] = sent;
  const rounds: number[] = [];
  while (again.length > 0 && rounds.length < ROUNDS_MAX) {
    rounds.push(again.length);
    await rig.publish(again.map((value) => ({ key: String(value.params["code"]), value })));
    published += again.length;
    await rig.untilSettled(published, 570_000);
    again = await unexplained(two, sent);
  }
  const set = await rig.messagesOf(`${rig.config.worker.topic}.dlq`);
  for (const { headers, value } of set.slice(0, 3)) {
    const said = headers.map(([name, text]) => `${name}: ${text?.toString() ?? ""}`).join(", ");
    t.diagnostic(`dead letter ${value?.toString() ?? ""}: ${said}`);
  }
  const letters = set.length;
  const seconds = (performance.now() - startedMs) / 1_000;
  const samples = await readMetrics(await url.promise);
  await worker.stop();
  tell(t, run, two, { samples, rounds, again, letters, seconds });
  await expectTruth(t, two, run);
  const hits = hitsOf(two, run.provider);
  assert.ok(hits.length > 0, "the fault has befallen something");
  assert.equal(letters, 0, "dead letters: every fault here passes, or is asked again");
}

/** One simulator with faults; bans are as short as everything else that waits. */
function rigOptionsOf(run: FaultRun): Partial<ProvidersRigOptions> {
  switch (run.provider) {
    case "tushare":
      return { tushare: { randomFaults: run.faults, limits: [] } };
    case "baostock":
      // An empty stock list is waited out for a minute: with this seed none is drawn.
      return { baostock: { randomFaults: run.faults, limits: { banMs: BAN_MS }, seed: 3 } };
    case "tdx":
      return { chain: "baostock,tdx", tdx: { randomFaults: run.faults } };
    case "akshare":
      return { akshare: { randomFaults: run.faults } };
    case "yahoo":
      // It has no stock list, and neither calendar of the mainland.
      return { chain: "baostock,yahoo", yahoo: { randomFaults: run.faults } };
  }
}

/** What each provider is asked for beside its daily bars, and how it says things. */
const SERVED: {
  readonly [P in keyof FaultsOf]: {
    readonly minutes: readonly ("1m" | "5m")[];
    readonly hasTicks?: boolean;
    readonly hasFactors?: boolean;
    readonly says: (bar: DailyBar) => DailyBar;
    readonly amountOf: (cents: number) => string;
    readonly volumeOf?: (shares: number) => number;
  };
} = {
  tushare: { minutes: ["1m", "5m"], hasFactors: true, says: (bar) => bar, amountOf: centsText },
  baostock: { minutes: ["5m"], hasFactors: true, says: (bar) => bar, amountOf: centsText },
  tdx: { minutes: ["1m", "5m"], hasTicks: true, says: asTdxSays, amountOf: float32Text },
  akshare: {
    minutes: ["5m"],
    hasFactors: true,
    says: asEastmoneySays,
    amountOf: centsText,
    volumeOf: (shares) => Math.round(shares / 100) * 100,
  },
  yahoo: { minutes: ["1m", "5m"], says: asYahooSays, amountOf: () => "-" },
};

/** Messages of the codes that the provider has, and one of a code that it has forgotten. */
function messagesFor(provider: FaultRun["provider"], market: Market): readonly Sent[] {
  const range = { start_date: market.days[0], end_date: market.days.at(-1), provider };
  const within = { ...range, start_date: market.days.at(-DAYS_WITHIN) };
  const codes = codesOf(provider, market);
  const few = codesWithin(provider, market);
  const bars = (code: string, params: object): Sent => ({ command: "bar_snapshot", params: { code, ...params } });
  return [
    ...codes.map((code) => bars(code, range)),
    ...SERVED[provider].minutes.flatMap((frequency) => few.map((code) => bars(code, { ...within, frequency }))),
    ...(SERVED[provider].hasTicks === true
      ? few.map((code) => ({ command: "tick", params: { code, ...within } }))
      : []),
    ...(SERVED[provider].hasFactors === true
      ? few.map((code) => ({ command: "adjustfactor", params: { code, ...range } }))
      : []),
  ];
}

/** What a provider never had or has forgotten is another matter: it answers nothing of it. */
function codesOf(provider: FaultRun["provider"], market: Market): readonly SecurityCode[] {
  return (
    market.securities
      .filter(({ code }) => (provider !== "baostock" && provider !== "yahoo") || exchangeOf(code) !== "BJ")
      // Of Beijing no list of what was delisted is known.
      .filter(({ code, delistedOn }) => provider !== "akshare" || exchangeOf(code) !== "BJ" || delistedOn === undefined)
      .filter(({ delistedOn }) => (provider !== "tdx" && provider !== "yahoo") || delistedOn === undefined)
      .map(({ code }) => code)
  );
}

function codesWithin(provider: FaultRun["provider"], market: Market): readonly SecurityCode[] {
  return codesOf(provider, market)
    .filter((code) => exchangeOf(code) !== "BJ")
    .slice(0, CODES_WITHIN);
}

/** Messages whose last outcome says that days are left without a reason. */
async function unexplained({ rig }: ProvidersRig, sent: readonly Sent[]): Promise<readonly Sent[]> {
  const rows = await rig.select<{ readonly command: string; readonly code: string; readonly days: string }>(
    `SELECT data_set AS command, code, toString(sum(dateDiff('day', first_day, last_day) + 1)) AS days
     FROM @ledger_row FINAL WHERE NOT removed AND state IN ('unexplained-empty', 'failed', 'pending') GROUP BY data_set, code`,
  );
  const codes = new Set(rows.map(({ code }) => code));
  return sent.filter(({ params }) => codes.has(String(params["code"])));
}

async function expectTruth(t: TestContext, two: ProvidersRig, { provider, mayRevise }: FaultRun): Promise<void> {
  const { rig, market } = two;
  const codes = codesOf(provider, market);
  const few = codesWithin(provider, market);
  const days = market.days.slice(-DAYS_WITHIN);
  const { says, amountOf, volumeOf = (shares) => shares, minutes, hasTicks, hasFactors } = SERVED[provider];
  const sources = sourcesOf(provider);
  const bars = async (frequency: number): Promise<readonly string[]> => {
    const found = await barsOf(rig, frequency, ...sources);
    // Of several upstreams one may count shares and another lots.
    return sources.length === 1 ? found : found.map((line) => withVolume(line, volumeOf));
  };
  const daily = await bars(FREQUENCY.DAY);
  const truth = expectDaily(market, codes, says).toSorted();
  const lost = truth.find((line) => !daily.includes(line));
  if (lost !== undefined) {
    await tellLedger(t, two, lost);
  }
  same(daily, truth, "daily bars");
  for (const frequency of minutes) {
    const expected = expectMinutes({ ...market, days }, few, frequency === "1m" ? 1 : 5, amountOf, volumeOf);
    same(await bars(FREQUENCY_NUMBERS[frequency]), expected, frequency);
  }
  if (hasTicks === true) {
    same(await ticksStored(rig), expectTicks({ ...market, days }, few), "ticks");
  }
  if (hasFactors === true) {
    same(await factorsStored(rig), expectFactors(market, few), "factors");
  }
  if (mayRevise !== true) {
    await expectOnce(two);
  }
}

function withVolume(line: string, volumeOf: (shares: number) => number): string {
  const parts = line.split(" ");
  return [...parts.slice(0, -2), volumeOf(Number(parts.at(-2))), parts.at(-1)].join(" ");
}

/** What the ledger has of a code that lacks rows, for whoever reads the failure. */
async function tellLedger(t: TestContext, { rig }: ProvidersRig, line: string): Promise<void> {
  const spans = await rig.select(
    `SELECT data_set, frequency, first_day, last_day, state, provider, note FROM @ledger_row FINAL
     WHERE NOT removed AND code = {code:String} ORDER BY data_set, frequency, first_day`,
    { code: line.slice(0, line.indexOf(" ")) },
  );
  t.diagnostic(`${line}: the ledger says ${JSON.stringify(spans)}`);
}

/** Equal, or the first lines that are not: a thousand of them say no more. */
function same(found: readonly string[], expected: readonly string[], what: string): void {
  const [have, want] = [new Set(found), new Set(expected)];
  const missing = expected.filter((line) => !have.has(line));
  const extra = found.filter((line) => !want.has(line));
  assert.deepEqual(
    {
      rows: found.length,
      missing: missing.slice(0, 3),
      missingRows: missing.length,
      extra: extra.slice(0, 3),
      extraRows: extra.length,
    },
    { rows: expected.length, missing: [], missingRows: 0, extra: [], extraRows: 0 },
    what,
  );
  assert.ok(expected.length > 0, `${what}: there is something to compare`);
}

/** No key twice, in any version: nothing was written again that was there. */
async function expectOnce({ rig }: ProvidersRig): Promise<void> {
  for (const table of ["bar_row", "tick_row", "adjustfactor_row"]) {
    const [plain, final] = await Promise.all(
      [`@${table}`, `@${table} FINAL`].map(async (from) => {
        const [row] = await rig.select<{ readonly rows: string }>(`SELECT toString(count()) AS rows FROM ${from}`);
        return row?.rows;
      }),
    );
    assert.equal(plain, final, `${table}: rows of all versions, and rows`);
  }
}

interface Told {
  readonly samples: Samples;
  readonly rounds: readonly number[];
  /** Codes that still have days without a reason. */
  readonly again: readonly Sent[];
  readonly letters: number;
  readonly seconds: number;
}

function tell(t: TestContext, run: FaultRun, two: ProvidersRig, told: Told): void {
  const { samples, rounds, again, letters, seconds } = told;
  const { provider, name } = run;
  const of = (metric: string, labels: Readonly<Record<string, string>> = {}): number =>
    metricOf(samples, metric, { provider, ...labels });
  const waited = (metric: string, labels: Readonly<Record<string, string>>): string =>
    `${of(`${metric}_count`, labels)} (${of(`${metric}_sum`, labels).toFixed(1)} s)`;
  const waits = [
    `budget ${waited("ginkgo_budget_wait_seconds", {})}`,
    ...["retry", "outage"].map((reason) => `${reason} ${waited("ginkgo_provider_wait_seconds", { reason })}`),
  ];
  const requests = requestsOf(two, provider);
  const hits = hitsOf(two, provider);
  const kinds = [...new Set(hits)].toSorted().join(", ");
  const left = again.map(({ params }) => String(params["code"])).join(" ");
  t.diagnostic(
    `${provider} ${name}: ${hits.length} of ${requests.length} answers hit (${kinds}); calls ${of("ginkgo_provider_calls_total")}, ` +
      `answered ${of("ginkgo_provider_calls_total", { outcome: "answered" })}, failed ${of("ginkgo_provider_calls_total", { outcome: "failed" })}, ` +
      `rate-limited ${of("ginkgo_provider_calls_total", { outcome: "rate-limited" })}; waits ${waits.join(", ")}; messages ${rounds.join(" + ")}; left ${left === "" ? "none" : left}; ` +
      `dead letters ${letters}; ${seconds.toFixed(1)} s`,
  );
}

function requestsOf(
  { rig, baostock, tdx, akshare, yahoo }: ProvidersRig,
  provider: FaultRun["provider"],
): readonly { readonly fault?: string | undefined }[] {
  switch (provider) {
    case "tushare":
      return rig.simulator.requests;
    case "baostock":
      return baostock.requests;
    case "tdx":
      return tdx.flatMap(({ requests }) => requests);
    case "akshare":
      return akshare.requests;
    case "yahoo":
      return yahoo.requests;
  }
}

/** The kinds of fault, one entry an answer that was hit. */
function hitsOf(two: ProvidersRig, provider: FaultRun["provider"]): readonly string[] {
  return requestsOf(two, provider).flatMap(({ fault }) => fault ?? []);
}
