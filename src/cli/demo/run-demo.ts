import { once } from "node:events";
import { join } from "node:path";

import { systemClock } from "../../base/clock.ts";
import type { Shutdown } from "../../base/shutdown.ts";
import type { AppApi, RequestPlan, RequestProgress } from "../../app/app-api.ts";
import type { BarComparison, WorkerAddresses } from "../../app/demo-api.ts";
import { markFolder } from "../../app/folder-marker.ts";
import type { Config } from "../../config.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { DemoProvider } from "../../simulators/tushare/demo-provider.ts";
import type { Cli } from "../cli.ts";
import type { Parts } from "../run-command.ts";
import { renderTable } from "../table.ts";
import { drawCandles } from "./candles.ts";
import { createDemoProgress } from "./demo-progress.ts";

export interface DemoOptions {
  readonly keep: boolean;
  /** Undefined: the simulated one. */
  readonly provider: "tushare" | undefined;
  /** Undefined: all of the generated market. */
  readonly codes: readonly SecurityCode[] | undefined;
}

export const DEMO_MARKET = { seed: 1, codes: 300, tradingDays: 250 } as const;
const CANDLES_MAX = 60;
const CANDLE_ROWS = 9;

/**
 * The main job on this machine, without any server: a worker with queue and engine in the embedded folder, one request
 * a code, and then what is stored held against the market's own truth by SQL. Everything goes the way a person's own
 * commands go: the worker is `start`, the requests are `request`, both in this process. Answers the exit code.
 */
export async function runDemo(parts: Parts, options: DemoOptions, cli: Cli): Promise<number> {
  const startedMs = systemClock.elapsedMs();
  const say = (text = ""): unknown => cli.stdout.write(`${text}\n`);
  await using opened = new AsyncDisposableStack();
  const simulated =
    options.provider === undefined
      ? opened.use(await (await cli.loadSimulators()).openDemoProvider(DEMO_MARKET))
      : undefined;
  const config = toDemoConfig(parts.config, simulated);
  const { folder } = config.embedded;
  await markFolder(folder, simulated === undefined ? "real" : "simulated");
  say(`demo: queue and engine in ${folder}, no server; ${describeProvider(simulated)}`);

  const { shutdown } = parts;
  const sayStop = (): void => {
    cli.stderr.write(
      `\nstopping: what is in hand is finished, at most ${config.worker.drainMs / 1_000} s; once more drops it. The same command goes on where it was\n`,
    );
  };
  shutdown.intake.addEventListener("abort", sayStop, { once: true });
  opened.defer(() => shutdown.intake.removeEventListener("abort", sayStop));
  await using worker = await startInside(parts, config);
  worker.signal.throwIfAborted();
  const plan = toPlan(options.codes ?? simulated?.codes ?? [], simulated);
  const last = await request(parts, config, plan, simulated, worker.signal, cli);
  say();
  say(describeOutcome(last, simulated?.calls()));
  const result =
    simulated === undefined
      ? undefined
      : await parts.app.compareBars(
          config,
          { rows: simulated.truth(plan.codes), codes: plan.codes, from: simulated.from, to: simulated.to },
          parts.log,
          worker.signal,
        );
  const picture = await showData(parts.app, config, plan.codes, parts, worker.signal);
  say(picture);
  say(describePlace(folder, plan, options.keep ? worker.addresses : undefined));
  const code = sayEnd(say, {
    last,
    result,
    calls: simulated?.calls(),
    seconds: ((systemClock.elapsedMs() - startedMs) / 1_000).toFixed(1),
  });
  if (options.keep) {
    say("\nrunning until Ctrl-C");
    if (!worker.signal.aborted) {
      await once(worker.signal, "abort");
    }
  }
  await worker.stop();
  return code;
}

/** Servers that the settings name are left alone: the demo runs on this machine's own parts. */
function toDemoConfig(config: Config, simulated: DemoProvider | undefined): Config {
  return {
    ...config,
    mode: "embedded",
    kafka: { ...config.kafka, brokers: [] },
    clickhouse: { ...config.clickhouse, url: undefined, embeddedPath: join(config.embedded.folder, "clickhouse") },
    redis: { ...config.redis, host: undefined },
    mysql: { ...config.mysql, host: undefined },
    providers: { ...config.providers, chain: ["tushare"] },
    // The truth is in yuan and shares, and the views are compared with it.
    compat: { ...config.compat, ginkgoUnits: false },
    // It counts what it asked for itself.
    schedule: { ...config.schedule, enabled: false },
    // Ports of a demo are nobody's business; whoever keeps it running is told which they are.
    health: { ...config.health, port: 0 },
    ...(simulated === undefined
      ? {}
      : { tushare: { ...config.tushare, url: simulated.url, token: simulated.token, callsPerMinute: 200 } }),
  };
}

interface InsideWorker extends AsyncDisposable {
  readonly addresses: WorkerAddresses;
  /** Aborts when a person stops the demo, or when the worker fails. */
  readonly signal: AbortSignal;
  stop(): Promise<void>;
}

/** `gdw start` in this process; resolves when it takes work. */
async function startInside({ app, log, shutdown }: Parts, config: Config): Promise<InsideWorker> {
  const over = new AbortController();
  const failed = new AbortController();
  const ready = Promise.withResolvers<WorkerAddresses>();
  const inside: Shutdown = {
    intake: AbortSignal.any([shutdown.intake, over.signal]),
    work: shutdown.work,
    signal: undefined,
    [Symbol.dispose]: () => undefined,
  };
  const ended = app
    .start(config, log, inside, (addresses) => ready.resolve(addresses))
    .then(
      () => ready.reject(shutdown.intake.reason ?? new Error("the worker ended before it took work")),
      (error: unknown) => {
        ready.reject(error);
        failed.abort(error);
        throw error;
      },
    );
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    over.abort();
    await ended;
  };
  return {
    addresses: await ready.promise,
    signal: AbortSignal.any([shutdown.intake, failed.signal]),
    stop,
    [Symbol.asyncDispose]: () => stop().catch(() => undefined),
  };
}

