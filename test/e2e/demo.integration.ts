import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";

import { createRandom } from "../../src/market/random.ts";
import { keepSaid } from "../support/planted-secrets.ts";
import { whyNoClickHouse } from "../support/services/clickhouse-http.ts";
import { sizes } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { compileCache } from "../support/compile-cache.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
/** Counted from the generator: 300 codes over 250 trading days, without days before listing, after delisting and suspended. */
const BARS = 71_810;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs the demo in a folder; `onLine` may end it. */
async function runDemo(folder: string, onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void) {
  const child = spawn(process.execPath, [MAIN, "demo"], {
    cwd: folder,
    // As on a bare machine: no setting of whoever runs the tests.
    env: { PATH: process.env["PATH"] ?? "", ...compileCache, TZ: "UTC" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    onLine?.(line, (signal) => child.kill(signal));
  });
  return await new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      keepSaid("demo", [...lines, errors].join("\n"));
      resolve({ code, signal, lines, errors });
    });
  });
}

function assertComplete({ code, lines, errors }: Ended, calls?: number): void {
  assert.equal(code, 0, errors);
  const [compared = "", counted = ""] = lines.slice(-2);
  assert.match(compared, new RegExp(`^demo: compared=${BARS} different=0 calls=${calls ?? String.raw`\d+`}$`));
  assert.match(
    counted,
    new RegExp(`^demo: requests=300 bars=${BARS} missing=0 duplicates=0 dead=0 seconds=\\d+\\.\\d$`),
  );
}

/** Where the engine cannot be had, loudly. */
async function openFolder(t: TestContext, stack: AsyncDisposableStack): Promise<string | undefined> {
  const why = whyNoClickHouse();
  if (why !== undefined) {
    assert.notEqual(process.env["REQUIRE_SERVICES"], "1", why);
    t.skip(why);
    return undefined;
  }
  return stack.use(await temporaryFolder("demo")).path;
}

test("the demo on a bare folder stores the whole market; the second run finds everything there and asks nobody", async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = await openFolder(t, stack);
  if (folder === undefined) {
    return;
  }
  const first = await runDemo(folder);
  assertComplete(first);
  const calls = /calls=(\d+)/.exec(first.lines.at(-2) ?? "")?.[1] ?? "";
  assert.ok(Number.parseInt(calls, 10) <= 40, `${calls} calls`);
  assert.equal(first.errors, "");
  const second = await runDemo(folder);
  assertComplete(second, 0);
  assert.match(second.lines.join("\n"), /up-to-date +300 +skipped: the ledger knows every day/);
  t.diagnostic(`${first.lines.at(-2) ?? ""} | ${first.lines.at(-1) ?? ""}`);
});

test("stopped by SIGINT at half way the demo ends in order, and the next run completes it", async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = await openFolder(t, stack);
  if (folder === undefined) {
    return;
  }
  let isStopped = false;
  const stopped = await runDemo(folder, (line, kill) => {
    const percent = /^progress: +(\d+) %/.exec(line)?.[1];
    if (!isStopped && percent !== undefined && Number.parseInt(percent, 10) >= 50) {
      isStopped = true;
      kill("SIGINT");
    }
  });
  assert.ok(isStopped, "the demo never was at half way");
  assert.deepEqual([stopped.code, stopped.signal], [130, null], stopped.errors);
  assertComplete(await runDemo(folder));
});

test("killed at random moments the demo completes when it is run again", async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = await openFolder(t, stack);
  if (folder === undefined) {
    return;
  }
  const random = createRandom(sizes.seed, "kill the demo");
  for (let kill = 0; kill < sizes.demoKills; kill += 1) {
    const afterMs = random.between(200, 5_000);
    const killed = await new Promise<Ended>((resolve, reject) => {
      const timers: NodeJS.Timeout[] = [];
      runDemo(folder, (_line, end) => {
        if (timers.length === 0) {
          timers.push(setTimeout(() => end("SIGKILL"), afterMs));
        }
      }).then((ended) => {
        timers.forEach((timer) => clearTimeout(timer));
        resolve(ended);
      }, reject);
    });
    t.diagnostic(`killed ${afterMs} ms after its first line: ${killed.signal ?? `ended before, ${killed.code ?? ""}`}`);
  }
  assertComplete(await runDemo(folder));
});
