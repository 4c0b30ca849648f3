import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { type ClickHouseHttpService, startClickHouseHttp } from "../test/support/services/clickhouse-http.ts";
import { startKafka } from "../test/support/services/kafka.ts";
import { startRedis } from "../test/support/services/redis.ts";
import { projectFolder } from "./lib/project.ts";

/**
 * `npm run try`: the main job on this machine, with a real broker, Redis, the ClickHouse engine behind HTTP, and a
 * simulated Tushare over a generated market. It runs the same commands as a person would and prints them, then ends;
 * `--keep` leaves everything running until Ctrl-C. What it starts is in temporary folders and gone when it ends.
 */
const CODES = "000001.SZ,600000.SH";
const FROM = "2025-06-02";
const TO = "2025-12-31";

/** As `gdw` itself ends after a signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

const { values } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.exitCode = EXIT_CODES[signal];
    stop.abort(new Error(`stopped by ${signal}`));
  });
}

async function main(): Promise<number> {
  say("starting Kafka, Redis and the ClickHouse engine behind HTTP, in temporary folders …");
  await using parts = new AsyncDisposableStack();
  const [kafka, redis, clickhouse] = await Promise.all([startKafka(), startRedis(), startClickHouseHttp()]);
  parts.use(kafka);
  parts.use(redis);
  parts.use(clickhouse);
  const servers = {
    GINKGO_KAFKA_BROKERS: kafka.address,
    GINKGO_REDIS_HOST: "127.0.0.1",
    GINKGO_REDIS_PORT: String(redis.port),
    GINKGO_CLICKHOUSE_URL: clickhouse.url,
    GINKGO_HEALTH_PORT: "0",
    LOG_LEVEL: "warn",
  };

  const simulator = parts.use(
    startCommand(["simulate", "tushare", "--port", "0", "--codes", "300", "--latency", "80-200"], {}),
  );
  const provider = settingsIn(await simulator.firstLine(/GINKGO_TUSHARE_URL=/));
  const env = { ...servers, ...provider };
  say(
    `settings: ${Object.entries(env)
      .map(([name, value]) => `${name}=${name.includes("TOKEN") ? "…" : value}`)
      .join(" ")}`,
  );

  const worker = parts.use(startCommand(["start"], { ...env, LOG_LEVEL: "info", GINKGO_LOGGING_FORMAT: "json" }));
  const http = /"http":"([^"]+)"/.exec(await worker.firstLine(/worker ready/))?.[1] ?? "";
  worker.show(/"level":"(warn|error)"/);
  const ask = ["request", "--codes", CODES, "--start", FROM, "--end", TO, "--wait"];
  await run(ask, env);
  await showBars(clickhouse);
  say("the same request again: everything is there, so no provider call is made");
  const code = await run(ask, env);
  if (values.keep && !stop.signal.aborted) {
    say(
      `running until Ctrl-C; the worker answers at ${http}/readyz and ${http}/status; for another terminal: export ${Object.entries(
        env,
      )
        .map(([name, value]) => `${name}=${value}`)
        .join(" ")}`,
    );
    await once(stop.signal, "abort");
    say("stopping: the worker finishes what it has in hand, at most 25 s; then the servers are ended");
  }
  return code;
}

interface RunningCommand extends AsyncDisposable {
  /** The first line that matches, from either output. */
  firstLine(pattern: RegExp): Promise<string>;
  /** From now on shows the lines that match. */
  show(pattern: RegExp): void;
}

function startCommand(args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
  say(`$ gdw ${args.join(" ")} &`);
  const child = spawnCommand(args, env, "pipe");
  const ended = untilEnded(child);
  return {
    show: (pattern) => {
      for (const output of [child.stdout, child.stderr]) {
        if (output !== null) {
          createInterface({ input: output }).on("line", (line) => {
            if (pattern.test(line)) {
              process.stdout.write(`${line}\n`);
            }
          });
        }
      }
    },
    firstLine: async (pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const seen: string[] = [];
      for (const output of [child.stdout, child.stderr]) {
        if (output !== null) {
          createInterface({ input: output }).on("line", (line) => {
            seen.push(line);
            if (pattern.test(line)) {
              resolve(line);
            }
          });
        }
      }
      child.once("exit", () => reject(new Error(`gdw ${args.join(" ")} ended:\n${seen.join("\n")}`)));
      return await promise;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs a command in the foreground; answers its exit code. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  stop.signal.throwIfAborted();
  say(`$ gdw ${args.join(" ")}`);
  const child = spawnCommand(args, env, "inherit");
  await untilEnded(child);
  stop.signal.throwIfAborted();
  return child.exitCode ?? 1;
}

/** Never rejects: a child that is ended by the signal reports that as an error first. */
async function untilEnded(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    await new Promise<void>((resolve) => child.once("exit", () => resolve()));
  }
}

function spawnCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  output: "pipe" | "inherit",
): ChildProcess {
  return spawn(process.execPath, ["src/cli/main.ts", ...args], {
    cwd: projectFolder,
    env: { ...process.env, ...env },
    stdio: ["ignore", output, output],
    signal: stop.signal,
    killSignal: "SIGTERM",
  }).on("error", () => undefined);
}

/** `NAME=value` pairs of a line. */
function settingsIn(line: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...line.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]));
}

async function showBars({ url }: ClickHouseHttpService): Promise<void> {
  const sql = `SELECT code, count() AS bars, min(trading_day) AS first, max(trading_day) AS last, argMax(close, trading_day) AS close
FROM ginkgo.bar GROUP BY code ORDER BY code FORMAT PrettyCompactMonoBlock`;
  say(`what is stored, by SQL on the view bar:\n${sql}`);
  const answer = await fetch(url, { method: "POST", body: sql, signal: stop.signal });
  process.stdout.write(await answer.text());
}

function say(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

try {
  const code = await main();
  if (!stop.signal.aborted) {
    process.exitCode = code;
  }
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