function toPlan(
  codes: readonly SecurityCode[],
  simulated: DemoProvider | undefined,
): RequestPlan & { readonly codes: readonly SecurityCode[] } {
  return {
    kind: "bars",
    codes,
    frequency: "1d",
    range: {
      full: false,
      start: simulated?.from,
      end: simulated?.to,
      days: simulated === undefined ? DEMO_MARKET.tradingDays : undefined,
    },
    force: false,
    provider: undefined,
    wait: true,
  };
}

async function request(
  { app, log }: Parts,
  config: Config,
  plan: RequestPlan,
  simulated: DemoProvider | undefined,
  signal: AbortSignal,
  cli: Cli,
): Promise<RequestProgress> {
  const progress = createDemoProgress(cli.stdout, systemClock);
  let last: RequestProgress | undefined;
  try {
    for await (const now of app.request(config, plan, log, signal)) {
      last = now;
      progress.show(now, simulated?.calls() ?? now.calls);
    }
  } finally {
    progress.end();
  }
  if (last === undefined) {
    throw new RangeError("the demo's request ended without saying how it went");
  }
  return last;
}

function describeProvider(simulated: DemoProvider | undefined): string {
  return simulated === undefined
    ? "provider Tushare, the real one"
    : `provider: a simulated Tushare over a generated market of ${simulated.codes.length} codes, ${simulated.from} to ${simulated.to}; ${simulated.terms}`;
}

/** What became of the requests, and why nothing was done where nothing was. */
function describeOutcome({ outcomes, rows, total }: RequestProgress, calls: number | undefined): string {
  const lines = renderTable(
    ["OUTCOME", "REQUESTS", "WHAT IT MEANS"],
    [
      ["stored", String(outcomes.stored), "what was missing was fetched, checked and written"],
      [
        "up-to-date",
        String(outcomes["up-to-date"]),
        "skipped: the ledger knows every day asked for, so nobody was asked",
      ],
      ["pending", String(outcomes.pending), "some days are not published yet"],
      ["unexplained", String(outcomes.unexplained), "the provider gave no row, and no list says why"],
      ["dead-letter", String(outcomes["dead-letter"]), "set aside with its reason: gdw dlq list"],
    ].filter(([word, count]) => word === "stored" || count !== "0"),
  );
  const wrote = `rows: ${rows.new} new, ${rows.same} as before, ${rows.revised} revised, ${rows.rejected} rejected`;
  const asked = calls === undefined ? "" : `; ${calls} provider calls for ${total} requests`;
  return `${lines}${wrote}${asked}`;
}

async function showData(
  app: AppApi,
  config: Config,
  codes: readonly SecurityCode[],
  { log }: Parts,
  signal: AbortSignal,
): Promise<string> {
  const [code] = codes;
  if (code === undefined) {
    return "";
  }
  const bars = await app.latestBars(config, code, CANDLES_MAX, log, signal);
  const candles = bars.map(({ open, high, low, close }) => ({
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
  }));
  const title = `${code}, the last ${bars.length} days to ${bars.at(-1)?.day ?? ""} (┃ up, █ down)`;
  return `\n${title}\n${drawCandles(candles, CANDLE_ROWS).join("\n")}\n`;
}

function describePlace(folder: string, { codes, range }: RequestPlan, addresses: WorkerAddresses | undefined): string {
  const gdw = "npm run gdw --";
  const lines = [
    `The data is in ${folder}. Look at it:`,
    `  ${gdw} bars ${codes[0] ?? ""} --from ${range.end?.slice(0, 8).concat("01") ?? "2026-01-01"}`,
    `  ${gdw} coverage`,
    `  ${gdw} sql "SELECT code, count() AS bars, max(trading_day) AS last FROM ginkgo.bar GROUP BY code ORDER BY code LIMIT 5"`,
    `docs/reading.md has more queries, and how Python reads the folder.`,
  ];
  if (addresses !== undefined) {
    lines.push(
      `worker: ${addresses.url}/status`,
      ...(addresses.storeUrl === undefined
        ? []
        : [
            `ClickHouse clients: ${addresses.storeUrl}, user default, the password is in ${join(folder, "worker.json")}`,
          ]),
    );
  }
  return lines.join("\n");
}

interface End {
  readonly last: RequestProgress;
  readonly result: BarComparison | undefined;
  readonly calls: number | undefined;
  readonly seconds: string;
}

/** The last two lines, in forms that scripts count on; without a truth to compare with only the second one. */
function sayEnd(say: (text?: string) => unknown, { last, result, calls, seconds }: End): number {
  const dead = last.outcomes["dead-letter"];
  say();
  if (result === undefined) {
    say(
      `demo: requests=${last.settled} new=${last.rows.new} unexplained=${last.unexplainedDays} dead=${dead} seconds=${seconds}`,
    );
    return dead === 0 ? 0 : 1;
  }
  const { expected, compared, different, missing, extra, duplicates, bars } = result;
  say(`demo: compared=${compared} different=${different + extra} calls=${calls ?? last.calls}`);
  say(
    `demo: requests=${last.settled} bars=${bars} missing=${missing} duplicates=${duplicates} dead=${dead} seconds=${seconds}`,
  );
  const isWhole = compared > 0 && compared + missing === expected && last.settled === last.total;
  return isWhole && different + extra + missing + duplicates + dead === 0 ? 0 : 1;
}
